"""Exports as the pages use them: what one would do and cost, starting, listing, finding the file, deleting."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.errors import JobNotFound, ModelError, NotYours, OptionsInvalid
from studio.exporting.exporters import EXPORTERS
from studio.exporting.source import DEFAULT_PRECISION
from studio.jobs.folder import JobFolder
from studio.options import Situation, check_options, choose_options, option_fields
from studio.people import Person
from studio.services.adapters import Adapter, Adapters
from studio.services.bases import Bases
from studio.services.dataset_words import problem_words
from studio.services.queue import Queue
from studio.services.runlog import RunLog
from studio.settings import Settings

KIND = "export"
FOLDER = "exports"
PART = "part"
PROMPTS = 2
PROMPT_CHARACTERS = 500
STRANGERS_PROMPTS = ("Hello", "こんにちは")
"""Asked of an adapter whose run is gone, and with it the prompts it was watched with."""

LIBRARIES_BYTES = 600_000_000
"""What a process takes that has loaded torch, transformers and peft and no model yet; measured 480 MB, and some air."""

_WEIGHT_BYTES: Mapping[str, float] = {"float32": 4, "bfloat16": 2, "int8": 1.2, "nf4": 0.7}
_ANYWHERE = Situation(parameters=0, context=0, rows=0, held_out_fraction=0.0, row_tokens=None, device="cpu")


class Exports:
    """The exports of every workspace. Thread-safe: everything is read from the disk."""

    def __init__(self, settings: Settings, queue: Queue, adapters: Adapters, bases: Bases) -> None:
        self._queue = queue
        self._adapters = adapters
        self._bases = bases
        # A folder on the computer that serves the page helps only whoever sits before it.
        self._offers_folders = settings.login is None and not settings.on_space

    def form(self, person: Person, adapter_id: str) -> dict[str, Any]:
        """What can be exported and how, and what it costs.

        {"exporters": [{"name", "title", "summary", "fields"}], "files_bytes", "disk_bytes", "memory_bytes", "seconds"
        (of the last export on this base, or None), "problem" (in words, where the base is not here)}. Raises NotYours.
        """
        adapter = self._adapters.find(person, adapter_id)
        size, base_bytes, problem = adapter.entry.bytes, None, None
        try:
            base = self._bases.find(adapter.lineage.base)
            base_bytes = round(base.parameters * _WEIGHT_BYTES[adapter.lineage.precision or DEFAULT_PRECISION])
        except ModelError as error:
            problem = {"message": error.message(person.language), "hint": error.hint(person.language)}
        return {
            "exporters": [self._offered(plug) for plug in EXPORTERS],
            "files_bytes": size,
            "disk_bytes": 2 * size,
            "memory_bytes": None if base_bytes is None else base_bytes + LIBRARIES_BYTES,
            "seconds": self._last_seconds(person, adapter),
            "problem": problem,
        }

    def start(self, person: Person, deed: str, adapter_id: str, exporter: str, settings: Mapping[str, Any]) -> str:
        """Queue an export; its job's id, the same for the same deed.

        Raises NotYours, ModelNotFound (the base is not here), OptionsInvalid, RequestRefused.
        """
        adapter = self._adapters.find(person, adapter_id)
        lineage = adapter.lineage
        options = self._read_options(exporter, settings)
        base = self._bases.find(lineage.base)
        spec = {
            "adapter_id": adapter.entry.adapter_id,
            "name": adapter.entry.name,
            "notes": adapter.entry.notes,
            "folder": str(adapter.folder),
            "lineage": lineage.model_dump(),
            "base": base.id,
            "base_folder": str(base.folder),
            "exporter": exporter,
            "form": options["form"],
            "language": person.language,
            "prompts": self._prompts(person, adapter),
        }
        return self._queue.submit(person, KIND, adapter.entry.name, spec, deed)

    def list(self, person: Person) -> list[dict[str, Any]]:
        """Newest first. checks: the replies that export and adapter both gave. path: of a folder on this computer."""
        return [self._listed(person, job) for job in self._queue.jobs(person, [KIND])]

    def stop(self, person: Person, job_id: str) -> None:
        """Raises JobNotFound. What was written so far is removed."""
        self._queue.stop(person, self._find(person, job_id).id)

    def delete(self, person: Person, job_id: str) -> None:
        """Remove an export and its file. Raises JobNotFound, JobRunning."""
        job = self._find(person, job_id)
        self._queue.delete(person, job.id)
        shutil.rmtree(person.workspace / FOLDER / job.id, ignore_errors=True)

    def log_tail(self, person: Person, job_id: str) -> str:
        """The end of what worker and reader printed. Raises JobNotFound."""
        return self._find(person, job_id).log_tail()

    def find_file(self, person: Person, job_id: str) -> Path:
        """The zip of a finished export. Raises JobNotFound for every other id, NotYours where there is no such file."""
        path = _result_path(self._find(person, job_id))
        if path is None or not path.is_file():
            raise NotYours(what="export")
        return path

    def _find(self, person: Person, job_id: str) -> JobFolder:
        job = self._queue.find(person, job_id)
        if job.spec.kind != KIND:
            raise JobNotFound(job=job_id)
        return job

    def _offered(self, plug: Any) -> dict[str, Any]:
        fields = [
            {
                "name": field.name,
                "title": asdict(field.about.title),
                "summary": asdict(field.about.summary),
                "value": choose_options(plug.options, _ANYWHERE)[field.name].value,
                "choices": [
                    {"value": value, "title": asdict(field.about.choices[value])}
                    for value in field.choices
                    if value != "folder" or self._offers_folders
                ],
            }
            for field in option_fields(plug.options)
        ]
        return {"name": plug.name, "title": asdict(plug.title), "summary": asdict(plug.summary), "fields": fields}

    def _read_options(self, exporter: object, settings: Mapping[str, Any]) -> dict[str, Any]:
        if exporter not in EXPORTERS:
            raise OptionsInvalid([{"field": "exporter", "code": "exporter_unknown", "found": str(exporter)[:80]}])
        model = EXPORTERS[str(exporter)].options
        values = {name: chosen.value for name, chosen in choose_options(model, _ANYWHERE).items()} | dict(settings)
        problems = check_options(model, values)
        if not problems and values["form"] == "folder" and not self._offers_folders:
            problems = [{"field": "form", "code": "form_not_here", "found": "folder"}]
        if problems:
            raise OptionsInvalid(problems)
        return values

    def _prompts(self, person: Person, adapter: Adapter) -> list[str]:
        """What the run was watched with: the replies that are compared are then ones the person knows."""
        try:
            log = RunLog(self._queue.find(person, adapter.entry.run).events_path)
        except JobNotFound:
            return list(STRANGERS_PROMPTS)
        log.read()
        asked = dict.fromkeys(sample["prompt"][:PROMPT_CHARACTERS] for sample in log.samples if sample["prompt"])
        return list(asked)[:PROMPTS] or list(STRANGERS_PROMPTS)

    def _last_seconds(self, person: Person, adapter: Adapter) -> float | None:
        for job in self._queue.jobs(person, [KIND]):
            ended = job.state().ended or {}
            if ended.get("kind") == "finished" and job.spec.options["base"] == adapter.lineage.base:
                return ended["seconds"]
        return None

    def _listed(self, person: Person, job: JobFolder) -> dict[str, Any]:
        state, options = job.state(), job.spec.options
        ended = state.ended or {}
        if state.is_ended and state.status != "finished":
            _clear(job)
        path = _result_path(job)
        is_zip = options["form"] == "zip"
        there = path is not None and path.exists()
        summary = ended.get("summary") or {}
        return {
            "id": job.id,
            "adapter_id": options["adapter_id"],
            "name": job.spec.title,
            "exporter": options["exporter"],
            "form": options["form"],
            "status": state.status,
            "created": job.spec.created,
            "seconds": ended.get("seconds"),
            "bytes": summary.get("bytes"),
            "precision": summary.get("precision"),
            "checks": summary.get("checks", []),
            "file": path.name if there and is_zip else None,
            "path": str(path) if there and not is_zip and self._offers_folders else None,
            "problem": problem_words(person.language, ended) if state.status == "failed" else None,
        }


def _result_path(job: JobFolder) -> Path | None:
    ended = job.state().ended or {}
    return job.workspace / ended["result"] if ended.get("kind") == "finished" and ended.get("result") else None


def _clear(job: JobFolder) -> None:
    """What a killed worker could not remove itself."""
    for left in _leftovers(job):
        shutil.rmtree(left, ignore_errors=True)


def _leftovers(job: JobFolder) -> Iterator[Path]:
    yield job.path / PART
    yield job.workspace / FOLDER / job.id
