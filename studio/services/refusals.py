"""The rows that an import refused, as the report shows them: looked through, mended into rows, or left out by somebody."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from studio.data.mending import Mended, Reading, mend
from studio.data.records import check_record, record_kind, split_key
from studio.errors import NotYours, RecordInvalid, RequestRefused
from studio.people import Person
from studio.services.dataset_words import refused_words
from studio.services.datasets import Datasets
from studio.store.changes import Changes
from studio.store.connection import transaction
from studio.store.refused import LEFT_OUT, MENDED, RefusedRow, RefusedRows
from studio.store.row_changes import RowChange, write_changes
from studio.store.table import Table

PAGE_ROWS = 50
SHOWN_CHARACTERS = 2_000
LONGEST_MENDED_BYTES = 1024 * 1024
MEND = "mend"


class Refusals:
    """The refused rows of every dataset. Each deed has an id: done again it changes nothing."""

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets

    def page(self, person: Person, dataset_id: str, number: int) -> dict[str, Any]:
        """In the order of the file, page from 1, with the counts of all: {all, open, mended, left_out}."""
        with self._opened(person, dataset_id) as connection:
            refused = RefusedRows(connection)
            counts = refused.counts()
            pages = max(-(-counts["all"] // PAGE_ROWS), 1)
            number = min(max(number, 1), pages)
            found = refused.page((number - 1) * PAGE_ROWS, PAGE_ROWS)
        rows = [_told(person.language, row) for row in found]
        return {"rows": rows, "counts": counts, "total": counts["all"], "page": number, "pages": pages}

    def open(self, person: Person, dataset_id: str, refused_id: int) -> dict[str, Any]:
        """One row to be mended: its text as far as it was kept, as JSON where it is a row of a table, and what comes of
        it as it is."""
        with self._opened(person, dataset_id) as connection:
            row = RefusedRows(connection).find(refused_id)
            reading = _reading(connection)
        text = mend(reading, row.raw).text if row.is_whole else ""
        return _told(person.language, row) | {"text": text, "kind": reading.kind, "columns": reading.columns}

    def attempt(self, person: Person, dataset_id: str, text: str, as_record: bool) -> dict[str, Any]:
        """What a text would become: {record, kind} or {problem, field}. Nothing is kept.

        as_record: the text is the record itself as JSON, not a row of the file.
        """
        with self._opened(person, dataset_id) as connection:
            reading = _reading(connection)
        tried = mend(reading, _checked(text), as_record)
        if tried.record is not None:
            return {"record": tried.record, "kind": record_kind(tried.record)}
        told = {"number": 0, "field": tried.field, "cause": tried.cause, "values": tried.values or {}, "raw": ""}
        words = refused_words(person.language, told)
        return {"problem": words["words"], "field": words["field"]}

    def mend(self, person: Person, dataset_id: str, refused_id: int, deed: str, text: str, as_record: bool) -> int:
        """The id of the row that it becomes, in its place among the others; undo takes it back.

        Raises RecordInvalid where it still is not understood, and NotYours for a row that is mended or left out.
        """
        with self._opened(person, dataset_id) as connection, transaction(connection):
            refused, log = RefusedRows(connection), Changes(connection, person.id)
            row = refused.find(refused_id)
            if done := log.find(deed):
                if done.action != MEND or row.row_id is None:
                    raise RequestRefused()
                return row.row_id
            if row.state == MENDED:
                raise NotYours(what="row")
            tried = mend(_reading(connection), _checked(text), as_record)
            if tried.record is None:
                raise RecordInvalid([{"field": tried.field or "", "code": tried.cause} | dict(tried.values or {})])
            if problems := check_record(tried.record):
                raise RecordInvalid(problems)
            row_id = _put(connection, log, deed, row, tried)
            refused.settle(refused_id, row_id, person.id)
        return row_id

    def leave_out(self, person: Person, dataset_id: str, refused_id: int) -> None:
        """Who left it out and when is kept. One that is left out already stays as it is. Raises NotYours if mended."""
        with self._opened(person, dataset_id) as connection, transaction(connection):
            refused = RefusedRows(connection)
            row = refused.find(refused_id)
            if row.state == MENDED:
                raise NotYours(what="row")
            if row.state != LEFT_OUT:
                refused.settle(refused_id, None, person.id)

    def leave_out_all(self, person: Person, dataset_id: str, cause: str | None) -> int:
        """Every row that is still open, of one cause if given; how many there were."""
        with self._opened(person, dataset_id) as connection, transaction(connection):
            return RefusedRows(connection).leave_out_open(cause, person.id)

    def reopen(self, person: Person, dataset_id: str, refused_id: int) -> None:
        """Take back that a row was left out."""
        with self._opened(person, dataset_id) as connection, transaction(connection):
            RefusedRows(connection).reopen(refused_id)

    @contextmanager
    def _opened(self, person: Person, dataset_id: str) -> Iterator[sqlite3.Connection]:
        with self._datasets.rows(person, dataset_id) as rows:
            yield rows.connection


def _reading(connection: sqlite3.Connection) -> Reading:
    """How the dataset's rows were read. Of one that an older version has imported, only its kind is known."""
    table = Table(connection)
    kind = connection.execute("SELECT kind FROM rows WHERE deleted = 0 LIMIT 1").fetchone()
    return Reading.of(table.fact("reading") or {}, kind[0] if kind else "conversation")


def _put(connection: sqlite3.Connection, log: Changes, deed: str, row: RefusedRow, mended: Mended) -> int:
    """Bring a row into its place: where the file had it, else at the end."""
    table, record = Table(connection), mended.record or {}
    kind, text = str(record_kind(record)), orjson.dumps(record).decode()
    row_id = row.row_id or row.place
    meta = {"row": row.number, "mended": True} | ({"file": row.file} if row.file else {})
    meta |= {"fields": mended.aside} if mended.aside else {}
    details = {"number": row.number}
    is_free = row_id is not None and row_id != row.row_id and not table.rows_by_id([row_id])
    if is_free and row_id is not None:
        # A row that was never there is taken for deleted, so that the change and its undo are about that alone.
        table.insert([(row_id, kind, text, orjson.dumps(meta).decode(), split_key(record))])
        connection.execute("UPDATE rows SET deleted = 1 WHERE row_id = ?", (row_id,))
    elif row.row_id is not None:
        # It was mended before and is gone since: what its record does not hold is of the new text as well.
        connection.execute("UPDATE rows SET meta = ? WHERE row_id = ?", (orjson.dumps(meta).decode(), row_id))
    if is_free or row.row_id is not None:
        change = RowChange(row_id, record=record, tags_add=mended.tags, brings_back=True)
        write_changes(log, deed, MEND, details, [change])
        return int(row_id or 0)
    change = RowChange(None, record=record, meta=meta, tags_add=mended.tags)
    return write_changes(log, deed, MEND, details, [change]).added[0]


def _checked(text: str) -> str:
    """Raises RequestRefused for what no row may be."""
    if len(text.encode("utf-8", "replace")) > LONGEST_MENDED_BYTES:
        raise RequestRefused()
    return text


def _told(language: str, row: RefusedRow) -> dict[str, Any]:
    told = {"number": row.number, "field": row.field, "cause": row.cause, "values": row.values}
    return refused_words(language, told | {"raw": row.raw[:SHOWN_CHARACTERS]}) | {
        "refused_id": row.refused_id,
        "state": row.state,
        "person": row.person,
        "time": row.time,
        "is_whole": row.is_whole,
        "file": row.file,
    }
