"""The catalogue of a workspace: its datasets and their saved versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from studio.errors import NameTaken, NotYours
from studio.store.connection import open_database, transaction

FILE_NAME = "studio.db"

MIGRATIONS = (
    """
    CREATE TABLE datasets (
        dataset_id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        source TEXT NOT NULL,
        job_id TEXT NOT NULL,
        created TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE versions (
        dataset_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        dataset_name TEXT NOT NULL,
        kind TEXT NOT NULL,
        rows INTEGER NOT NULL,
        held_out INTEGER NOT NULL,
        message TEXT NOT NULL,
        created TEXT NOT NULL,
        last_change INTEGER NOT NULL,
        PRIMARY KEY (dataset_id, number),
        UNIQUE (dataset_id, fingerprint)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE conversations (
        conversation_id TEXT PRIMARY KEY,
        columns TEXT NOT NULL,
        settings TEXT NOT NULL,
        created TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE turns (
        conversation_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        prompt TEXT NOT NULL,
        deed TEXT NOT NULL,
        created TEXT NOT NULL,
        PRIMARY KEY (conversation_id, number),
        UNIQUE (conversation_id, deed)
    ) WITHOUT ROWID;
    CREATE TABLE replies (
        conversation_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        model TEXT NOT NULL,
        deed TEXT NOT NULL,
        state TEXT NOT NULL,
        text TEXT NOT NULL,
        facts TEXT NOT NULL,
        PRIMARY KEY (conversation_id, number, model)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE adapters (
        adapter_id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        notes TEXT NOT NULL,
        run TEXT NOT NULL UNIQUE,
        lineage TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        created TEXT NOT NULL,
        deleted TEXT
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX adapter_names ON adapters (name) WHERE deleted IS NULL
    """,
    """
    CREATE TABLE projects (
        project_id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        guideline TEXT NOT NULL,
        source TEXT NOT NULL,
        seed TEXT NOT NULL,
        created TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE pairs (
        pair_id INTEGER PRIMARY KEY AUTOINCREMENT,
        project_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        prompt TEXT NOT NULL,
        a TEXT,
        b TEXT,
        origin_a TEXT NOT NULL,
        origin_b TEXT NOT NULL,
        split_key REAL NOT NULL,
        held_out INTEGER NOT NULL,
        problem TEXT,
        vote INTEGER,
        UNIQUE (project_id, position)
    );
    CREATE INDEX pairs_open ON pairs (project_id, position)
        WHERE vote IS NULL AND problem IS NULL AND a IS NOT NULL AND b IS NOT NULL;
    CREATE INDEX pairs_judged ON pairs (project_id, vote) WHERE vote IS NOT NULL;
    CREATE INDEX pairs_counted ON pairs (project_id, held_out, problem, (a IS NULL OR b IS NULL));
    CREATE TABLE votes (
        vote INTEGER PRIMARY KEY AUTOINCREMENT,
        event TEXT NOT NULL UNIQUE,
        project_id TEXT NOT NULL,
        pair_id INTEGER NOT NULL,
        person TEXT NOT NULL,
        action TEXT NOT NULL,
        winner TEXT,
        left_reply TEXT NOT NULL,
        edited TEXT,
        seconds REAL,
        undoes INTEGER REFERENCES votes (vote),
        time TEXT NOT NULL
    );
    CREATE INDEX votes_of_project ON votes (project_id, person, vote);
    CREATE INDEX votes_of_pair ON votes (pair_id, vote);
    CREATE INDEX votes_undone ON votes (undoes) WHERE undoes IS NOT NULL
    """,
    """
    CREATE TABLE guide (name TEXT PRIMARY KEY) WITHOUT ROWID
    """,
    """
    ALTER TABLE versions ADD COLUMN person TEXT NOT NULL DEFAULT '';
    ALTER TABLE versions ADD COLUMN about TEXT NOT NULL DEFAULT '{}';
    CREATE TABLE last_numbers (dataset_id TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID
    """,
    """
    CREATE TABLE mappings (
        name TEXT PRIMARY KEY,
        mapping TEXT NOT NULL,
        created TEXT NOT NULL,
        used TEXT NOT NULL
    ) WITHOUT ROWID
    """,
)


@dataclass(frozen=True)
class DatasetEntry:
    """A dataset of the workspace. source: where it came from and how that was read."""

    dataset_id: str
    name: str
    kind: str
    source: dict[str, Any]
    job_id: str
    created: str


@dataclass(frozen=True)
class VersionEntry:
    """A frozen state of a dataset; outlives it, so that a run always knows what it was trained on.

    last_change: the newest change of the dataset that this version holds, to tell whether there are newer ones.
    person: who saved it; empty where that was not kept yet. about: the dataset's facts and source as they then were.
    """

    dataset_id: str
    number: int
    fingerprint: str
    dataset_name: str
    kind: str
    rows: int
    held_out: int
    message: str
    created: str
    last_change: int
    person: str = ""
    about: dict[str, Any] = field(default_factory=dict)


@contextmanager
def open_catalogue(workspace: Path) -> Iterator[Catalogue]:
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_database(workspace / FILE_NAME, MIGRATIONS) as connection:
        yield Catalogue(connection)


class Catalogue:
    """The catalogue behind a connection; each method is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def datasets(self) -> list[DatasetEntry]:
        """Newest first."""
        return [_dataset(row) for row in self._sql.execute("SELECT * FROM datasets ORDER BY created DESC, dataset_id")]

    def dataset(self, dataset_id: str) -> DatasetEntry:
        """Raises NotYours."""
        found = self._sql.execute("SELECT * FROM datasets WHERE dataset_id = ?", (dataset_id,)).fetchone()
        if found is None:
            raise NotYours(what="dataset")
        return _dataset(found)

    def has_dataset(self, dataset_id: str) -> bool:
        return bool(self._sql.execute("SELECT 1 FROM datasets WHERE dataset_id = ?", (dataset_id,)).fetchone())

    def names(self) -> set[str]:
        return {row[0] for row in self._sql.execute("SELECT name FROM datasets")}

    def insert_dataset(self, entry: DatasetEntry) -> None:
        """Raises NameTaken."""
        values = (entry.dataset_id, entry.name, entry.kind, _text(entry.source), entry.job_id, entry.created)
        with unique_name(entry.name), transaction(self._sql):
            self._sql.execute("INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?)", values)

    def rename(self, dataset_id: str, name: str) -> None:
        """Its versions take the new name too. Raises NotYours, NameTaken."""
        with unique_name(name), transaction(self._sql):
            self.dataset(dataset_id)
            self._sql.execute("UPDATE datasets SET name = ? WHERE dataset_id = ?", (name, dataset_id))
            self._sql.execute("UPDATE versions SET dataset_name = ? WHERE dataset_id = ?", (name, dataset_id))

    def delete_dataset(self, dataset_id: str, kept: set[str]) -> list[str]:
        """Forget a dataset and its versions except those in `kept`; the fingerprints no entry needs any more."""
        with transaction(self._sql):
            self._sql.execute("DELETE FROM datasets WHERE dataset_id = ?", (dataset_id,))
            return self.forget_versions(dataset_id, kept)

    def forget_versions(self, dataset_id: str, kept: set[str]) -> list[str]:
        """The part of it that is about versions, inside a transaction of the caller: a project has versions too."""
        dropped = [version for version in self.versions(dataset_id) if version.fingerprint not in kept]
        for version in dropped:
            self._sql.execute("DELETE FROM versions WHERE dataset_id = ? AND number = ?", (dataset_id, version.number))
        return [version.fingerprint for version in dropped if not self.has_version(version.fingerprint)]

    def versions(self, dataset_id: str | None = None) -> list[VersionEntry]:
        """Newest first; of one dataset, or of the workspace."""
        condition, values = ("WHERE dataset_id = ?", (dataset_id,)) if dataset_id else ("", ())
        found = self._sql.execute(
            f"SELECT * FROM versions {condition} ORDER BY created DESC, dataset_name, number DESC", values
        )
        return [_version(row) for row in found]

    def delete_version(self, dataset_id: str, number: int) -> str | None:
        """Forget one version, whose number no other will have; its fingerprint where no entry needs the file any more.

        Raises NotYours.
        """
        with transaction(self._sql):
            found = next((version for version in self.versions(dataset_id) if version.number == number), None)
            if found is None:
                raise NotYours(what="version")
            self._sql.execute(
                "INSERT INTO last_numbers VALUES (?, ?) ON CONFLICT (dataset_id) DO UPDATE"
                " SET number = MAX(number, excluded.number)",
                (dataset_id, number),
            )
            self._sql.execute("DELETE FROM versions WHERE dataset_id = ? AND number = ?", (dataset_id, number))
            return None if self.has_version(found.fingerprint) else found.fingerprint

    def has_version(self, fingerprint: str) -> bool:
        return bool(self._sql.execute("SELECT 1 FROM versions WHERE fingerprint = ?", (fingerprint,)).fetchone())

    def version(self, fingerprint: str) -> VersionEntry:
        """Raises NotYours."""
        found = self._sql.execute("SELECT * FROM versions WHERE fingerprint = ?", (fingerprint,)).fetchone()
        if found is None:
            raise NotYours(what="version")
        return _version(found)

    def insert_version(self, entry: VersionEntry) -> VersionEntry:
        """Enter a version under the dataset's next number (`entry.number` is not looked at).

        The same rows and splits again are the same version: its entry stays, and is known to hold the newest change.
        Raises NotYours where the dataset is gone.
        """
        with transaction(self._sql):
            self.dataset(entry.dataset_id)
            return self.number_version(entry)

    def number_version(self, entry: VersionEntry) -> VersionEntry:
        """The part of it after the dataset was looked up, inside a transaction of the caller."""
        self._sql.execute(
            "INSERT INTO versions SELECT ?, 1 + MAX(COALESCE(MAX(number), 0), COALESCE("
            "(SELECT number FROM last_numbers WHERE dataset_id = ?), 0)), ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM versions"
            " WHERE dataset_id = ? ON CONFLICT (dataset_id, fingerprint) DO UPDATE SET last_change = excluded.last_change",
            (
                entry.dataset_id, entry.dataset_id, entry.fingerprint, entry.dataset_name, entry.kind, entry.rows,
                entry.held_out, entry.message, entry.created, entry.last_change, entry.person, _text(entry.about),
                entry.dataset_id,
            ),
        )  # fmt: skip
        found = self._sql.execute(
            "SELECT * FROM versions WHERE dataset_id = ? AND fingerprint = ?", (entry.dataset_id, entry.fingerprint)
        ).fetchone()
        return _version(found)


@contextmanager
def unique_name(name: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as problem:
        raise NameTaken(name=name) from problem


def _dataset(row: sqlite3.Row) -> DatasetEntry:
    return DatasetEntry(**dict(row) | {"source": orjson.loads(row["source"])})


def _version(row: sqlite3.Row) -> VersionEntry:
    return VersionEntry(**dict(row) | {"about": orjson.loads(row["about"])})


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
