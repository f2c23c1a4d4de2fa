"""The rows that an import refused, and what became of each since: mended into a row, left out, or still open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from studio.errors import NotYours
from studio.jobs.log import utc_now

OPEN = "open"
MENDED = "mended"
LEFT_OUT = "left_out"


class NewRefused(NamedTuple):
    """As an import writes it. place: its number among all rows of the file. is_whole: raw is the whole row."""

    number: int
    field: str | None
    cause: str
    details: str
    raw: str
    place: int
    is_whole: bool
    file: str | None


@dataclass(frozen=True)
class RefusedRow:
    """state: OPEN, MENDED (then row_id is its row's) or LEFT_OUT, by whom and when. place: None in a file of an older
    version. A mended row that was undone or deleted is open again, and keeps its row_id."""

    refused_id: int
    number: int
    field: str | None
    cause: str
    values: dict[str, Any]
    raw: str
    place: int | None
    is_whole: bool
    file: str | None
    state: str
    row_id: int | None
    person: str | None
    time: str | None


_SELECT = """
    SELECT refused.*, settled.row_id, settled.person, settled.time, settled.refused_id AS settled,
        rows.row_id IS NOT NULL AS is_there
    FROM refused LEFT JOIN refused_settled AS settled USING (refused_id)
    LEFT JOIN rows ON rows.row_id = settled.row_id AND rows.deleted = 0
"""
_STANDS = "(settled.row_id IS NULL OR EXISTS (SELECT 1 FROM rows WHERE rows.row_id = settled.row_id AND deleted = 0))"


class RefusedRows:
    """The refused rows behind a connection. Writes belong inside a transaction of the caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def insert(self, rows: Iterable[NewRefused]) -> None:
        self._sql.executemany(
            "INSERT INTO refused (number, field, cause, details, raw, place, is_whole, file)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )

    def counts(self) -> dict[str, int]:
        """{all, open, mended, left_out}. Ids have no gaps, so a million refused rows are counted by the last one."""
        every = self._sql.execute("SELECT COALESCE(MAX(refused_id), 0) FROM refused").fetchone()[0]
        mended, left_out = self._sql.execute(
            f"SELECT COALESCE(SUM(row_id IS NOT NULL), 0), COALESCE(SUM(row_id IS NULL), 0)"
            f" FROM refused_settled AS settled WHERE {_STANDS}"
        ).fetchone()
        return {"all": every, OPEN: every - mended - left_out, MENDED: mended, LEFT_OUT: left_out}

    def page(self, first: int, size: int) -> list[RefusedRow]:
        """In the order of the file: rows first … first + size - 1, counted from 0."""
        found = self._sql.execute(f"{_SELECT} WHERE refused_id > ? ORDER BY refused_id LIMIT ?", (first, size))
        return [_refused(row) for row in found]

    def find(self, refused_id: int) -> RefusedRow:
        """Raises NotYours."""
        found = self._sql.execute(f"{_SELECT} WHERE refused_id = ?", (refused_id,)).fetchone()
        if found is None:
            raise NotYours(what="row")
        return _refused(found)

    def settle(self, refused_id: int, row_id: int | None, person: str) -> None:
        """Mended as that row; None: left out."""
        self._sql.execute(
            "INSERT OR REPLACE INTO refused_settled (refused_id, row_id, person, time) VALUES (?, ?, ?, ?)",
            (refused_id, row_id, person, utc_now()),
        )

    def reopen(self, refused_id: int) -> None:
        self._sql.execute("DELETE FROM refused_settled WHERE refused_id = ? AND row_id IS NULL", (refused_id,))

    def leave_out_open(self, cause: str | None, person: str) -> int:
        """Every row that is still open, of one cause if given; how many."""
        there = f"SELECT refused_id FROM refused_settled AS settled WHERE {_STANDS}"
        made = self._sql.execute(
            "INSERT OR REPLACE INTO refused_settled (refused_id, row_id, person, time)"
            f" SELECT refused_id, NULL, ?, ? FROM refused WHERE (? IS NULL OR cause = ?) AND refused_id NOT IN ({there})",
            (person, utc_now(), cause, cause),
        )
        return made.rowcount


def _refused(row: sqlite3.Row) -> RefusedRow:
    state = OPEN
    if row["settled"] is not None:
        state = LEFT_OUT if row["row_id"] is None else MENDED if row["is_there"] else OPEN
    return RefusedRow(
        refused_id=row["refused_id"],
        number=row["number"],
        field=row["field"],
        cause=row["cause"],
        values=orjson.loads(row["details"]),
        raw=row["raw"],
        place=row["place"],
        is_whole=bool(row["is_whole"]),
        file=row["file"],
        state=state,
        row_id=row["row_id"],
        person=row["person"],
        time=row["time"],
    )
