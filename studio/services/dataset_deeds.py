"""Deeds on whole datasets: begin one by hand, duplicate, merge, and export rows as a file."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio.data.formats import FORMATS
from studio.data.records import KINDS
from studio.data.row_files import FORMS
from studio.data.selection import Selection
from studio.data.splits import DEFAULT_HELD_OUT_FRACTION
from studio.errors import JobNotFound, NameTaken, NotYours, OptionsInvalid, RequestRefused
from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.services.dataset_blends import find_name, look_at_parts, read_blend
from studio.services.dataset_imports import LONGEST_NAME, check_name
from studio.services.dataset_outlook import look_at_formats
from studio.services.datasets import Datasets
from studio.services.queue import DEED_CHARACTERS, Queue
from studio.store.catalogue import DatasetEntry, open_catalogue
from studio.store.dataset_file import SUFFIX, build_dataset, held_dataset, is_dataset_id, open_dataset
from studio.store.table import Table

DUPLICATE, MERGE, EXPORT = "duplicate_dataset", "merge_datasets", "export_rows"
_MAKES_DATASETS = ("import", DUPLICATE, MERGE)
FILE_KEPT_S = 24 * 3600.0
"""How long an exported file waits for its download after it was made; the rows are still there to export anew."""


class Deeds:
    """What is done with the datasets of every workspace as a whole. Thread-safe: everything is read from the disk."""

    def __init__(self, datasets: Datasets, queue: Queue) -> None:
        self._datasets = datasets
        self._queue = queue

    # A dataset from nothing, and from another -----------------------------------------------------------------------

    def new(self, person: Person, deed: str, name: str, kind: str) -> str:
        """An empty dataset to type rows into; its id, the same for the same deed.

        Raises NameUnsafe, NameTaken, OptionsInvalid.
        """
        if not isinstance(deed, str) or not 0 < len(deed) <= DEED_CHARACTERS:
            raise RequestRefused()
        if kind not in KINDS:
            raise OptionsInvalid([{"field": "kind", "code": "not_a_choice", "found": str(kind)[:80]}])
        dataset_id = f"d-{hashlib.blake2b(f'{person.id}/{deed}'.encode(), digest_size=8).hexdigest()}"
        with open_catalogue(person.workspace) as catalogue:
            if catalogue.has_dataset(dataset_id):
                return dataset_id
        name = self._free_name(person, check_name(name), name)
        path = person.workspace / "datasets" / (dataset_id + SUFFIX)
        with held_dataset(path):
            with build_dataset(path) as connection:
                table = Table(connection)
                table.write_facts({"format": 1, "held_out_fraction": DEFAULT_HELD_OUT_FRACTION})
                # Keys are spread evenly over 0..1: the share itself is the border until there are rows to count.
                table.recount(DEFAULT_HELD_OUT_FRACTION)
            entry = DatasetEntry(dataset_id, name, kind, {"source": "hand:", "file": None, "guesses": {}}, "", _now())
            with open_catalogue(person.workspace) as catalogue:
                try:
                    catalogue.insert_dataset(entry)
                except NameTaken:
                    if not catalogue.has_dataset(dataset_id):  # else the same click came twice at once
                        path.unlink(missing_ok=True)
                        raise
        return dataset_id

    def duplicate(self, person: Person, deed: str, dataset_id: str, name: str | None) -> str:
        """Queue the copy of a dataset as it stands; the job's id. Raises NotYours, NameUnsafe, NameTaken."""
        if done := self._done_before(person, DUPLICATE, deed):
            return done
        source = self._datasets.info(person, dataset_id)
        options = {"source_id": dataset_id, "dataset_id": _fresh_id()}
        options["name"] = self._free_name(person, name, source["name"])
        return self._queue.submit(person, DUPLICATE, options["name"], options, deed)

    # Several as one ---------------------------------------------------------------------------------------------------

    def preview_merge(self, person: Person, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What a merge would hold, looked at for at most some seconds; see `look_at_parts`. Raises NotYours, OptionsInvalid."""
        parts, kind = read_blend(asked)
        return look_at_parts(self._datasets, person, parts, kind)

    def merge(self, person: Person, deed: str, name: str | None, asked: Mapping[str, Any]) -> str:
        """Queue a merge; the job's id.

        asked: parts [{dataset_id, times | rows}], kind, seed, leave_out_shared. Raises NotYours, NameUnsafe, NameTaken,
        OptionsInvalid, also where a part holds no row that can become the kind.
        """
        if done := self._done_before(person, MERGE, deed):
            return done
        parts, kind = read_blend(asked)
        seen = look_at_parts(self._datasets, person, parts, kind, budget_s=0.0)
        if seen["problems"]:
            raise OptionsInvalid(seen["problems"])
        options = {
            "dataset_id": _fresh_id(),
            "name": self._free_name(person, name, seen["name"]),
            "kind": seen["kind"],
            "parts": [part.model_dump() for part in parts],
            "seed": _seed_of(asked.get("seed")),
            "leave_out_shared": asked.get("leave_out_shared") is not False,
        }
        return self._queue.submit(person, MERGE, options["name"], options, deed)

    # Rows as a file ---------------------------------------------------------------------------------------------------

    def preview_export(self, person: Person, dataset_id: str, form: str, selection: Any) -> dict[str, Any]:
        """How many rows are meant and how many of them each format can say; see `look_at_formats`. Raises NotYours."""
        chosen = Selection.from_json(selection or {})
        self._datasets.info(person, dataset_id)
        if form not in FORMS:
            raise RequestRefused()
        with open_dataset(self._path(person, dataset_id)) as connection:
            return look_at_formats(connection, chosen, form)

    def export(self, person: Person, deed: str, dataset_id: str, asked: Mapping[str, Any]) -> str:
        """Queue an export of rows; the job's id.

        asked: form, format, selection (None: every row), with_bom, with_marks. Raises NotYours, OptionsInvalid.
        """
        if done := self._done_before(person, EXPORT, deed):
            return done
        entry = self._datasets.info(person, dataset_id)
        chosen = Selection.from_json(asked.get("selection") or {})
        known = {"form": FORMS, "format": FORMATS.names}
        problems = [
            {"field": name, "code": "not_a_choice", "found": str(asked.get(name))[:80]}
            for name, choices in known.items()
            if asked.get(name) not in choices
        ]
        if problems:
            raise OptionsInvalid(problems)
        self._forget_old(person)
        options = {
            "dataset_id": dataset_id,
            "form": asked["form"],
            "format": asked["format"],
            "selection": chosen.as_json() or None,
            "with_bom": asked.get("with_bom") is True,
            "with_marks": asked.get("with_marks") is True,
        }
        return self._queue.submit(person, EXPORT, entry["name"], options, deed)

    def find_file(self, person: Person, job_id: str) -> Path:
        """The file of a finished export of rows. Raises JobNotFound, NotYours where there is no such file any more."""
        job = self._queue.find(person, job_id)
        if job.spec.kind != EXPORT:
            raise JobNotFound(job=job_id)
        ended = job.state().ended or {}
        path = job.workspace / str(ended.get("result") or "")
        if ended.get("kind") != "finished" or not path.is_file() or not path.is_relative_to(job.path):
            raise NotYours(what="export")
        return path

    def stop(self, person: Person, job_id: str) -> None:
        """Raises JobNotFound, also for a job of another kind. Nothing is left of what it made so far."""
        job = self._queue.find(person, job_id)
        if job.spec.kind not in (DUPLICATE, MERGE, EXPORT):
            raise JobNotFound(job=job_id)
        self._queue.stop(person, job.id)

    # Inside -----------------------------------------------------------------------------------------------------------

    def _path(self, person: Person, dataset_id: str) -> Path:
        if not is_dataset_id(dataset_id):
            raise NotYours(what="dataset")
        return person.workspace / "datasets" / f"{dataset_id}{SUFFIX}"

    def _done_before(self, person: Person, kind: str, deed: str) -> str | None:
        """The job that this very deed has made: a double click must not meet its own name as taken."""
        return next((job.id for job in self._queue.jobs(person, [kind]) if job.spec.deed == deed), None)

    def _free_name(self, person: Person, wanted: str | None, proposed: str) -> str:
        with open_catalogue(person.workspace) as catalogue:
            taken = catalogue.names()
        waiting = (job for job in self._queue.jobs(person, _MAKES_DATASETS) if not job.state().is_ended)
        taken |= {job.spec.options["name"] for job in waiting}
        if wanted:
            if check_name(wanted) in taken:
                raise NameTaken(name=wanted)
            return wanted
        return find_name(check_name(proposed.strip()[:LONGEST_NAME] or "data"), taken)

    def _forget_old(self, person: Person) -> None:
        for job in self._queue.jobs(person, [EXPORT]):
            if job.state().is_ended and _age_s(job) > FILE_KEPT_S:
                self._queue.delete(person, job.id)


def _age_s(job: JobFolder) -> float:
    return time.time() - datetime.fromisoformat(job.spec.created).timestamp()


def _seed_of(value: Any) -> int:
    """The seed that was asked for, or one of our own: what is drawn can be drawn again. Raises OptionsInvalid."""
    if value is None:
        return secrets.randbelow(1_000_000)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise OptionsInvalid([{"field": "seed", "code": "out_of_range", "minimum": 0, "maximum": 2**31 - 1}])
    return value


def _fresh_id() -> str:
    return f"d-{secrets.token_hex(8)}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
