"""Every change of a dataset, kept for good: what was before and after, and which of them were undone."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

EDIT = "edit"
ADD = "add"
DELETE = "delete"
HELD_OUT = "held_out"
UNDO = "undo"


@dataclass(frozen=True)
class Change:
    """before, after: what `action` needs to be undone or done again; None where there is nothing."""

    change_id: int
    deed: str
    action: str
    row_id: int | None
    before: Any
    after: Any
    undoes: int | None


class Changes:
    """The changes behind a connection. Appended to, never edited: an undo is a change of its own."""

    def __init__(self, connection: sqlite3.Connection, person: str) -> None:
        self._sql = connection
        self._person = person

    def find(self, deed: str) -> Change | None:
        """The change that this deed has made, if it was done before."""
        found = self._sql.execute("SELECT * FROM changes WHERE deed = ?", (deed,)).fetchone()
        return _change(found) if found else None

    def find_id(self, change_id: int) -> Change | None:
        found = self._sql.execute("SELECT * FROM changes WHERE change_id = ?", (change_id,)).fetchone()
        return _change(found) if found else None

    def add(
        self, deed: str, action: str, row_id: int | None, before: Any, after: Any, undoes: int | None = None
    ) -> None:
        self._sql.execute(
            "INSERT INTO changes (deed, action, row_id, before, after, undoes, person, time)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (deed, action, row_id, _text(before), _text(after), undoes, self._person, _now()),
        )

    def last_standing(self) -> Change | None:
        """The newest change that is not undone and is no undo itself: what the next undo takes back."""
        found = self._sql.execute(
            "SELECT * FROM changes WHERE action != 'undo'"
            " AND NOT EXISTS (SELECT 1 FROM changes AS later WHERE later.undoes = changes.change_id)"
            " ORDER BY change_id DESC LIMIT 1"
        ).fetchone()
        return _change(found) if found else None

    def count_after(self, change_id: int) -> int:
        return self._sql.execute("SELECT COUNT(*) FROM changes WHERE change_id > ?", (change_id,)).fetchone()[0]

    def last_id(self) -> int:
        return self._sql.execute("SELECT COALESCE(MAX(change_id), 0) FROM changes").fetchone()[0]


def _change(row: sqlite3.Row) -> Change:
    return Change(
        change_id=row["change_id"],
        deed=row["deed"],
        action=row["action"],
        row_id=row["row_id"],
        before=_value(row["before"]),
        after=_value(row["after"]),
        undoes=row["undoes"],
    )


def _text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _value(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
