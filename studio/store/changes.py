"""Every change of a dataset, kept for good: what was before and after, which of them were undone, and done again."""

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
REDO = "redo"
_STEPS = "('undo', 'redo')"
"""Changes that only take others back or do them again."""


@dataclass(frozen=True)
class Change:
    """before, after: what `action` needs to be undone or done again; None where there is nothing.

    undoes: of an undo, the change that it takes back; of a redo, the undo. A change without row_id that is neither
    about the held-out share is one of many rows: `change_rows` holds them, `after` their number and its details.
    """

    change_id: int
    deed: str
    action: str
    row_id: int | None
    before: Any
    after: Any
    undoes: int | None
    person: str
    time: str


class Changes:
    """The changes behind a connection. Appended to, never edited: an undo is a change of its own."""

    def __init__(self, connection: sqlite3.Connection, person: str) -> None:
        self.connection = self._sql = connection
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
    ) -> int:
        """The new change's id."""
        made = self._sql.execute(
            "INSERT INTO changes (deed, action, row_id, before, after, undoes, person, time)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (deed, action, row_id, _text(before), _text(after), undoes, self._person, _now()),
        )
        return int(made.lastrowid or 0)

    def complete(self, change_id: int, before: Any, after: Any) -> None:
        """Write what became of a change that was added in this very transaction."""
        self._sql.execute(
            "UPDATE changes SET before = ?, after = ? WHERE change_id = ?", (_text(before), _text(after), change_id)
        )

    def drop(self, change_id: int) -> None:
        """Forget a change of this very transaction that turned out to change nothing."""
        self._sql.execute("DELETE FROM changes WHERE change_id = ?", (change_id,))

    def last_standing(self) -> Change | None:
        """The newest change that is not undone and is no step itself: what the next undo takes back."""
        found = self._sql.execute(
            f"SELECT * FROM changes WHERE action NOT IN {_STEPS} AND {_STANDS} ORDER BY change_id DESC LIMIT 1"
        ).fetchone()
        return _change(found) if found else None

    def last_undo(self) -> Change | None:
        """The newest undo that is not done again: what the next redo takes back. None once there is a new change."""
        found = self._sql.execute(
            "SELECT * FROM changes WHERE action = 'undo' AND change_id >"
            f" (SELECT COALESCE(MAX(change_id), 0) FROM changes WHERE action NOT IN {_STEPS})"
            " AND NOT EXISTS (SELECT 1 FROM changes AS later WHERE later.undoes = changes.change_id)"
            " ORDER BY change_id DESC LIMIT 1"
        ).fetchone()
        return _change(found) if found else None

    def listed(self, before: int | None, size: int) -> list[tuple[Change, bool]]:
        """Changes that are no steps, newest first, each with whether it stands; only those older than `before`."""
        found = self._sql.execute(
            f"SELECT *, {_STANDS} AS stands FROM changes WHERE action NOT IN {_STEPS} AND change_id < ?"
            " ORDER BY change_id DESC LIMIT ?",
            (2**62 if before is None else before, size),
        )
        return [(_change(row), bool(row["stands"])) for row in found]

    def touched_since(self, change_id: int) -> set[int]:
        """Rows that a newer change, undo or redo is about."""
        return {row[0] for row in self._sql.execute(_TOUCHED, (change_id,))}

    def reworded_since(self, change_id: int) -> set[int]:
        """As `touched_since`, without rows that were only tagged or moved to the other side of the split."""
        return {row[0] for row in self._sql.execute(_REWORDED, (change_id,))}

    def count_after(self, change_id: int) -> int:
        return self._sql.execute("SELECT COUNT(*) FROM changes WHERE change_id > ?", (change_id,)).fetchone()[0]

    def last_id(self) -> int:
        return self._sql.execute("SELECT COALESCE(MAX(change_id), 0) FROM changes").fetchone()[0]


# Not undone, or each undo of it was done again.
_STANDS = (
    "NOT EXISTS (SELECT 1 FROM changes AS undo WHERE undo.undoes = changes.change_id"
    " AND NOT EXISTS (SELECT 1 FROM changes AS redo WHERE redo.undoes = undo.change_id))"
)


_TOUCHED = (
    "WITH RECURSIVE newer(change_id, row_id, undoes) AS ("
    " SELECT change_id, row_id, undoes FROM changes WHERE change_id > ?"
    " UNION SELECT c.change_id, c.row_id, c.undoes FROM changes AS c JOIN newer ON c.change_id = newer.undoes)"
    " SELECT row_id FROM newer WHERE row_id IS NOT NULL"
    " UNION SELECT change_rows.row_id FROM newer JOIN change_rows USING (change_id)"
)
_REWORDED = (
    f"{_TOUCHED} WHERE json_type(change_rows.after, '$.record') IS NOT NULL"
    " OR json_type(change_rows.after, '$.deleted') IS NOT NULL"
)


def _change(row: sqlite3.Row) -> Change:
    return Change(
        change_id=row["change_id"],
        deed=row["deed"],
        action=row["action"],
        row_id=row["row_id"],
        before=_value(row["before"]),
        after=_value(row["after"]),
        undoes=row["undoes"],
        person=row["person"],
        time=row["time"],
    )


def _text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _value(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
