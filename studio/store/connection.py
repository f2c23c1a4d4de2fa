"""How a database is opened: pragmas, numbered migrations, one transaction per deed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from studio.errors import DatabaseBusy, DiskFull, FileUnreadable

BUSY_TIMEOUT_S = 10.0

_BUSY_POLL_S = 0.01

_PRAGMAS = (
    # An acknowledged edit outlives even a power cut; an edit is one small transaction, so its sync costs little.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)

Migration = str | Callable[[sqlite3.Connection], None]
"""Statements, or what is done with the connection inside the migrations' transaction."""


@contextmanager
def open_database(path: Path, migrations: Sequence[Migration]) -> Iterator[sqlite3.Connection]:
    """A connection for one deed, closed at its end. The schema is brought up to the last migration first.

    Raises FileUnreadable where the file is no database, or was written by a newer version.
    """
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        with _named_errors(path):
            _ensure_wal(connection)
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            migrate(connection, path.name, migrations)
            yield connection
    finally:
        connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing; the right to write is taken at once, so that what is read inside stays true until the end."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def migrate(connection: sqlite3.Connection, name: str, migrations: Sequence[Migration]) -> None:
    """Run the migrations that this file has not seen. `user_version` holds how many it has seen.

    A migration is never edited once it was released: a change of the schema is a new one at the end.
    """
    seen = connection.execute("PRAGMA user_version").fetchone()[0]
    if seen == len(migrations):
        return
    if seen > len(migrations):
        raise FileUnreadable(file=name, row=None, cause="database_newer")
    with transaction(connection):
        seen = connection.execute("PRAGMA user_version").fetchone()[0]
        for number, migration in enumerate(migrations[seen:], seen + 1):
            if callable(migration):
                migration(connection)
            else:
                _run_script(connection, migration)
            connection.execute(f"PRAGMA user_version = {number}")


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):
        if statement.strip():
            connection.execute(statement)


def _ensure_wal(connection: sqlite3.Connection) -> None:
    """Two that open a new file at once both want to change its journal; SQLite then refuses one without waiting."""
    deadline_s = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                raise
            time.sleep(_BUSY_POLL_S)


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as problem:
        if problem.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise DiskFull(free_bytes=None) from problem
        if problem.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise DatabaseBusy() from problem
        if problem.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise FileUnreadable(file=path.name, row=None, cause="database_damaged") from problem
        raise
