"""How many tokens each row of a dataset has, as one base reads it: kept beside the rows, stale as soon as a row changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from studio.store.table import StoredRow, Table

FACT = "lengths"
"""The fact that says for each base with which tokenizer, template and way of learning its lengths were counted."""

_STALE = (
    "rows.deleted = 0 AND NOT EXISTS (SELECT 1 FROM row_lengths AS l WHERE l.base = ? AND l.row_id = rows.row_id"
    " AND l.revision = rows.revision)"
)


@dataclass(frozen=True)
class RowLength:
    """One row as it was at a revision. tokens: of a pair those of its longer side; shorter: of the other one.

    first: the place from where the row trains something; None where it never does. spans: [start, end) of the trained
    tokens; None for a row of another kind than is learned.
    """

    row_id: int
    revision: int
    tokens: int
    first: int | None
    spans: list[tuple[int, int]] | None
    shorter: int | None = None

    @property
    def trained(self) -> int:
        return sum(end - start for start, end in self.spans or ())


class RowLengths:
    """The lengths of one base behind a connection. Writes belong inside a transaction of the caller."""

    def __init__(self, connection: sqlite3.Connection, base: str) -> None:
        self._sql = connection
        self._base = base

    def begin(self, how: str) -> None:
        """how: names tokenizer, template and way of learning; what was counted in another way is forgotten."""
        table = Table(self._sql)
        known = table.fact(FACT) or {}
        if known.get(self._base) != how:
            self._sql.execute("DELETE FROM row_lengths WHERE base = ?", (self._base,))
            table.write_facts({FACT: known | {self._base: how}})

    def count_waiting(self) -> int:
        """Rows that are not counted as they stand."""
        return self._sql.execute(f"SELECT COUNT(*) FROM rows WHERE {_STALE}", (self._base,)).fetchone()[0]

    def waiting(self, most: int, after: int = 0) -> list[StoredRow]:
        """The first of them behind a row."""
        found = self._sql.execute(
            f"SELECT row_id FROM rows WHERE row_id > ? AND {_STALE} ORDER BY row_id LIMIT ?", (after, self._base, most)
        )
        return Table(self._sql).rows_by_id([row[0] for row in found])

    def write(self, found: Iterable[RowLength]) -> None:
        self._sql.executemany(
            "INSERT OR REPLACE INTO row_lengths (base, row_id, revision, tokens, trained, first, spans)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(self._base, one.row_id, one.revision, one.tokens, one.trained, one.first, _text(one)) for one in found],
        )

    def iterate(self) -> Iterator[tuple[float, RowLength]]:
        """(split key, length) of each row that is there and was counted as it stands, in order."""
        for row in self._sql.execute(
            "SELECT rows.split_key, rows.row_id, l.revision, l.tokens, l.first, l.spans FROM rows"
            " JOIN row_lengths AS l ON l.base = ? AND l.row_id = rows.row_id AND l.revision = rows.revision"
            " WHERE rows.deleted = 0 ORDER BY rows.row_id",
            (self._base,),
        ):
            spans, shorter = orjson.loads(row[5])
            yield row[0], RowLength(row[1], row[2], row[3], row[4], spans, shorter)

    def list_nothing(self, most: int, limit: int) -> list[int]:
        """Ids of rows that train nothing when they are cut to `most` tokens, in order."""
        found = self._sql.execute(
            "SELECT rows.row_id FROM rows JOIN row_lengths AS l"
            " ON l.base = ? AND l.row_id = rows.row_id AND l.revision = rows.revision"
            " WHERE rows.deleted = 0 AND (l.first IS NULL OR l.first >= ?) ORDER BY rows.row_id LIMIT ?",
            (self._base, most, limit),
        )
        return [row[0] for row in found]


def _text(one: RowLength) -> str:
    return orjson.dumps([one.spans, one.shorter]).decode()
