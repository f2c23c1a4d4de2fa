"""The job that makes the rows of a dataset what one of its versions holds, as one change that can be undone."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from studio.data.splits import HELD_OUT, HELD_OUT_BY_HAND, TRAIN_BY_HAND, split_of
from studio.data.version_diff import CHANGED, MOVED, REMOVED, iterate_differences
from studio.data.versions import FrozenRow, read_frozen, version_info, version_path
from studio.events import Event, Finished, Phase, Progress
from studio.store.changes import Changes
from studio.store.connection import transaction
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.planned_changes import read_changes, render_change
from studio.store.row_changes import CHUNK_ROWS, KEEP, RowChange, Tick, work_out, write_changes
from studio.store.table import Table
from studio.worker.context import StoppedByPerson, WorkerJob
from studio.worker.differences import opened_rows

ACTION = "restore"
_PLAN_NAME = "plan.part"


class RestoreOptions(BaseModel):
    """version: the fingerprint; number: what people call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    number: int


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises FileUnreadable, DiskFull, NotYours. Stopped or killed it changes nothing.

    What is to change is worked out first, so that others wait only while it is written.
    """
    began_s = time.monotonic()
    options = RestoreOptions.model_validate(job.options)
    path = version_path(job.workspace, options.version)
    version_info(path)
    plan = job.folder / _PLAN_NAME

    def tick(done: int) -> None:
        job.heed_stop()
        job.emit(Progress(done, None, "rows"))

    try:
        with open_dataset(job.workspace / "datasets" / (options.dataset_id + SUFFIX), job.heed_stop) as connection:
            log = Changes(connection, job.spec.owner)
            yield Phase("comparing", unit="rows")
            seen = log.last_id()
            with opened_rows(job.workspace, options.dataset_id, None) as rows:
                _write_plan(plan, Table(connection), _iterate_changes(connection, rows, read_frozen(path), tick))
            yield Phase("restoring", unit="rows")
            # Once the right to write is held nobody changes what the second connection reads, and it does not see
            # what is written here.
            with transaction(connection), opened_rows(job.workspace, options.dataset_id, None) as rows:
                if log.last_id() == seen:
                    changes = (change for change, _ in read_changes(plan))
                else:
                    changes = _iterate_changes(connection, rows, read_frozen(path), lambda _: job.heed_stop())
                outcome = write_changes(log, job.spec.deed, ACTION, {"number": options.number}, changes, tick)
    except StoppedByPerson:
        return
    finally:
        plan.unlink(missing_ok=True)
    summary = {"rows": outcome.changed, "skipped": dict(outcome.skipped)}
    yield Finished(None, time.monotonic() - began_s, summary)


def _write_plan(path: Path, table: Table, changes: Iterator[RowChange]) -> None:
    with path.open("wb") as file:
        for change in changes:
            if change.row_id is not None:
                change = replace(change, revision=table.row(change.row_id).revision)
            file.write(render_change(work_out(change, table)))


def _iterate_changes(
    connection: sqlite3.Connection, rows: Iterator[FrozenRow], wanted: Iterator[FrozenRow], tick: Tick
) -> Iterator[RowChange]:
    threshold = Table(connection).fact("held_out_threshold")
    for looked_at, found in enumerate(iterate_differences(rows, wanted), 1):
        if looked_at % CHUNK_ROWS == 0:
            tick(looked_at)
        if found is None:
            continue
        if found.what == REMOVED:
            yield RowChange(found.row_id, record=None)
            continue
        target = found.after
        record = KEEP if found.what == MOVED else orjson.loads(target.record)  # type: ignore[union-attr]
        if found.what in (CHANGED, MOVED):
            moved = found.before.split != target.split  # type: ignore[union-attr]
            yield RowChange(found.row_id, record=record, split_key=_key(target, threshold) if moved else None)
            continue
        # In a file of an older fingerprint the ids may be those of another dataset with the same rows.
        known = connection.execute("SELECT 1 FROM rows WHERE row_id = ?", (found.row_id,)).fetchone()
        yield RowChange(
            found.row_id if known else None, record=record, split_key=_key(target, threshold), brings_back=True
        )


def _key(row: FrozenRow | None, threshold: float) -> float:
    """The row's own key while it falls on the side it had; else one that holds it there."""
    assert row is not None
    if split_of(row.split_key, threshold) == row.split:
        return row.split_key
    return HELD_OUT_BY_HAND if row.split == HELD_OUT else TRAIN_BY_HAND
