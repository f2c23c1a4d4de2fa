"""The mappings that a workspace keeps under names, to be picked again for files of the same columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from studio.errors import NotYours
from studio.jobs.log import utc_now
from studio.store.catalogue import FILE_NAME, MIGRATIONS, unique_name
from studio.store.connection import open_database, transaction


@dataclass(frozen=True)
class SavedMapping:
    """mapping: as JSON. used: when it was last saved or picked."""

    name: str
    mapping: dict[str, Any]
    created: str
    used: str


@contextmanager
def open_mappings(workspace: Path) -> Iterator[Mappings]:
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_database(workspace / FILE_NAME, MIGRATIONS) as connection:
        yield Mappings(connection)


class Mappings:
    """The mappings behind a connection; each method is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def all(self) -> list[SavedMapping]:
        """The last used first."""
        found = self._sql.execute("SELECT * FROM mappings ORDER BY used DESC, name")
        return [SavedMapping(**dict(row) | {"mapping": orjson.loads(row["mapping"])}) for row in found]

    def save(self, name: str, mapping: dict[str, Any]) -> None:
        """Under this name, in place of what was saved under it before."""
        with transaction(self._sql):
            self._sql.execute(
                "INSERT INTO mappings (name, mapping, created, used) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
                " SET mapping = excluded.mapping, used = excluded.used",
                (name, orjson.dumps(mapping).decode(), (now := utc_now()), now),
            )

    def touch(self, name: str) -> None:
        """It was used now. A name that is not there is passed over: the import has its mapping already."""
        with transaction(self._sql):
            self._sql.execute("UPDATE mappings SET used = ? WHERE name = ?", (utc_now(), name))

    def rename(self, name: str, to: str) -> None:
        """Raises NotYours, NameTaken."""
        with unique_name(to), transaction(self._sql):
            if not self._sql.execute("UPDATE mappings SET name = ? WHERE name = ?", (to, name)).rowcount:
                raise NotYours(what="mapping")

    def delete(self, name: str) -> None:
        """Raises NotYours. Datasets that were made with it keep it."""
        with transaction(self._sql):
            if not self._sql.execute("DELETE FROM mappings WHERE name = ?", (name,)).rowcount:
                raise NotYours(what="mapping")
