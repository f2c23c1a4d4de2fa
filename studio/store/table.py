"""The rows of a dataset as they stand: counted by blocks, read by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from studio.errors import NotYours
from studio.store.characters import count_characters
from studio.store.dataset_file import BLOCK_ROWS

_ALL_FIELDS = "row_id, kind, record, meta, split_key, revision, deleted, changed, characters"


@dataclass(frozen=True)
class StoredRow:
    """One row; record and meta as JSON text, as they lie in the file.

    changed: the newest change that made the record what it is, 0 for one as it was imported. characters: of all its
    texts.
    """

    row_id: int
    kind: str
    record: str
    meta: str
    split_key: float
    revision: int
    deleted: bool
    changed: int
    characters: int


class Standing(NamedTuple):
    """How a row stands, without what it says."""

    row_id: int
    kind: str
    split_key: float
    revision: int
    deleted: int
    changed: int


class Table:
    """Rows of the dataset behind a connection. Writes belong inside a transaction of the caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    # Facts ------------------------------------------------------------------------------------------------------------

    def fact(self, name: str) -> Any:
        """A fact by its name (held_out_fraction, held_out_threshold, format …); None where it was never written."""
        found = self._sql.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return orjson.loads(found[0]) if found else None

    def facts(self) -> dict[str, Any]:
        """Every fact by its name."""
        return {name: orjson.loads(value) for name, value in self._sql.execute("SELECT name, value FROM facts")}

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        self._sql.executemany(
            "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [(name, orjson.dumps(value).decode()) for name, value in facts.items()],
        )

    def counts(self) -> tuple[int, int]:
        """How many rows there are, and how many of them are held out."""
        found = self._sql.execute("SELECT COALESCE(SUM(present), 0), COALESCE(SUM(held_out), 0) FROM blocks").fetchone()
        return found[0], found[1]

    # Writing ----------------------------------------------------------------------------------------------------------

    def insert(self, rows: Iterable[tuple[int, str, str | bytes, str | bytes, float]]) -> None:
        """rows: (row_id, kind, record, meta, split_key). Blocks are counted by `recount`, after the last row."""
        self._sql.executemany(
            "INSERT INTO rows (row_id, kind, record, meta, split_key, characters) VALUES (?, ?, ?, ?, ?, ?)",
            ((*row, count_characters(row[2])) for row in rows),
        )

    def recount(self, threshold: float) -> None:
        """Count the blocks anew and remember the threshold: reads every row's key once."""
        self.write_facts({"held_out_threshold": threshold})
        self._sql.execute("DELETE FROM blocks")
        self._sql.execute(
            f"INSERT INTO blocks (block, present, held_out) SELECT row_id / {BLOCK_ROWS}, COUNT(*), SUM(split_key <= ?)"
            f" FROM rows WHERE deleted = 0 GROUP BY row_id / {BLOCK_ROWS}",
            (threshold,),
        )

    def recount_blocks(self, blocks: Iterable[int]) -> None:
        """Count these blocks anew, after their rows were deleted, added or moved to the other side of the split."""
        threshold = self.fact("held_out_threshold")
        for block in blocks:
            self._sql.execute(
                "INSERT OR REPLACE INTO blocks (block, present, held_out)"
                " SELECT ?, COUNT(*), COALESCE(SUM(split_key <= ?), 0) FROM rows WHERE row_id BETWEEN ? AND ? AND deleted = 0",
                (block, threshold, block * BLOCK_ROWS, block * BLOCK_ROWS + BLOCK_ROWS - 1),
            )

    @staticmethod
    def block_of(row_id: int) -> int:
        return row_id // BLOCK_ROWS

    def append(self, kind: str, record: str, meta: str, split_key: float, changed: int = 0) -> int:
        """A new row at the end; returns its id, which no row ever had. Its block is not counted yet."""
        row_id = self._sql.execute("SELECT COALESCE(MAX(row_id), 0) + 1 FROM rows").fetchone()[0]
        self.insert([(row_id, kind, record, meta, split_key)])
        self._sql.execute("UPDATE rows SET changed = ? WHERE row_id = ?", (changed, row_id))
        return row_id

    def change(self, row_id: int, kind: str, record: str, changed: int) -> None:
        self._sql.execute(
            "UPDATE rows SET kind = ?, record = ?, characters = ?, changed = ?, revision = revision + 1 WHERE row_id = ?",
            (kind, record, count_characters(record), changed, row_id),
        )

    def mark_deleted(self, row_id: int, deleted: bool) -> None:
        self._sql.execute(
            "UPDATE rows SET deleted = ?, revision = revision + 1 WHERE row_id = ?", (int(deleted), row_id)
        )
        self.recount_blocks([self.block_of(row_id)])

    # Reading ----------------------------------------------------------------------------------------------------------

    def row(self, row_id: int) -> StoredRow:
        """Deleted rows are found too: undo needs them. Raises NotYours."""
        found = self._sql.execute(f"SELECT {_ALL_FIELDS} FROM rows WHERE row_id = ?", (row_id,)).fetchone()
        if found is None:
            raise NotYours(what="row")
        return _stored(found)

    def position(self, row_id: int) -> int:
        """Which row it is, counted from 1 over the rows that are there."""
        block = row_id // BLOCK_ROWS
        before = self._sql.execute("SELECT COALESCE(SUM(present), 0) FROM blocks WHERE block < ?", (block,)).fetchone()
        inside = self._sql.execute(
            "SELECT COUNT(*) FROM rows WHERE row_id BETWEEN ? AND ? AND deleted = 0", (block * BLOCK_ROWS, row_id)
        ).fetchone()
        return before[0] + inside[0]

    def neighbours(self, row_id: int) -> tuple[int | None, int | None]:
        """The ids of the rows before and after."""
        sides = (("<", "DESC"), (">", "ASC"))
        found = [
            self._sql.execute(
                f"SELECT row_id FROM rows WHERE row_id {sign} ? AND deleted = 0 ORDER BY row_id {order} LIMIT 1",
                (row_id,),
            ).fetchone()
            for sign, order in sides
        ]
        return (found[0][0] if found[0] else None), (found[1][0] if found[1] else None)

    def page(self, first: int, size: int, split: str | None = None) -> list[StoredRow]:
        """Rows first … first + size - 1, counted from 0, of one split if given."""
        counted, condition, values = self._condition(split)
        passed = start = 0
        for block, count in self._sql.execute(f"SELECT block, {counted} FROM blocks ORDER BY block"):
            if passed + count > first:
                start = block * BLOCK_ROWS
                break
            passed += count
        else:
            return []
        found = self._sql.execute(
            f"SELECT {_ALL_FIELDS} FROM rows WHERE row_id >= ? AND {condition} ORDER BY row_id LIMIT ? OFFSET ?",
            (start, *values, size, first - passed),
        )
        return [_stored(row) for row in found]

    def page_by_length(self, first: int, size: int, descending: bool) -> list[StoredRow]:
        """Rows first … first + size - 1 by their characters."""
        way = "DESC" if descending else "ASC"
        return self._page_in_order(f"characters {way}, row_id {way}", first, size)

    def page_by_edit(self, first: int, size: int, descending: bool) -> list[StoredRow]:
        """Rows first … first + size - 1 by their newest change: descending, the newest first, rows as imported last."""
        return self._page_in_order("changed DESC, row_id" if descending else "changed, row_id DESC", first, size)

    def _page_in_order(self, order: str, first: int, size: int) -> list[StoredRow]:
        """In an order that is an index: the offset steps over it alone, 20 ms a million."""
        found = self._sql.execute(
            f"SELECT row_id FROM rows WHERE deleted = 0 ORDER BY {order} LIMIT ? OFFSET ?", (size, first)
        )
        return self.rows_by_id([row[0] for row in found])

    def rows_by_id(self, row_ids: list[int]) -> list[StoredRow]:
        """In the order of the ids; ids without a row are left out."""
        found = self._sql.execute(
            f"SELECT {_ALL_FIELDS} FROM rows WHERE row_id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(row_ids).decode(),),
        )
        rows = {row[0]: _stored(row) for row in found}
        return [rows[row_id] for row_id in row_ids if row_id in rows]

    def standing(self, row_ids: list[int]) -> list[Standing]:
        """How those of the rows stand that there are, deleted ones too; in no order."""
        found = self._sql.execute(
            f"SELECT {', '.join(Standing._fields)} FROM rows WHERE row_id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(row_ids).decode(),),
        )
        return list(map(Standing._make, found))

    def tags_of(self, row_ids: list[int]) -> dict[int, set[str]]:
        """The tags of those of the rows that have some."""
        found: dict[int, set[str]] = {}
        for row_id, tag in self._sql.execute(
            "SELECT row_id, tag FROM row_tags WHERE row_id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(row_ids).decode(),),
        ):
            found.setdefault(row_id, set()).add(tag)
        return found

    def count_tags(self) -> list[dict[str, Any]]:
        """[{tag, rows}] of the rows that are there, by name."""
        found = self._sql.execute(
            "SELECT tag, COUNT(*) FROM row_tags JOIN rows USING (row_id) WHERE deleted = 0 GROUP BY tag ORDER BY tag"
        )
        return [{"tag": row[0], "rows": row[1]} for row in found]

    def count_kinds(self) -> list[dict[str, Any]]:
        """[{kind, rows}], the most frequent first."""
        found = self._sql.execute("SELECT kind, COUNT(*) FROM rows WHERE deleted = 0 GROUP BY kind ORDER BY 2 DESC")
        return [{"kind": row[0], "rows": row[1]} for row in found]

    def tokens_of(self, row_ids: list[int], base: str) -> dict[int, int]:
        """How many tokens those of the rows have that were measured for a base as they now stand."""
        found = self._sql.execute(
            "SELECT row_id, tokens FROM row_lengths JOIN rows USING (row_id, revision)"
            " WHERE base = ? AND row_id IN (SELECT value FROM json_each(?))",
            (base, orjson.dumps(row_ids).decode()),
        )
        return {row[0]: row[1] for row in found}

    def iterate(self) -> Iterator[StoredRow]:
        """Every row that is there, in order."""
        for row in self._sql.execute(f"SELECT {_ALL_FIELDS} FROM rows WHERE deleted = 0 ORDER BY row_id"):
            yield _stored(row)

    def split_keys(self) -> list[float]:
        return [row[0] for row in self._sql.execute("SELECT split_key FROM rows WHERE deleted = 0")]

    def _condition(self, split: str | None) -> tuple[str, str, tuple[float, ...]]:
        """What to count in blocks, the condition on rows, and its values."""
        if split is None:
            return "present", "deleted = 0", ()
        threshold = self.fact("held_out_threshold")
        if split == "held_out":
            return "held_out", "deleted = 0 AND split_key <= ?", (threshold,)
        return "(present - held_out)", "deleted = 0 AND split_key > ?", (threshold,)


def _stored(row: sqlite3.Row) -> StoredRow:
    return StoredRow(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[6]), row[7], row[8])
