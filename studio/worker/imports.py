"""The import job: a file becomes a dataset, every row of it understood or refused with its cause."""

from __future__ import annotations

import sqlite3
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from studio.data.files import content_hash
from studio.data.records import record_kind, split_key
from studio.data.rows import Guess, RawRow, shown_raw, whole_raw
from studio.data.samples import find_sample
from studio.data.sources import CHOICES, Plan, plan_reading
from studio.data.splits import DEFAULT_HELD_OUT_FRACTION, held_out_threshold
from studio.data.understanding import (
    Aside,
    Reader,
    Refused,
    Understood,
    choose_reader,
    iterate_aside,
    notices_aside,
    read_row,
    tags_of,
)
from studio.errors import DatasetEmpty
from studio.events import Choice, Event, Finished, Notice, Phase, Progress, Rows
from studio.store.catalogue import DatasetEntry, open_catalogue
from studio.store.dataset_file import SUFFIX, build_dataset, held_dataset, remove_abandoned, remove_dataset
from studio.store.refused import NewRefused, RefusedRows
from studio.store.table import Table
from studio.worker.context import WorkerJob

REPORT_NAME = "report.json"
_SAMPLE_ROWS = 200
_BATCH_ROWS = 2_000
_REPORTED_ROWS = 50
"""Refused rows in the report itself, for an import that leaves no dataset to keep them."""
_REPORTED_FIELDS = 100
"""More names than a notice shows; rows of a hostile file may each have names of their own."""


class ImportOptions(BaseModel):
    """source: `upload:<name under uploads/>` or `sample:<id>`. What is None is guessed. held_out_fraction: 0..0.9.

    mapping: as `studio.data.mapping` reads it, in place of a format. mapping_name: under which it is saved, or None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    name: str
    source: str = Field(pattern=r"^(upload:[0-9a-f]{32}|sample:[\w-]{1,80})$")
    file_name: str
    container: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quoting: str | None = None
    header: str | None = None
    division: str | None = None
    sheet: str | None = None
    rows_under: str | None = None
    format: str | None = None
    mapping: dict[str, Any] | None = None
    mapping_name: str | None = None
    held_out_fraction: float = Field(default=DEFAULT_HELD_OUT_FRACTION, ge=0, le=0.9)


@dataclass
class Account:
    """What became of the rows: read = understood + refused, always.

    in_file: rows as the file has them; one that holds several counts as so many in all other numbers. aside: what of
    the rows no record holds.
    """

    in_file: int = 0
    read: int = 0
    understood: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    aside: dict[Aside, None] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)
    keys: array = field(default_factory=lambda: array("d"))

    @property
    def refused(self) -> int:
        return sum(self.causes.values())


class _StoppedByPerson(Exception):
    pass


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises FileUnreadable, FormatUnknown, DatasetEmpty, NameTaken, DiskFull."""
    began_s = time.monotonic()
    options = ImportOptions.model_validate(job.options)
    folder = job.workspace / "datasets"
    with open_catalogue(job.workspace) as catalogue:
        remove_abandoned(folder, catalogue.has_dataset)
    importing = _Import(job, options, folder / (options.dataset_id + SUFFIX))
    try:
        with held_dataset(importing.path):
            yield from importing.events()
    except _StoppedByPerson:
        importing.remove_upload()
        return
    finally:
        importing.write_report()
    account = importing.account
    summary = {"rows": account.understood, "read": account.read, "refused": account.refused}
    yield Finished(options.dataset_id, time.monotonic() - began_s, summary)


