"""Training runs as the pages use them: the form, what a run would do, starting, stopping, listing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from studio.adapters import ADAPTERS
from studio.errors import JobNotFound, NotYours, OptionsInvalid
from studio.jobs.folder import JobFolder
from studio.models.catalogue import Base
from studio.models.machine import find_plan, read_machine
from studio.people import Person
from studio.services.adapters import Adapter, Adapters
from studio.services.bases import Bases
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.services.run_choices import (
    Ground,
    check_plugs,
    list_fields,
    list_warnings,
    read_prompts,
    read_settings,
)
from studio.settings import Settings
from studio.training.forecast import forecast_run
from studio.training.measures import Measure, find_measure, measure_path
from studio.training.methods import METHODS
from studio.training.trainspec import Parent, TrainSpec

KIND = "train"
_UNKNOWN = ("rows", "held_out", "tokens", "steps", "cut", "nothing", "seconds")
_WITHOUT_RESULT = ("failed", "stopped")
_TAIL_BYTES = 16_384
RETRY_AFTER_S = 60.0


class Runs:
    """The training runs of every workspace. Thread-safe: everything is read from the disk."""

    def __init__(self, settings: Settings, queue: Queue, datasets: Datasets, bases: Bases, adapters: Adapters) -> None:
        self._root = settings.root
        self._queue = queue
        self._datasets = datasets
        self._bases = bases
        self._adapters = adapters

    def parents(self, person: Person, base: str) -> list[dict[str, Any]]:
        """The adapters that can be trained further on a base, newest first: {"id", "name"}."""
        found = [item for item in self._adapters.list(person) if item["base"] == base and item["adapter"] in ADAPTERS]
        return [{"id": item["id"], "name": item["name"]} for item in found]

    def form(self, person: Person, asked: Mapping[str, Any]) -> dict[str, Any]:
        """{"fields": …}: every option with words, limits and a default for this base, version and machine.

        asked: base, version, method, adapter, and parent: the id of an adapter to continue, or None. Raises
        ModelNotFound, NotYours, OptionsInvalid (no such method, adapter or parent).
        """
        return {"fields": list_fields(self._ground(person, asked))}

    def preview(self, person: Person, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What a run would do. Measures what is not known yet: call again while "measuring".

        asked: as `form`, and settings {name: value}. Raises OptionsInvalid with all problems, ModelNotFound, NotYours.
        """
        ground = self._ground(person, asked)
        chosen = read_settings(asked.get("settings"), ground)
        quantisation = ADAPTERS[ground.adapter].quantisation(chosen.adapter_options)
        plan = find_plan(self._root, ground.base, quantisation)
        probing = None if plan else self._ensure_probe(person, ground, chosen.adapter_options)
        if ground.measure is None:
            job = self._ensure_measure(person, ground)
            return {"status": _measure_status(job), "warnings": [], "job_id": job.id} | dict.fromkeys(_UNKNOWN)
        forecast = forecast_run(ground.measure, plan, chosen.options, chosen.keeps_split)
        # A probe that waits behind a run may take hours: the rest is told without it.
        waits = probing is not None and probing.state().is_running
        return {
            "status": "measuring" if waits else "ready",
            "warnings": list(list_warnings(ground.measure, chosen.options)),
            "job_id": probing.id if waits else None,
        } | asdict(forecast)

    def find_measure(self, person: Person, base: str, version: str, method: str) -> tuple[str, Measure | None]:
        """How long the rows of a version are as a method learns them: ("ready", it), else ("measuring" or "failed", None).

        Measures what is not known yet: call again while "measuring". Raises ModelNotFound, NotYours, OptionsInvalid.
        """
        asked = {"base": base, "version": version, "method": method, "adapter": ADAPTERS.names[0]}
        ground = self._ground(person, asked)
        if ground.measure is not None:
            return "ready", ground.measure
        return _measure_status(self._ensure_measure(person, ground)), None

    def start(self, person: Person, deed: str, choices: Mapping[str, Any]) -> str:
        """Queue a run; its job id, the same for the same deed.

        choices: as `preview`, and prompts, title. Raises OptionsInvalid with all problems, ModelNotFound, NotYours,
        RequestRefused.
        """
        ground = self._ground(person, choices)
        problems: list[dict[str, Any]] = []
        chosen = _collect(problems, read_settings, choices.get("settings"), ground)
        prompts = _collect(problems, read_prompts, choices.get("prompts"))
        if problems:
            raise OptionsInvalid(problems)
        spec = TrainSpec(
            base=ground.base.id,
            base_folder=str(ground.base.folder),
            version=ground.version["fingerprint"],
            dataset_id=ground.version["dataset_id"],
            dataset_name=ground.version["dataset_name"],
            method=ground.method,
            adapter=ground.adapter,
            method_options=chosen.options.model_dump(),
            adapter_options=chosen.adapter_options.model_dump(),
            choices=[{name: value for name, value in c.to_fields().items() if name != "kind"} for c in chosen.choices],
            keeps_split=chosen.keeps_split,
            prompts=prompts,
            title=_title(choices.get("title"), ground),
            parent=self._parent(person, choices),
        )
        return self._queue.submit(person, KIND, spec.title, spec.model_dump(), deed)

    def stop(self, person: Person, job_id: str) -> None:
        """Ask a run to stop; what was trained is kept as an adapter. Raises JobNotFound."""
        self._queue.stop(person, self._find(person, job_id).id)

    def delete(self, person: Person, job_id: str) -> None:
        """Remove a run with its adapter and checkpoints. Raises JobNotFound, JobRunning."""
        self._queue.delete(person, self._find(person, job_id).id)

    def list(self, person: Person) -> list[dict[str, Any]]:
        """Newest first. end_loss: of the last step that was told. seconds: of an ended run."""
        return [_listed(folder) for folder in self._queue.jobs(person, [KIND])]

    def _find(self, person: Person, job_id: str) -> JobFolder:
        folder = self._queue.find(person, job_id)
        if folder.spec.kind != KIND:
            raise JobNotFound(job=job_id)
        return folder

    def _ground(self, person: Person, asked: Mapping[str, Any]) -> Ground:
        base, version, parent = (asked.get(name) for name in ("base", "version", "parent"))
        missing = [] if base else [{"field": "base", "code": "base_missing"}]
        missing += [] if version else [{"field": "version", "code": "version_missing"}]
        if missing:
            raise OptionsInvalid(missing)
        found = self._bases.find(base)
        lineage = self._find_parent(person, parent, found).lineage if parent else None
        method, adapter = asked.get("method"), lineage.adapter if lineage else asked.get("adapter")
        check_plugs(method, adapter)
        entry = self._datasets.version(person, str(version))
        measured = measure_path(person.workspace, entry["fingerprint"], found, METHODS[str(method)].learns)
        return Ground(
            base=found,
            version=entry,
            machine=read_machine(self._root),
            measure=find_measure(measured),
            method=str(method),
            adapter=str(adapter),
            parent=lineage,
        )

    def _find_parent(self, person: Person, parent: object, base: Base) -> Adapter:
        """Raises OptionsInvalid for an adapter that is not there, not this person's, or was made for another base."""
        try:
            found = self._adapters.find(person, parent)
        except NotYours as error:
            raise OptionsInvalid([{"field": "parent", "code": "parent_unknown"}]) from error
        if found.lineage.base != base.id:
            raise OptionsInvalid([{"field": "parent", "code": "parent_other_base", "base": base.title}])
        return found

    def _parent(self, person: Person, choices: Mapping[str, Any]) -> Parent | None:
        if not choices.get("parent"):
            return None
        found = self._adapters.find(person, choices["parent"])
        return Parent(id=found.entry.adapter_id, name=found.entry.name, folder=str(found.folder))

    def _ensure_measure(self, person: Person, ground: Ground) -> JobFolder:
        base, version, learns = ground.base, ground.version["fingerprint"], METHODS[ground.method].learns
        options = {"base": base.id, "base_folder": str(base.folder), "version": version, "learns": learns}
        subject = measure_path(person.workspace, version, base, learns).name
        return self.ensure_job(person, "measure", f"{base.title} {version[:8]}", options, subject)

    def _ensure_probe(self, person: Person, ground: Ground, adapter_options: Any) -> JobFolder:
        base = ground.base
        options = {"base": base.id, "base_folder": str(base.folder), "adapter": ground.adapter}
        options["adapter_options"] = adapter_options.model_dump()
        subject = f"{base.id}|{base.bytes}|{ADAPTERS[ground.adapter].quantisation(adapter_options)}"
        return self.ensure_job(person, "probe", base.title, options, subject)

    def ensure_job(self, person: Person, kind: str, title: str, options: dict[str, Any], subject: str) -> JobFolder:
        """The job that measures what is missing; asked for once, however often the form looks.

        One that ended without a result is tried again after a minute; so is one whose result is no longer there.
        """
        attempt = 0
        while True:
            attempt += 1
            job_id = self._queue.submit(person, kind, title, options, f"{kind}|{subject}|{attempt}")
            job = self._queue.find(person, job_id)
            if not (ended := job.state().ended) or _seconds_since(ended["time"]) < RETRY_AFTER_S:
                return job


