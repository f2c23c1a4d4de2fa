"""The adapters of a workspace: their names, notes and lineage; a deleted one is remembered, so that it stays deleted."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from studio.errors import NameTaken, NotYours
from studio.models.lineage import Lineage
from studio.store.catalogue import FILE_NAME, MIGRATIONS
from studio.store.connection import open_database, transaction

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class AdapterEntry:
    """One registered adapter. bytes: of its folder. created: when its run was."""

    adapter_id: str
    name: str
    notes: str
    run: str
    lineage: Lineage
    bytes: int
    created: str


def is_adapter_id(text: object) -> bool:
    return isinstance(text, str) and ID.fullmatch(text) is not None


@contextmanager
def open_adapters(workspace: Path) -> Iterator[AdapterTable]:
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_database(workspace / FILE_NAME, MIGRATIONS) as connection:
        yield AdapterTable(connection)


class AdapterTable:
    """The adapters behind a connection; each method is one transaction, or part of one that `registering` began."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def adapters(self) -> list[AdapterEntry]:
        """Newest first, without the deleted ones."""
        found = self._sql.execute("SELECT * FROM adapters WHERE deleted IS NULL ORDER BY created DESC, adapter_id DESC")
        return [_entry(row) for row in found]

    def adapter(self, adapter_id: str) -> AdapterEntry:
        """Raises NotYours."""
        found = self._sql.execute(
            "SELECT * FROM adapters WHERE adapter_id = ? AND deleted IS NULL", (adapter_id,)
        ).fetchone()
        if found is None:
            raise NotYours(what="adapter")
        return _entry(found)

    def runs(self) -> set[str]:
        """The runs whose adapter was registered, also where it was deleted since."""
        return {row[0] for row in self._sql.execute("SELECT run FROM adapters")}

    def names(self) -> set[str]:
        return {row[0] for row in self._sql.execute("SELECT name FROM adapters WHERE deleted IS NULL")}

    def ids(self) -> set[str]:
        """Every id that was ever given: none is given twice."""
        return {row[0] for row in self._sql.execute("SELECT adapter_id FROM adapters")}

    @contextmanager
    def registering(self) -> Iterator[None]:
        """What is read and inserted inside belongs together: nobody else registers meanwhile."""
        with transaction(self._sql):
            yield

    def insert(self, entry: AdapterEntry) -> None:
        """Inside `registering`, with an id, a name and a run that are free."""
        values = (entry.adapter_id, entry.name, entry.notes, entry.run, entry.lineage.model_dump_json(), entry.bytes)
        self._sql.execute("INSERT INTO adapters VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", (*values, entry.created))

    def rename(self, adapter_id: str, name: str) -> None:
        """Raises NotYours, NameTaken."""
        try:
            with transaction(self._sql):
                self.adapter(adapter_id)
                self._sql.execute("UPDATE adapters SET name = ? WHERE adapter_id = ?", (name, adapter_id))
        except sqlite3.IntegrityError as problem:
            raise NameTaken(name=name) from problem

    def write_notes(self, adapter_id: str, notes: str) -> None:
        """Raises NotYours."""
        with transaction(self._sql):
            self.adapter(adapter_id)
            self._sql.execute("UPDATE adapters SET notes = ? WHERE adapter_id = ?", (notes, adapter_id))

    def mark_deleted(self, adapter_id: str, time: str) -> None:
        """Raises NotYours. Its run stays known, so that it is not registered again; its name is free."""
        with transaction(self._sql):
            self.adapter(adapter_id)
            self._sql.execute("UPDATE adapters SET deleted = ? WHERE adapter_id = ?", (time, adapter_id))


def _entry(row: sqlite3.Row) -> AdapterEntry:
    values = {name: row[name] for name in ("adapter_id", "name", "notes", "run", "bytes", "created")}
    return AdapterEntry(lineage=Lineage.model_validate_json(row["lineage"]), **values)
