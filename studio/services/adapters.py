"""Adapters as the pages use them: registered when their run ends, named, described, deleted."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from studio.adapters import ADAPTERS
from studio.errors import (
    AdapterUnreadable,
    JobNotFound,
    JobRunning,
    ModelError,
    NameUnsafe,
    NotYours,
    OptionsInvalid,
)
from studio.jobs.folder import JobFolder
from studio.models.lineage import Lineage, find_files, hash_file, read_lineage, write_lineage
from studio.options import option_fields
from studio.people import Person
from studio.services.bases import Bases
from studio.services.dataset_imports import LONGEST_NAME, check_name
from studio.services.queue import Queue, slug
from studio.services.runlog import RunLog
from studio.settings import Settings
from studio.store.adapters import AdapterEntry, AdapterTable, is_adapter_id, open_adapters
from studio.store.catalogue import open_catalogue
from studio.store.conversations import open_conversations
from studio.training.methods import METHODS
from studio.training.trainspec import TrainSpec

_log = logging.getLogger("whetstone")
FOLDER = "adapters"
FIRST_VERSION = "1"
LONGEST_NOTES = 4000
_ID_CHARACTERS = 60


@dataclass(frozen=True)
class Adapter:
    """A registered adapter and where it lies."""

    entry: AdapterEntry
    folder: Path

    @property
    def lineage(self) -> Lineage:
        return self.entry.lineage


class Adapters:
    """The adapters of every workspace. Thread-safe: each call opens what it needs and closes it."""

    def __init__(self, settings: Settings, queue: Queue, bases: Bases) -> None:
        self._queue = queue
        self._bases = bases
        for place in ("people", "teams"):
            for left in (settings.root / place).glob(f"*/{FOLDER}/.*"):
                shutil.rmtree(left, ignore_errors=True)

    def list(self, person: Person) -> list[dict[str, Any]]:
        """Newest first. Runs that left an adapter are registered first, each once."""
        with open_adapters(person.workspace) as table:
            self._register_new(person, table)
            entries = table.adapters()
        names = {entry.adapter_id: entry.name for entry in entries}
        return [_listed(entry) | {"parent_name": names.get(entry.lineage.parent or "")} for entry in entries]

    def find(self, person: Person, adapter_id: object) -> Adapter:
        """Raises NotYours for an id that is unknown, another workspace's, deleted, or no id at all."""
        if not is_adapter_id(adapter_id):
            raise NotYours(what="adapter")
        with open_adapters(person.workspace) as table:
            entry = table.adapter(str(adapter_id))
        return Adapter(entry, person.workspace / FOLDER / entry.adapter_id / FIRST_VERSION)

    def settings(self, person: Person, adapter_id: str) -> list[dict[str, Any]]:
        """What it was trained with: {"title": {en, ja}, "value", "words": {en, ja} or None} in the order of the form."""
        return list(_settings(self.find(person, adapter_id).lineage))

    def rename(self, person: Person, adapter_id: str, name: str) -> None:
        """Raises NotYours, NameUnsafe, NameTaken."""
        found = self.find(person, adapter_id)
        with open_adapters(person.workspace) as table:
            table.rename(found.entry.adapter_id, check_name(name))

    def write_notes(self, person: Person, adapter_id: str, notes: str) -> None:
        """Raises NotYours, OptionsInvalid where they are too long."""
        found = self.find(person, adapter_id)
        if len(notes) > LONGEST_NOTES:
            problem = {"field": "notes", "code": "notes_too_long", "found": len(notes), "limit": LONGEST_NOTES}
            raise OptionsInvalid([problem])
        with open_adapters(person.workspace) as table:
            table.write_notes(found.entry.adapter_id, notes)

    def depends(self, person: Person, adapter_id: str) -> list[dict[str, Any]]:
        """What needs it: {"kind", "title"} of adapters trained further, exports and conversations that it takes part in."""
        adapter = self.find(person, adapter_id)
        with open_adapters(person.workspace) as table:
            children = [entry for entry in table.adapters() if entry.lineage.parent == adapter.entry.adapter_id]
        exports = [job for job in self._exports_of(person, adapter) if job.state().status not in ("failed", "stopped")]
        with open_conversations(person.workspace) as conversations:
            talks = conversations.count_with(f"{person.workspace.name}/{adapter.entry.adapter_id}")
        return [
            *({"kind": "adapter", "title": entry.name} for entry in children),
            *({"kind": "export", "title": job.spec.title} for job in exports),
            *({"kind": "conversation", "title": adapter.entry.name} for _ in range(talks)),
        ]

    def delete(self, person: Person, adapter_id: str) -> None:
        """Remove an adapter; its exports and what was trained further stay. Raises NotYours, JobRunning.

        Its run keeps log and checkpoints, and no longer the files of its result: they are the adapter's own.
        """
        adapter = self.find(person, adapter_id)
        for job in self._exports_of(person, adapter):
            if not job.state().is_ended:
                raise JobRunning(job=job.spec.title)
        self._delete_from_run(person, adapter.entry.run)
        with open_adapters(person.workspace) as table:
            table.mark_deleted(adapter.entry.adapter_id, _now())
        hidden = adapter.folder.parent.with_name(f".deleted-{secrets.token_hex(6)}")
        with suppress(FileNotFoundError):
            adapter.folder.parent.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)

    def _delete_from_run(self, person: Person, run: str) -> None:
        """The lineage stays: by it a checkpoint of the run knows the base it belongs to."""
        with suppress(JobNotFound):
            for path in find_files(self._queue.find(person, run).result_path / "adapter"):
                path.unlink(missing_ok=True)

    def _exports_of(self, person: Person, adapter: Adapter) -> list[JobFolder]:
        jobs = self._queue.jobs(person, ["export"])
        return [job for job in jobs if job.spec.options.get("adapter_id") == adapter.entry.adapter_id]

    def _register_new(self, person: Person, table: AdapterTable) -> None:
        known = table.runs()
        for job in reversed(self._queue.jobs(person, ["train"])):
            folder = job.result_path / "adapter"
            if job.id in known or not (folder / "adapter_config.json").is_file() or not job.state().is_ended:
                continue
            try:
                self._register(person, table, job, folder)
            except (OSError, ValidationError) as error:  # it is tried again; the others are shown meanwhile
                _log.warning("the adapter of %s could not be registered: %s", job.id, error)

    def _register(self, person: Person, table: AdapterTable, job: JobFolder, source: Path) -> None:
        """The files are linked, not copied, so that a run and its adapter take the room of one."""
        home = person.workspace / FOLDER
        part = home / f".new-{secrets.token_hex(6)}"
        part.mkdir(parents=True)
        try:
            for path in find_files(source):
                link_or_copy(path, part / path.name)
            lineage = self._trace(person, job, part, source)
            write_lineage(part, lineage)
            size = sum(path.stat().st_size for path in part.iterdir())
            with table.registering():
                if job.id in table.runs():
                    return
                adapter_id = _free(slug(job.spec.title)[:_ID_CHARACTERS], table.ids(), "-{}")
                name = _free(_proposed_name(job.spec.title, adapter_id), table.names(), " ({})")
                shutil.rmtree(home / adapter_id, ignore_errors=True)  # of a process that died in this very moment
                (home / adapter_id).mkdir()
                part.rename(home / adapter_id / FIRST_VERSION)
                table.insert(AdapterEntry(adapter_id, name, "", job.id, lineage, size, job.spec.created))
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _trace(self, person: Person, job: JobFolder, part: Path, source: Path) -> Lineage:
        """Where an adapter comes from: what its run wrote beside it, its spec, its log and its ending."""
        spec = TrainSpec.model_validate(job.spec.options)
        told = _told(source) or Lineage(base=spec.base)
        log = RunLog(job.events_path)
        log.read()
        facts, summary = log.facts(), (job.state().ended or {}).get("summary") or {}
        chosen = {choice["name"]: choice["value"] for choice in log.choices}
        found = {
            "base": spec.base,
            "base_bytes": told.base_bytes,
            "precision": told.precision or chosen.get("dtype"),
            "method": spec.method,
            "adapter": spec.adapter,
            "run": job.id,
            "title": job.spec.title,
            "dataset_name": spec.dataset_name,
            "version": spec.version,
            "version_number": _version_number(person, spec),
            "parent": told.parent,
            "settings": spec.method_options | spec.adapter_options,
            "steps": summary.get("steps") or facts["step"],
            "train_loss": summary.get("train_loss") or facts["loss"],
            "held_out_before": summary.get("held_out_before") or facts["held_out_first"],
            "held_out_after": summary.get("held_out_after") or facts["held_out"],
            "licence": None,
            "created": job.spec.created,
            "files": told.files or {path.name: hash_file(path) for path in find_files(part)},
        }
        with suppress(ModelError):
            base = self._bases.find(spec.base)
            found |= {"base_bytes": told.base_bytes or base.bytes, "licence": base.licence}
        return Lineage(**found)


