"""The differences between two versions in a file of their own: written once by a job, read by page."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from studio.data.version_diff import Difference
from studio.data.versions import FrozenRow

FILE_NAME = "differences.db"
_WAITING_ROWS = 1_000
_SCHEMA = """
CREATE TABLE differences (
    number INTEGER PRIMARY KEY,
    what TEXT NOT NULL,
    nth INTEGER NOT NULL,
    row_id INTEGER NOT NULL,
    before TEXT,
    after TEXT
)
"""


class DifferencesWriter:
    """A context: what was added is in the file, with its index, when the block ends well."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._sql = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF"):
            self._sql.execute(f"PRAGMA {pragma}")
        self._sql.execute(_SCHEMA)
        self._sql.execute("BEGIN")
        self._waiting: list[tuple[str, int, int, str | None, str | None]] = []

    def add(self, found: Difference, nth: int) -> None:
        """nth: which one of its sort it is, from 1."""
        self._waiting.append((found.what, nth, found.row_id, _side(found.before), _side(found.after)))
        if len(self._waiting) == _WAITING_ROWS:
            self._flush()

    def _flush(self) -> None:
        self._sql.executemany(
            "INSERT INTO differences (what, nth, row_id, before, after) VALUES (?, ?, ?, ?, ?)", self._waiting
        )
        self._waiting.clear()

    def __enter__(self) -> DifferencesWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
            self._sql.execute("CREATE UNIQUE INDEX differences_what ON differences (what, nth)")
            self._sql.execute("COMMIT")
        self._sql.close()


def read_differences(path: Path, what: str | None, first: int, size: int) -> list[dict[str, Any]]:
    """Differences first … first + size - 1, counted from 0, of one sort or of all in the order of the rows.

    Each {"what", "row_id", "before", "after"}, the sides {"kind", "record", "split"} or None.
    """
    column, condition, values = ("nth", "what = ? AND", (what,)) if what else ("number", "", ())
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found = connection.execute(
            f"SELECT what, row_id, before, after FROM differences WHERE {condition} {column} > ? ORDER BY {column} LIMIT ?",
            (*values, first, size),
        ).fetchall()
    return [
        {"what": row[0], "row_id": row[1], "before": _read_side(row[2]), "after": _read_side(row[3])} for row in found
    ]


def list_different(path: Path, what: str | None, most: int) -> list[int]:
    """Ids of the rows that differ, at most so many."""
    condition, values = ("WHERE what = ?", (what,)) if what else ("", ())
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found = connection.execute(
            f"SELECT row_id FROM differences {condition} ORDER BY number LIMIT ?", (*values, most)
        )
        return [row[0] for row in found]


def _side(row: FrozenRow | None) -> str | None:
    # The record is JSON already: it is put in as it is.
    return None if row is None else f'{{"kind":"{row.kind}","split":"{row.split}","record":{row.record}}}'


def _read_side(text: str | None) -> dict[str, Any] | None:
    return None if text is None else orjson.loads(text)
