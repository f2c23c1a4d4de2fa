"""The jobs that change very many rows, take such a change back or do it again: all of it or nothing, watched and stoppable."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from studio.data.row_actions import read_action
from studio.data.selection import Selection
from studio.errors import ChangedMeanwhile
from studio.events import Event, Finished, Phase, Progress
from studio.store.changes import Changes
from studio.store.connection import transaction
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.history import History, rows_of
from studio.store.other_rows import OtherPlace
from studio.store.planned_changes import read_changes, render_change
from studio.store.row_changes import Outcome, work_out, write_changes
from studio.store.row_planning import Planned, Planning, find_meant, held_for, plan
from studio.store.table import Table
from studio.worker.context import StoppedByPerson, WorkerJob

_PLAN_NAME = "plan.part"
_BATCH_ROWS = 1000
_TRIES = 3
"""A job plans anew where somebody has masked a row meanwhile and so given a placeholder that it meant to give."""


class ChangeOptions(BaseModel):
    """selection, action: as the page sends them, checked before. seen: the newest change that the page showed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    selection: dict[str, Any]
    action: dict[str, Any]
    seen: int | None = None


class StepOptions(BaseModel):
    """expected: the change that is to be taken back, or done again."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    step: Literal["undo", "redo"]
    expected: int


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises DiskFull, PatternTooSlow, ReplacementTooLong, ChangedMeanwhile.

    What each row becomes is worked out first, so that others wait only while it is written.
    """
    began_s = time.monotonic()
    options = ChangeOptions.model_validate(job.options)
    selection, action = Selection.from_json(options.selection), read_action(options.action)
    with open_dataset(_path(job, options.dataset_id), job.heed_stop) as connection:
        log = Changes(connection, job.spec.owner)
        seen = log.last_id() if options.seen is None else min(options.seen, log.last_id())
        found = find_meant(connection, selection, None, job.should_stop)
        if not found.complete:
            return
        try:
            for tries_left in reversed(range(_TRIES)):
                planning = plan(connection, job.workspace, options.dataset_id, selection, action, found)
                with suppress(ChangedMeanwhile) if tries_left else nullcontext():
                    outcome = yield from _change(job, log, planning, seen)
                    break
        except StoppedByPerson:
            return
        finally:
            (job.folder / _PLAN_NAME).unlink(missing_ok=True)
    yield Finished(options.dataset_id, time.monotonic() - began_s, planning.tell(outcome))


def _change(job: WorkerJob, log: Changes, planning: Planning, seen: int) -> Generator[Event, None, Outcome]:
    """Plan, where texts are to be read, and write. Raises ChangedMeanwhile where the plan should be made anew."""
    action, total = planning.action, len(planning.row_ids)
    if action.reads_texts:
        yield Phase("planning", total=total, unit="rows")
        planning.newer, planning.watch = log.touched_since(seen), job.heed_stop
        total = _write_plan(job, planning, total)
        changes = planning.standing(_read_plan(job.folder / _PLAN_NAME))
    else:
        changes = planning.changes()
    yield Phase("changing", total=total, unit="rows")
    with held_for(job.workspace, action, job.heed_stop), transaction(log.connection):
        planning.newer = log.touched_since(seen)
        planning.masks.check_new()
        outcome = write_changes(log, job.spec.deed, action.name, action.details, changes, _watch(job, total))
        planning.masks.save()
    return outcome


def step(job: WorkerJob) -> Iterator[Event]:
    """Raises ChangedMeanwhile, NothingToUndo, NothingToRedo, DiskFull."""
    began_s = time.monotonic()
    options = StepOptions.model_validate(job.options)
    with open_dataset(_path(job, options.dataset_id), job.heed_stop) as connection:
        log = Changes(connection, job.spec.owner)
        change = log.find_id(options.expected)
        total = rows_of(change) if change else 0
        yield Phase("changing", total=total, unit="rows")
        try:
            with transaction(connection):
                history = History(log, _watch(job, total))
                moved = (history.undo if options.step == "undo" else history.redo)(job.spec.deed, options.expected)
        except StoppedByPerson:
            return
    summary = {"kind": moved.action, "row_id": None, "position": None, "rows": rows_of(moved)}
    yield Finished(options.dataset_id, time.monotonic() - began_s, summary)


def _path(job: WorkerJob, dataset_id: str) -> Path:
    return job.workspace / "datasets" / (dataset_id + SUFFIX)


def _watch(job: WorkerJob, total: int) -> Any:
    def tick(done: int) -> None:
        job.emit(Progress(done, total, "rows"))
        job.heed_stop()

    return tick


def _write_plan(job: WorkerJob, planning: Planning, total: int) -> int:
    """How many rows change. The file lies in the job's folder: what a kill leaves goes with the job."""
    watch, table, rows = _watch(job, total), Table(planning.connection), 0
    with (job.folder / _PLAN_NAME).open("wb") as file:
        for looked_at, planned in enumerate(planning.iterate(), 1):
            if planned is not None:
                file.write(render_change(work_out(planned.change, table), (planned.because, planned.places)))
                rows += 1
            if looked_at % _BATCH_ROWS == 0:
                watch(looked_at)
    return rows


def _read_plan(path: Path) -> Iterator[Planned]:
    for change, (because, places) in read_changes(path):
        yield Planned(change, None, places, OtherPlace(**because) if isinstance(because, dict) else because)