def link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)


def _told(folder: Path) -> Lineage | None:
    """What the run wrote beside its adapter. Where that cannot be read the run's own log says the same."""
    with suppress(AdapterUnreadable):
        return read_lineage(folder)
    return None


def _version_number(person: Person, spec: TrainSpec) -> int | None:
    with suppress(NotYours), open_catalogue(person.workspace) as catalogue:
        return catalogue.version(spec.version).number
    return None


def _proposed_name(title: str, adapter_id: str) -> str:
    """The run's title as far as it can be a name."""
    try:
        return check_name(title[: LONGEST_NAME - 8].strip())
    except NameUnsafe:
        return adapter_id


def _free(wanted: str, taken: set[str], suffix: str) -> str:
    made, number = wanted, 2
    while made in taken:
        made, number = wanted + suffix.format(number), number + 1
    return made


def _settings(lineage: Lineage) -> Iterator[dict[str, Any]]:
    plugs = [p[n] for p, n in ((METHODS, lineage.method), (ADAPTERS, lineage.adapter)) if n in p]
    for field in (field for plug in plugs for field in option_fields(plug.options)):
        if field.name in lineage.settings:
            value = lineage.settings[field.name]
            words = field.about.choices.get(value) if field.choices else None
            yield {"title": asdict(field.about.title), "value": value, "words": asdict(words) if words else None}


def _listed(entry: AdapterEntry) -> dict[str, Any]:
    """An adapter as a page may know it: no settings, no hashes. how: the titles of method and adapter."""
    lineage = entry.lineage
    told = lineage.model_dump(exclude={"format", "settings", "files", "created"})
    plugs = [p[n] for p, n in ((METHODS, lineage.method), (ADAPTERS, lineage.adapter)) if n in p]
    return told | {
        "how": [asdict(plug.title) for plug in plugs],
        "id": entry.adapter_id,
        "name": entry.name,
        "notes": entry.notes,
        "bytes": entry.bytes,
        "created": entry.created,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
