"""Rows of other datasets that are the reason why a row is left out: looked at again when it is."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from studio.data.checks import (
    OTHER_DATASET,
    OTHER_NUMBER,
    Check,
    CheckContext,
    CheckRow,
    Finding,
    OtherDataset,
    Record,
    record_kind,
)
from studio.data.splits import TRAIN
from studio.errors import FileUnreadable, NotYours
from studio.store.catalogue import open_catalogue
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.locking import try_lock
from studio.store.table import StoredRow, Table

_WAIT_S = 0.02


@dataclass(frozen=True)
class OtherPlace:
    """A row of another dataset as it was looked at. revision: any edit, deletion or step back makes it another one."""

    dataset_id: str
    row_id: int
    revision: int


class OtherRows:
    """The other datasets of a workspace, opened as they are asked for. Each look sees them as they stand now."""

    def __init__(self, workspace: Path, dataset_id: str) -> None:
        """dataset_id: the one whose rows are looked at."""
        self._folder = workspace / "datasets"
        with open_catalogue(workspace) as catalogue:
            self._ids = {one.name: one.dataset_id for one in catalogue.datasets() if one.dataset_id != dataset_id}
        self._open: dict[str, sqlite3.Connection | None] = {}
        self._stack = ExitStack()

    def __enter__(self) -> OtherRows:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def find(self, check: Check, code: str, record: Record, values: Mapping[str, Any]) -> OtherPlace | None:
        """Where the row of a finding's values is, if the check still finds the code between it and the record."""
        dataset_id = self._ids.get(values[OTHER_DATASET])
        row = self._row(dataset_id, int(values[OTHER_NUMBER])) if dataset_id else None
        if dataset_id is None or row is None or not _is_found(check, code, record, row):
            return None
        return OtherPlace(dataset_id, row.row_id, row.revision)

    def is_there(self, place: OtherPlace) -> bool:
        """Whether the row is still as it was looked at."""
        row = self._row(place.dataset_id, place.row_id)
        return row is not None and row.revision == place.revision

    def _row(self, dataset_id: str, row_id: int) -> StoredRow | None:
        connection = self._connection(dataset_id)
        try:
            row = Table(connection).row(row_id) if connection else None
        except NotYours:
            return None
        return None if row is None or row.deleted else row

    def _connection(self, dataset_id: str) -> sqlite3.Connection | None:
        """None where the dataset was deleted, or cannot be read."""
        if dataset_id not in self._open:
            try:
                opened = self._stack.enter_context(open_dataset(self._folder / (dataset_id + SUFFIX)))
            except FileUnreadable:
                opened = None
            self._open[dataset_id] = opened
        return self._open[dataset_id]


@contextmanager
def one_fix_at_a_time(workspace: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Held from the look at other datasets until what follows from it is written: two fixes would else go by each
    other's rows, and a row that lay in both datasets would be in neither.

    wait: called while another fix holds it; what it raises gives up.
    """
    handle = os.open(workspace / "datasets" / "fixes.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not try_lock(handle):
            wait()
            time.sleep(_WAIT_S)
        yield
    finally:
        os.close(handle)


def _is_found(check: Check, code: str, record: Record, other: StoredRow) -> bool:
    """Whether the check finds the code where there is nothing but these two rows."""

    def rows() -> Iterator[CheckRow]:
        yield CheckRow(1, 1, str(record_kind(record)), record, {}, TRAIN)

    def others() -> Iterator[CheckRow]:
        yield CheckRow(other.row_id, other.revision, other.kind, orjson.loads(other.record), {}, TRAIN)

    found: Iterator[Finding] = check.find(rows, CheckContext(others=(OtherDataset("", others),)))
    return any(finding.code == code for finding in found)
