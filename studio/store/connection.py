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
_WAIT_MS = 200
"""How often a job that waits for its turn to write looks whether it was stopped."""

_PRAGMAS = (
    # An acknowledged edit outlives even a power cut; an edit is one small transaction, so its sync costs little.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)

Migration = str | Callable[[sqlite3.Connection], None]
"""Statements, or what is done with the connection inside the migrations' transaction."""


class _Connection(sqlite3.Connection):
    """wait: called while somebody else writes, by who may wait however long that takes; what it raises gives up."""

    wait: Callable[[], None] | None = None


@contextmanager
def open_database(
    path: Path, migrations: Sequence[Migration], wait: Callable[[], None] | None = None
) -> Iterator[sqlite3.Connection]:
    """A connection for one deed, closed at its end. The schema is brought up to the last migration first.

    wait: of a job; called while another one writes, however long that takes, and what it raises gives up. Without it
    whoever wants to write raises DatabaseBusy after BUSY_TIMEOUT_S: a person is told, and tries again. Raises FileUnreadable where the file is no database, or was written by a newer version.
    """
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, factory=_Connection)
    connection.wait = wait
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
    if isinstance(connection, _Connection) and connection.wait is not None:
        _wait_and_begin(connection, connection.wait)
    else:
        connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _wait_and_begin(connection: sqlite3.Connection, wait: Callable[[], None]) -> None:
    connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as problem:
                if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            wait()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}")


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