class _Import:
    """One import on its way: what was decided, and the account of the rows so far."""

    def __init__(self, job: WorkerJob, options: ImportOptions, path: Path) -> None:
        self.path = path
        self.account = Account()
        self._job = job
        self._options = options
        self._guesses: dict[str, Guess] = {}
        self._notices: list[tuple[str, dict[str, Any]]] = []
        self._columns: list[str] = []
        self._content_hash = ""
        self._is_done = False

    def events(self) -> Iterator[Event]:
        yield Phase("looking")
        plan = self._plan()
        rows = plan.rows()
        first = list(islice(rows, _SAMPLE_ROWS))
        reader = self._choose_reader(first)
        for name, guess in self._guesses.items():
            yield Choice(name, guess.value, guess.reason, dict(guess.values))
        yield from self._store_rows(plan, reader, chain(first, rows))
        yield Phase("saving")
        if self._job.should_stop():
            remove_dataset(self.path)
            raise _StoppedByPerson
        self._enter_into_catalogue()
        self._is_done = True

    def write_report(self) -> None:
        """What was found and why, for the page: written however the import ends."""
        report = {
            "format": 1,
            "file_name": self._options.file_name,
            "dataset_id": self._options.dataset_id if self._is_done else None,
            "read": self.account.read,
            "understood": self.account.understood,
            "refused": self.account.refused,
            "causes": dict(self.account.causes),
            "examples": self.account.examples,
            "guesses": {name: _told(guess) for name, guess in self._guesses.items()},
            "notices": [{"code": code, "values": values} for code, values in self._notices],
        }
        target = self._job.folder / "result" / REPORT_NAME
        target.parent.mkdir(exist_ok=True)
        part = target.with_suffix(".part")
        part.write_bytes(orjson.dumps(report))
        part.replace(target)

    def remove_upload(self) -> None:
        """Let go of the file, unless a dataset was made of it before."""
        kind, name = self._options.source.split(":")
        with open_catalogue(self._job.workspace) as catalogue:
            sources = {entry.source["source"] for entry in catalogue.datasets()}
        if kind == "upload" and self._options.source not in sources:
            (self._job.workspace / "uploads" / name).unlink(missing_ok=True)

    def _plan(self) -> Plan:
        options = self._options
        kind, name = options.source.split(":")
        path = self._job.workspace / "uploads" / name if kind == "upload" else find_sample(name)[1]
        self._content_hash = content_hash(path)
        chosen = {name: value for name in CHOICES if (value := getattr(options, name)) is not None}
        plan = plan_reading(path, options.file_name, **chosen)
        self._guesses |= plan.guesses
        self._notices = plan.notices
        return plan

    def _choose_reader(self, first: list[RawRow]) -> Reader:
        """Raises FormatUnknown; DatasetEmpty where not one row could be read, of which the report tells the causes."""
        rows = [row.fields for row in first if row.fields is not None]
        options = self._options
        if not rows and options.format is None and options.mapping is None:
            for row in first:
                self.account.read += 1
                self._refuse(Refused(row, row.field, str(row.cause), row.values))
            raise DatasetEmpty(name=options.name)
        reader, self._guesses["format"] = choose_reader(options.file_name, rows, options.format, options.mapping)
        self._columns = list(dict.fromkeys(name for row in rows for name in row))
        return reader

    def _store_rows(self, plan: Plan, reader: Reader, rows: Iterator[RawRow]) -> Iterator[Event]:
        yield Phase("importing", unit="rows")
        with build_dataset(self.path) as connection:
            table = Table(connection)
            while batch := list(islice(rows, _BATCH_ROWS)):
                self._store_batch(connection, reader, batch)
                yield Progress(self.account.read, self._expected_rows(plan), "rows")
                if self._job.should_stop():
                    raise _StoppedByPerson
            account = self.account
            yield Progress(account.read, account.read, "rows")
            yield Rows(account.read, account.understood, 0, dict(account.causes))
            self._notices += notices_aside(account.aside)
            if account.read > account.in_file:
                self._notices.append(("rows_unfolded", {"rows": account.in_file, "inner": account.read}))
            for code, values in self._notices:
                yield Notice("info", code, values)
            if not account.understood:
                raise DatasetEmpty(name=self._options.name)
            table.write_facts(
                {"format": 1, "held_out_fraction": self._options.held_out_fraction, **self._kept_choices()}
            )
            table.recount(held_out_threshold(account.keys, self._options.held_out_fraction))

    def _expected_rows(self, plan: Plan) -> int | None:
        """How many rows there will be: known, or reckoned from the bytes read so far to two digits."""
        if plan.total_rows is not None:
            return plan.total_rows
        read = self.account.read
        reckoned = read * plan.size_bytes() / (plan.bytes_read() or plan.size_bytes())
        return max(read, int(float(f"{reckoned:.1e}")))

    def _store_batch(self, connection: sqlite3.Connection, reader: Reader, batch: Iterable[RawRow]) -> None:
        account, table = self.account, Table(connection)
        understood, refused, tags = [], [], []
        for row in batch:
            account.in_file += 1
            for outcome in read_row(reader, row):
                account.read += 1
                if isinstance(outcome, Refused):
                    refused.append(self._refuse(outcome))
                    continue
                account.understood += 1
                kind, key = str(record_kind(outcome.record)), split_key(outcome.record)
                account.kinds[kind] += 1
                account.keys.append(key)
                record = orjson.dumps(outcome.record).decode()
                aside = list(iterate_aside(reader, outcome.fields))
                if aside and len(account.aside) < _REPORTED_FIELDS:
                    account.aside.update(dict.fromkeys(aside))
                understood.append((account.read, kind, record, _meta(outcome, aside), key))
                tags += [(account.read, tag) for tag in tags_of(reader, outcome.fields)]
        table.insert(understood)
        connection.executemany("INSERT INTO row_tags (row_id, tag) VALUES (?, ?)", tags)
        RefusedRows(connection).insert(refused)

    def _refuse(self, refused: Refused) -> NewRefused:
        account, row, values = self.account, refused.row, dict(refused.values)
        account.causes[refused.cause] += 1
        if len(account.examples) < _REPORTED_ROWS:
            told = {"number": row.number, "field": refused.field, "cause": refused.cause, "values": values}
            account.examples.append(told | {"raw": shown_raw(row), "file": row.file})
        raw, is_whole = whole_raw(row)
        is_whole = is_whole and values.get("characters", 0) <= len(raw)
        details = orjson.dumps(values).decode()
        return NewRefused(row.number, refused.field, refused.cause, details, raw, account.read, is_whole, row.file)

    def _kept_choices(self) -> dict[str, Any]:
        """How the rows were read, by which a refused one is read again when it is mended."""
        values = {name: guess.value for name, guess in self._guesses.items() if name != "rows_under"}
        return {"reading": values | {"columns": self._columns, "mapping": self._options.mapping}}

    def _enter_into_catalogue(self) -> None:
        options = self._options
        source = {
            "source": options.source,
            "file": options.file_name,
            "content_hash": self._content_hash,
            "guesses": {name: _told(guess) for name, guess in self._guesses.items()},
            "mapping": options.mapping,
            "mapping_name": options.mapping_name,
        }
        entry = DatasetEntry(
            dataset_id=options.dataset_id,
            name=options.name,
            kind=self.account.kinds.most_common(1)[0][0],
            source=source,
            job_id=self._job.spec.id,
            created=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        )
        try:
            with open_catalogue(self._job.workspace) as catalogue:
                catalogue.insert_dataset(entry)
        except BaseException:
            remove_dataset(self.path)
            raise


def _meta(outcome: Understood, aside: list[Aside]) -> str:
    """Where a row came from, and the fields of it that its record does not hold."""
    row, fields = outcome.row, outcome.fields
    if not aside and row.file is None:
        return f'{{"row":{row.number}}}'
    origin = {"row": row.number} | ({"file": row.file} if row.file else {})
    kept = {name: fields[name] for name, _ in aside}
    return orjson.dumps(origin | ({"fields": kept} if kept else {})).decode()


def _told(guess: Guess) -> dict[str, Any]:
    return {
        "value": guess.value,
        "confidence": round(guess.confidence, 3),
        "reason": guess.reason,
        "values": dict(guess.values),
    }
