"""The import job: a file becomes a dataset, every row of it understood or refused with its cause."""

from __future__ import annotations

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

from studio.data.formats import FORMATS, Format, guess_format, read_record
from studio.data.records import record_kind, split_key
from studio.data.rows import Guess, RawRow, shown_raw
from studio.data.samples import find_sample
from studio.data.sources import Plan, plan_reading
from studio.data.splits import DEFAULT_HELD_OUT_FRACTION, held_out_threshold
from studio.errors import DatasetEmpty, OptionsInvalid, RowInvalid
from studio.events import Choice, Event, Finished, Notice, Phase, Progress, Rows
from studio.store.catalogue import DatasetEntry, open_catalogue
from studio.store.dataset_file import SUFFIX, build_dataset, held_dataset, remove_abandoned, remove_dataset
from studio.store.table import Table
from studio.worker.context import WorkerJob

REPORT_NAME = "report.json"
_SAMPLE_ROWS = 200
_BATCH_ROWS = 2_000
_REPORTED_ROWS = 50
"""Refused rows in the report itself, for an import that leaves no dataset to keep them."""


class ImportOptions(BaseModel):
    """source: `upload:<name under uploads/>` or `sample:<id>`. What is None is guessed. held_out_fraction: 0..0.9."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    name: str
    source: str = Field(pattern=r"^(upload:[0-9a-f]{32}|sample:[\w-]{1,80})$")
    file_name: str
    container: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    format: str | None = None
    held_out_fraction: float = Field(default=DEFAULT_HELD_OUT_FRACTION, ge=0, le=0.9)


@dataclass
class Account:
    """What became of the rows: read = understood + refused, always."""

    read: int = 0
    understood: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
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
        self._is_done = False

    def events(self) -> Iterator[Event]:
        yield Phase("looking")
        plan = self._plan()
        rows = plan.rows()
        first = list(islice(rows, _SAMPLE_ROWS))
        plug = self._choose_format(first)
        for name, guess in self._guesses.items():
            yield Choice(name, guess.value, guess.reason, dict(guess.values))
        yield from self._store_rows(plan, plug, chain(first, rows))
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
        plan = plan_reading(path, options.file_name, options.container, options.encoding, options.delimiter)
        self._guesses |= plan.guesses
        self._notices = plan.source.notices
        return plan

    def _choose_format(self, first: list[RawRow]) -> Format:
        """Raises FormatUnknown; DatasetEmpty where not one row could be read, of which the report tells the causes."""
        rows = [row.fields for row in first if row.fields is not None]
        if self._options.format is not None:
            if self._options.format not in FORMATS:
                raise OptionsInvalid([{"field": "format", "code": "not_a_choice", "found": self._options.format}])
            self._guesses["format"] = Guess(self._options.format, 1.0, "chosen_by_person")
        elif rows:
            self._guesses["format"] = guess_format(self._options.file_name, rows)
        else:
            for row in first:
                self._refuse(row, str(row.cause), row.field, row.values)
            self.account.read = len(first)
            raise DatasetEmpty(name=self._options.name)
        plug = FORMATS[self._guesses["format"].value]
        aside = dict.fromkeys(name for row in rows for name in row if name not in plug.fields)
        if aside:
            self._notices.append(("fields_kept_aside", {"fields": ", ".join(aside)[:200]}))
        return plug

    def _store_rows(self, plan: Plan, plug: Format, rows: Iterator[RawRow]) -> Iterator[Event]:
        yield Phase("importing", unit="rows")
        with build_dataset(self.path) as connection:
            table = Table(connection)
            while batch := list(islice(rows, _BATCH_ROWS)):
                self._store_batch(table, plug, batch)
                yield Progress(self.account.read, self._expected_rows(plan), "rows")
                if self._job.should_stop():
                    raise _StoppedByPerson
            account = self.account
            yield Progress(account.read, account.read, "rows")
            yield Rows(account.read, account.understood, 0, dict(account.causes))
            for code, values in self._notices:
                yield Notice("info", code, values)
            if not account.understood:
                raise DatasetEmpty(name=self._options.name)
            table.write_facts({"format": 1, "held_out_fraction": self._options.held_out_fraction})
            table.recount(held_out_threshold(account.keys, self._options.held_out_fraction))

    def _expected_rows(self, plan: Plan) -> int | None:
        """How many rows there will be: known, or reckoned from the bytes read so far to two digits."""
        if plan.source.total_rows is not None:
            return plan.source.total_rows
        read = self.account.read
        reckoned = read * plan.source.path.stat().st_size / max(plan.source.bytes_read(), 1)
        return max(read, int(float(f"{reckoned:.1e}")))

    def _store_batch(self, table: Table, plug: Format, batch: Iterable[RawRow]) -> None:
        account = self.account
        understood = []
        refused = []
        for row in batch:
            account.read += 1
            if row.fields is None:
                refused.append(self._refuse(row, str(row.cause), row.field, row.values))
                continue
            try:
                record = read_record(plug, row.fields)
            except RowInvalid as problem:
                values = dict(problem.values)
                values.pop("row")
                refused.append(self._refuse(row, values.pop("cause"), values.pop("field"), values))
                continue
            account.understood += 1
            kind, key = str(record_kind(record)), split_key(record)
            account.kinds[kind] += 1
            account.keys.append(key)
            meta = _meta(row, plug)
            understood.append((account.understood, kind, orjson.dumps(record).decode(), meta, key))
        table.insert(understood)
        table.insert_refused(refused)

    def _refuse(self, row: RawRow, cause: str, field_name: str | None, values: Any) -> tuple:
        self.account.causes[cause] += 1
        raw = shown_raw(row)
        if len(self.account.examples) < _REPORTED_ROWS:
            self.account.examples.append(
                {"number": row.number, "field": field_name, "cause": cause, "values": dict(values), "raw": raw}
            )
        return row.number, field_name, cause, orjson.dumps(dict(values)).decode(), raw

    def _enter_into_catalogue(self) -> None:
        options = self._options
        source = {
            "source": options.source,
            "file": options.file_name,
            "guesses": {name: _told(guess) for name, guess in self._guesses.items()},
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


def _meta(row: RawRow, plug: Format) -> str:
    """Where a row came from, and the fields of it that its record does not hold."""
    fields = row.fields or {}
    if fields.keys() <= plug.fields:
        return f'{{"row":{row.number}}}'
    aside = {name: value for name, value in fields.items() if name not in plug.fields}
    return orjson.dumps({"row": row.number, "fields": aside}).decode()


def _told(guess: Guess) -> dict[str, Any]:
    return {
        "value": guess.value,
        "confidence": round(guess.confidence, 3),
        "reason": guess.reason,
        "values": dict(guess.values),
    }