def _measure_status(job: JobFolder) -> str:
    return "failed" if job.state().status in _WITHOUT_RESULT else "measuring"


def _seconds_since(time: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()


def _collect(problems: list[dict[str, Any]], read: Any, *arguments: Any) -> Any:
    """What `read` gives, or None with its problems added to the others."""
    try:
        return read(*arguments)
    except OptionsInvalid as error:
        problems += error.problems
        return None


def _title(given: object, ground: Ground) -> str:
    written = str(given or "").strip()[:200]
    return written or f"{ground.version['dataset_name']} v{ground.version['number']} {ground.method}"[:200]


def _listed(folder: JobFolder) -> dict[str, Any]:
    spec = TrainSpec.model_validate(folder.spec.options)
    state = folder.state()
    ended = state.ended or {}
    summary = ended.get("summary") or {}
    return {
        "id": folder.id,
        "title": folder.spec.title,
        "status": state.status,
        "method": spec.method,
        "adapter": spec.adapter,
        "base": spec.base,
        "version": spec.version,
        "dataset_name": spec.dataset_name,
        "end_loss": summary.get("train_loss") if summary else _last_loss(folder),
        "held_out_before": summary.get("held_out_before"),
        "held_out_after": summary.get("held_out_after"),
        "seconds": ended.get("seconds"),
        "created": folder.spec.created,
        "parent": spec.parent and spec.parent.name,
        "settings": spec.method_options | spec.adapter_options,
    }


def _last_loss(folder: JobFolder) -> float | None:
    """The loss in the last lines of a log that has no summary: a run that goes on, was stopped or failed."""
    try:
        with folder.events_path.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - _TAIL_BYTES))
            lines = log.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        if b'"step"' not in line or b'"loss"' not in line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("kind") == "step" and event.get("loss") is not None:
            return event["loss"]
    return None
