"""The job that makes the rows of a dataset what one of its versions holds, as one change that can be undone."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
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
from studio.store.row_changes import KEEP, RowChange, write_changes
from studio.store.table import Table
from studio.worker.context import StoppedByPerson, WorkerJob
from studio.worker.differences import opened_rows

ACTION = "restore"


class RestoreOptions(BaseModel):
    """version: the fingerprint; number: what people call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    number: int


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises FileUnreadable, DiskFull, NotYours. Stopped or killed it changes nothing."""
    began_s = time.monotonic()
    options = RestoreOptions.model_validate(job.options)
    path = version_path(job.workspace, options.version)
    version_info(path)
    yield Phase("restoring", unit="rows")

    def tick(done: int) -> None:
        job.heed_stop()
        job.emit(Progress(done, None, "rows"))

    try:
        with (
            open_dataset(job.workspace / "datasets" / (options.dataset_id + SUFFIX), job.heed_stop) as connection,
            transaction(connection),
            # The right to write is held: nobody changes what the second connection reads, and it does not see
            # what is written here.
            opened_rows(job.workspace, options.dataset_id, None) as rows,
        ):
            log = Changes(connection, job.spec.owner)
            changes = _iterate_changes(connection, rows, read_frozen(path))
            outcome = write_changes(log, job.spec.deed, ACTION, {"number": options.number}, changes, tick)
    except StoppedByPerson:
        return
    summary = {"rows": outcome.changed, "skipped": dict(outcome.skipped)}
    yield Finished(None, time.monotonic() - began_s, summary)


def _iterate_changes(
    connection: sqlite3.Connection, rows: Iterator[FrozenRow], wanted: Iterator[FrozenRow]
) -> Iterator[RowChange]:
    threshold = Table(connection).fact("held_out_threshold")
    for found in iterate_differences(rows, wanted):
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
