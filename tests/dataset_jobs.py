"""Running the jobs of the data side in the test's own process, without a queue: their events, until they end."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from studio.events import Event
from studio.jobs.folder import create_job
from studio.jobspec import JobKind, JobSpec
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.refused import RefusedRows
from studio.store.table import StoredRow, Table
from studio.worker import differences, duplicate, export_rows, imports, merge, versions
from studio.worker.context import JobLog, WorkerJob

FUNCTIONS = {
    "import": imports.run,
    "save_version": versions.run,
    "duplicate_dataset": duplicate.run,
    "merge_datasets": merge.run,
    "export_rows": export_rows.run,
    "differences": differences.run,
}


def make_job(workspace: Path, kind: JobKind, options: dict[str, Any]) -> WorkerJob:
    name = secrets.token_hex(4)
    spec = JobSpec(
        id=f"20260101T000000000Z-{kind}-{name}", kind=kind, lane="light", owner="local", title=name,
        created="2026-01-01T00:00:00Z", deed=name, options=options,
    )  # fmt: skip
    return WorkerJob(JobLog(create_job(spec, workspace / "jobs").path, {}))


def import_options(workspace: Path, path: Path, **choices: Any) -> dict[str, Any]:
    """Options of an import of a copy of the file under uploads/."""
    upload = secrets.token_hex(16)
    (workspace / "uploads").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, workspace / "uploads" / upload)
    options = {"dataset_id": f"d-{secrets.token_hex(8)}", "name": upload, "source": f"upload:{upload}"}
    return options | {"file_name": path.name} | choices


@dataclass
class Imported:
    """An import that was run to its end. error: what it raised, or None."""

    workspace: Path
    dataset_id: str
    events: list[Event]
    report: dict[str, Any]
    error: Exception | None

    @property
    def path(self) -> Path:
        return self.workspace / "datasets" / f"{self.dataset_id}{SUFFIX}"

    def rows(self) -> list[StoredRow]:
        with open_dataset(self.path) as connection:
            return list(Table(connection).iterate())

    def refused(self) -> list[dict[str, Any]]:
        with open_dataset(self.path) as connection:
            refused = RefusedRows(connection)
            return [vars(row) for row in refused.page(0, refused.counts()["all"])]

    def records(self) -> list[dict[str, Any]]:
        return [orjson.loads(row.record) for row in self.rows()]


def import_file(workspace: Path, path: Path, **choices: Any) -> Imported:
    """Run an import to its end, whichever that is."""
    options = import_options(workspace, path, **choices)
    job = make_job(workspace, "import", options)
    events: list[Event] = []
    error = None
    try:
        events.extend(imports.run(job))
    except Exception as problem:  # noqa: BLE001 - the test looks at what it was
        error = problem
    report = orjson.loads((job.folder / "result" / "report.json").read_bytes())
    return Imported(workspace, options["dataset_id"], events, report, error)


def run_job(job: WorkerJob) -> Iterator[Event]:
    return FUNCTIONS[job.spec.kind](job)


def conversation(question: str, reply: str) -> dict:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


def write_rows(path: Path, count: int, broken: int = 0) -> Path:
    lines = [json.dumps(conversation(f"Question {n}?", f"Reply {n}.")) for n in range(1, count + 1)]
    path.write_text("\n".join(lines + ["{broken"] * broken) + "\n", "utf-8")
    return path


class NoQueue:
    """Stands where no job is submitted and none is there."""

    def jobs(self, person, kinds=None):
        return []
