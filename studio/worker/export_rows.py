"""The job that exports rows: those chosen, written as JSON Lines, CSV or Parquet in the format that was asked for."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from studio.data.formats import FORMATS, Row
from studio.data.row_files import JSONL, PARQUET, Columns, find_row, open_row_file, reads_back, typed_row
from studio.data.selection import Selection
from studio.data.splits import split_of
from studio.errors import DatasetEmpty, RowInvalid
from studio.events import Event, Finished, Phase, Progress, Rows, Stopped
from studio.store.catalogue import open_catalogue
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.selecting import Selector
from studio.store.table import StoredRow, Table
from studio.worker.context import WorkerJob

_BATCH_ROWS = 500
NOT_SAID = "format_cannot_say"


class ExportRowsOptions(BaseModel):
    """selection: which rows, all of them where it is None. with_marks: split, tags and origin stand in every row."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    form: str = Field(pattern=r"^(jsonl|csv|parquet)$")
    format: str
    selection: dict[str, Any] | None = None
    with_bom: bool = False
    with_marks: bool = False


class _StoppedByPerson(Exception):
    pass


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises NotYours, FileUnreadable, DatasetEmpty, DiskFull. Its result is the path of the file below the workspace."""
    began_s = time.monotonic()
    options = ExportRowsOptions.model_validate(job.options)
    with open_catalogue(job.workspace) as catalogue:
        name = catalogue.dataset(options.dataset_id).name
    folder = job.folder / "result"
    folder.mkdir(exist_ok=True)
    part, path = folder / "rows.part", folder / f"{name}.{options.form}"
    try:
        with open_dataset(job.workspace / "datasets" / (options.dataset_id + SUFFIX)) as connection:
            connection.execute("BEGIN")  # every row as it stood when the export began
            exporting = _Export(job, options, connection)
            yield from exporting.events(part)
        if not exporting.written:
            raise DatasetEmpty(name=name)
        part.rename(path)
    except _StoppedByPerson:
        yield Stopped(0)
        return
    finally:
        part.unlink(missing_ok=True)
    summary = exporting.summary() | {"bytes": path.stat().st_size}
    yield Finished(str(path.relative_to(job.workspace)), time.monotonic() - began_s, summary)


class _Export:
    def __init__(self, job: WorkerJob, options: ExportRowsOptions, connection: sqlite3.Connection) -> None:
        self._job = job
        self._options = options
        self._sql = connection
        self._table = Table(connection)
        self._plug = FORMATS[options.format]
        self._threshold = self._table.fact("held_out_threshold")
        self._columns = Columns()
        self._neutralised = 0
        self.written = self._unsaid = 0

    def events(self, part: Path) -> Iterator[Event]:
        row_ids = self._row_ids()
        if self._options.form != JSONL:
            yield Phase("looking", total=len(row_ids), unit="rows")
            for done, rows in self._batches(row_ids):
                for row, _ in rows:
                    self._columns.add(row)
                yield Progress(done, len(row_ids), "rows")
        yield Phase("writing_rows", total=len(row_ids), unit="rows")
        file = open_row_file(part, self._options.form, self._columns, self._options.with_bom)
        try:
            for done, rows in self._batches(row_ids):
                self._write(file, rows)
                yield Progress(done, len(row_ids), "rows")
        finally:
            file.close()
        self._neutralised = file.neutralised
        self._unsaid = len(row_ids) - self.written
        yield Rows(len(row_ids), self.written, 0, {NOT_SAID: self._unsaid} if self._unsaid else {})

    def summary(self) -> dict[str, int]:
        """rows, unsaid: those that the format cannot say; neutralised: cells that began like a formula."""
        return {"rows": self.written, "unsaid": self._unsaid, "neutralised": self._neutralised}

    def _row_ids(self) -> list[int]:
        """In the order of the selection. Raises PatternTooSlow."""
        chosen = Selection.from_json(self._options.selection or {})
        found = Selector(self._sql, chosen).find(limit_s=None, is_stopped=self._job.should_stop)
        if not found.complete:
            raise _StoppedByPerson
        return found.row_ids.tolist()

    def _write(self, file: Any, rows: list[tuple[Row, dict[str, Any]]]) -> None:
        kinds = self._columns.kinds()
        made = [row for row, _ in rows]
        if self._options.form == PARQUET:
            made = [typed_row(row, kinds) for row in made]
            if "json" in kinds.values():
                made = [row for row, (_, record) in zip(made, rows, strict=True) if self._says(row, record)]
        file.write(made)
        self.written += len(made)

    def _says(self, row: Row, record: dict[str, Any]) -> bool:
        """Whether a row still means its record once some of its values are JSON text."""
        try:
            return reads_back(self._plug, row, record)
        except RowInvalid:
            return False

    def _batches(self, row_ids: list[int]) -> Iterator[tuple[int, list[tuple[Row, dict[str, Any]]]]]:
        """How many rows are looked at so far, and those of a batch that the format can say, each with its record."""
        waiting = iter(row_ids)
        done = 0
        while wanted := list(islice(waiting, _BATCH_ROWS)):
            if self._job.should_stop():
                raise _StoppedByPerson
            tags = self._table.tags_of(wanted) if self._options.with_marks else {}
            found = {row.row_id: row for row in self._table.rows_by_id(wanted)}
            rows = []
            for row_id in wanted:
                record = orjson.loads(found[row_id].record)
                row = find_row(self._plug, record, self._options.form)
                if row is not None:
                    rows.append((row | self._marks(found[row_id], sorted(tags.get(row_id, ()))), record))
            done += len(wanted)
            yield done, rows

    def _marks(self, row: StoredRow, tags: list[str]) -> Row:
        if not self._options.with_marks:
            return {}
        return {
            "split": split_of(row.split_key, self._threshold),
            "tags": ", ".join(tags),
            "origin": row.meta,
        }
