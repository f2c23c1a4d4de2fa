"""Runs of the train job's parts inside a test: a version on disk, a job folder, a trainer of the real classes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from studio.adapters import ADAPTERS
from studio.data.records import record_kind, split_key
from studio.data.splits import held_out_threshold, split_of
from studio.data.versions import FrozenRow, VersionWriter
from studio.events import Event
from studio.jobs.folder import create_job
from studio.jobspec import JobSpec
from studio.models.catalogue import POCKET, Base
from studio.models.machine import Machine, Plan, write_machine, write_plan
from studio.options import Situation, read_options
from studio.people import Person
from studio.services.studio import Studio
from studio.training.methods import METHODS
from studio.training.trainspec import TrainSpec
from studio.worker.context import JobLog, WorkerJob

PLAN = Plan("float32", 1, "trained", 0.01, 1e-4, {})
IMPORT_LIMIT_S = 120
ASSETS = Path(__file__).parents[1] / "assets"


def read_sample(name: str = "shop_sft") -> list[dict[str, Any]]:
    """The records of one of the project's own samples."""
    return [json.loads(line) for line in (ASSETS / "samples" / f"{name}.jsonl").read_text("utf-8").splitlines()]


def write_version(workspace: Path, records: Sequence[dict[str, Any]], held_out: float = 0.1) -> str:
    """A version as the app writes it; its fingerprint."""
    folder = workspace / "versions"
    folder.mkdir(parents=True, exist_ok=True)
    keys = [split_key(record) for record in records]
    threshold = held_out_threshold(keys, held_out)
    writer = VersionWriter(folder / "new.part")
    writer.write(
        FrozenRow(
            number, record_kind(record) or "", json.dumps(record, ensure_ascii=False), split_of(key, threshold), key
        )
        for number, (record, key) in enumerate(zip(records, keys, strict=True), 1)
    )
    return writer.finish(folder).fingerprint


def chosen_options(
    base: Base, rows: int, method: str = "sft", adapter: str = "lora", **settings: Any
) -> tuple[Any, Any]:
    """Options of a method and of an adapter: defaults for this base, but for the settings."""
    situation = Situation(base.parameters, base.context, rows, 0.1, None, "cpu", knows_every_token=base.id == POCKET)
    models = METHODS[method].options, ADAPTERS[adapter].options
    split = [{name: value for name, value in settings.items() if name in model.model_fields} for model in models]
    return tuple(read_options(model, given, situation)[0] for model, given in zip(models, split, strict=True))  # type: ignore[return-value]


def make_job(
    root: Path, base: Base, fingerprint: str, rows: int, prompts: Sequence[str] = (), **settings: Any
) -> WorkerJob:
    """A train job that is ready to run in this process, with a machine and a plan that need no probe.

    settings: may name `method`, `adapter` and `parent` too; what neither plug knows is left out.
    """
    method, adapter = settings.pop("method", "sft"), settings.pop("adapter", "lora")
    options, adapter_options = chosen_options(base, rows, method, adapter, **settings)
    write_machine(root, Machine("cpu", "a test", 1, None))
    write_plan(root, base, PLAN, ADAPTERS[adapter].quantisation(adapter_options))
    spec = TrainSpec(
        base=base.id,
        base_folder=str(base.folder),
        version=fingerprint,
        method=method,
        adapter=adapter,
        method_options=options.model_dump(),
        adapter_options=adapter_options.model_dump(),
        prompts=list(prompts),
        parent=settings.get("parent"),
    )
    number = len(list((root / "people" / "local" / "jobs").glob("*")))
    job = JobSpec(
        id=f"20260101T000000{number:03d}Z-train-test",
        kind="train",
        lane="device",
        owner="local",
        title="test",
        created="2026-01-01T00:00:00.000Z",
        deed=f"deed-{number}",
        options=spec.model_dump(),
    )
    folder = create_job(job, root / "people" / "local" / "jobs")
    return WorkerJob(JobLog(folder.path, {}))


def exhaust(job: WorkerJob, events: Iterator[Event]) -> list[dict[str, Any]]:
    """Run a job's function to its end; everything that its log then holds."""
    for event in events:
        job.emit(event)
    return read_log(job.folder)


def read_log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]


def of_kind(events: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["kind"] == kind]


def import_sample(studio: Studio, person: Person, name: str, rows: int) -> str:
    """The first rows of a sample as a version; its fingerprint."""
    path = studio.settings.root / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in read_sample(name)[:rows]), "utf-8")
    job = studio.datasets.import_upload(person, f"import {name}", path, path.name, None, {})
    assert studio.queue.wait(job, IMPORT_LIMIT_S).status == "finished"
    dataset = studio.datasets.list(person)[0]["id"]
    assert studio.queue.wait(studio.datasets.save_version(person, dataset, f"save {name}", ""), IMPORT_LIMIT_S).is_ended
    return studio.datasets.versions(person, dataset)[0]["fingerprint"]
