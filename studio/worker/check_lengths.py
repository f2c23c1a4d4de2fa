"""The lengths of rows for the checks: counted for the chosen base where they are not known, read one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.data.checking import FACT, CheckSettings
from studio.data.checks import Lengths
from studio.data.records import PREFERENCE
from studio.jobspec import JobSpec
from studio.store.catalogue import DatasetEntry
from studio.store.dataset_file import open_dataset
from studio.store.table import Table
from studio.worker import measure_rows
from studio.worker.context import WorkerJob


@dataclass(frozen=True)
class _Measuring:
    """The part of a job that measuring rows needs."""

    options: dict[str, Any]
    workspace: Path
    spec: JobSpec
    should_stop: Callable[[], bool]
    heed_stop: Callable[[], None]


def measure_lengths(job: WorkerJob, path: Path, dataset: DatasetEntry, base_folder: str) -> None:
    """Count the tokens of those rows that were not counted as they stand, for the base that the settings name."""
    with open_dataset(path) as connection:
        base = CheckSettings.model_validate(Table(connection).fact(FACT) or {}).base
    asked = {"dataset_id": dataset.dataset_id, "base": base, "base_folder": base_folder}
    learns = "pairs" if dataset.kind == PREFERENCE else "conversations"
    measuring = _Measuring(asked | {"learns": learns}, job.workspace, job.spec, job.should_stop, job.heed_stop)
    for _ in measure_rows.run(measuring):  # type: ignore[arg-type]
        pass


class StoredLengths(Mapping[int, Lengths]):
    """The lengths of rows as they were counted for the settings' base, cut at the settings' maximum."""

    def __init__(self, connection: sqlite3.Connection, settings: CheckSettings) -> None:
        self._sql = connection
        self._base = settings.base
        self._max_length = settings.max_length

    def __getitem__(self, row_id: int) -> Lengths:
        """Raises KeyError for a row that was not counted, or of a kind that the way of learning does not read."""
        found = self._sql.execute(
            "SELECT tokens, trained, first, spans FROM row_lengths WHERE base = ? AND row_id = ?", (self._base, row_id)
        ).fetchone()
        if found is None or found[3].startswith("[null"):
            raise KeyError(row_id)
        return Lengths(found[0], found[1], found[2], self._max_length)

    def __iter__(self) -> Iterator[int]:
        found = self._sql.execute("SELECT row_id FROM row_lengths WHERE base = ?", (self._base,))
        return (row[0] for row in found)

    def __len__(self) -> int:
        return self._sql.execute("SELECT COUNT(*) FROM row_lengths WHERE base = ?", (self._base,)).fetchone()[0]
