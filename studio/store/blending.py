"""What a merge reads of its datasets and writes into the new one, beside the rows themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np
import orjson


def kind_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many rows there are of each kind, most first. Reads every row's head once."""
    found = connection.execute(
        "SELECT kind, COUNT(*) AS rows FROM rows WHERE deleted = 0 GROUP BY kind ORDER BY rows DESC, kind"
    )
    return {row[0]: row[1] for row in found}


def ids_of_kinds(connection: sqlite3.Connection, kinds: Sequence[str]) -> np.ndarray:
    """The ids of all rows of these kinds, in order."""
    found = connection.execute(
        "SELECT row_id FROM rows WHERE deleted = 0 AND kind IN (SELECT value FROM json_each(?)) ORDER BY row_id",
        (orjson.dumps(list(kinds)).decode(),),
    )
    return np.fromiter((row[0] for row in found), dtype=np.int64)


def insert_tags(connection: sqlite3.Connection, tags: Iterable[tuple[int, str]]) -> None:
    """tags: (row_id, tag)."""
    connection.executemany("INSERT OR IGNORE INTO row_tags (row_id, tag) VALUES (?, ?)", tags)


def set_split_keys(connection: sqlite3.Connection, keys: Iterable[tuple[float, int]]) -> None:
    """keys: (split_key, row_id). Blocks are counted afterwards, by `Table.recount`."""
    connection.executemany("UPDATE rows SET split_key = ? WHERE row_id = ?", keys)
