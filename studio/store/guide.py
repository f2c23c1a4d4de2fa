"""What the guide remembers of a workspace: steps that leave nothing to be found again, and whether it is put away."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.store.catalogue import FILE_NAME, MIGRATIONS
from studio.store.connection import open_database


@contextmanager
def open_guide(workspace: Path) -> Iterator[GuideNotes]:
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_database(workspace / FILE_NAME, MIGRATIONS) as connection:
        yield GuideNotes(connection)


class GuideNotes:
    """Notes by name behind a connection: one that is there says yes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def names(self) -> set[str]:
        return {row[0] for row in self._sql.execute("SELECT name FROM guide")}

    def add(self, name: str) -> None:
        """Safe to repeat."""
        self._sql.execute("INSERT OR IGNORE INTO guide VALUES (?)", (name,))

    def remove(self, name: str) -> None:
        self._sql.execute("DELETE FROM guide WHERE name = ?", (name,))
