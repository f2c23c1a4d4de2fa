"""The file of one dataset: built apart by an import, then opened for each deed."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.errors import DiskFull, FileUnreadable
from studio.store.characters import count_uncounted
from studio.store.connection import Migration, migrate, open_database
from studio.store.locking import try_lock
from studio.store.masks import masks_path

BLOCK_ROWS = 1000
"""Rows are counted by blocks of their ids, so that any page of a million rows is found by adding up a thousand
counts and stepping over less than a thousand rows."""

MIGRATIONS: tuple[Migration, ...] = (
    """
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE rows (
        row_id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        record TEXT NOT NULL,
        meta TEXT NOT NULL,
        split_key REAL NOT NULL,
        revision INTEGER NOT NULL DEFAULT 1,
        deleted INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE blocks (block INTEGER PRIMARY KEY, present INTEGER NOT NULL, held_out INTEGER NOT NULL);
    CREATE TABLE refused (
        refused_id INTEGER PRIMARY KEY,
        number INTEGER NOT NULL,
        field TEXT,
        cause TEXT NOT NULL,
        details TEXT NOT NULL,
        raw TEXT NOT NULL
    );
    CREATE TABLE changes (
        change_id INTEGER PRIMARY KEY,
        deed TEXT NOT NULL UNIQUE,
        action TEXT NOT NULL,
        row_id INTEGER,
        before TEXT,
        after TEXT,
        undoes INTEGER REFERENCES changes (change_id),
        person TEXT NOT NULL,
        time TEXT NOT NULL
    );
    CREATE INDEX changes_undoes ON changes (undoes) WHERE undoes IS NOT NULL
    """,
    """
    CREATE TABLE row_tags (row_id INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (row_id, tag)) WITHOUT ROWID;
    CREATE INDEX row_tags_tag ON row_tags (tag);
    CREATE TABLE findings (
        finding_id INTEGER PRIMARY KEY,
        check_name TEXT NOT NULL,
        code TEXT NOT NULL,
        row_id INTEGER,
        revision INTEGER,
        details TEXT NOT NULL
    );
    CREATE INDEX findings_row ON findings (row_id) WHERE row_id IS NOT NULL;
    CREATE INDEX findings_check ON findings (check_name, code, row_id);
    CREATE TABLE row_lengths (
        base TEXT NOT NULL,
        row_id INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        trained INTEGER NOT NULL,
        PRIMARY KEY (base, row_id)
    ) WITHOUT ROWID;
    CREATE TABLE change_rows (
        change_id INTEGER NOT NULL REFERENCES changes (change_id),
        row_id INTEGER NOT NULL,
        before TEXT,
        after TEXT,
        PRIMARY KEY (change_id, row_id)
    ) WITHOUT ROWID
    """,
    """
    ALTER TABLE row_lengths ADD COLUMN first INTEGER;
    ALTER TABLE row_lengths ADD COLUMN spans TEXT NOT NULL DEFAULT '[]';
    CREATE INDEX row_lengths_tokens ON row_lengths (base, tokens)
    """,
    """
    ALTER TABLE rows ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rows ADD COLUMN characters INTEGER;
    CREATE INDEX rows_changed ON rows (changed, row_id) WHERE changed > 0;
    CREATE INDEX rows_characters ON rows (characters, row_id) WHERE deleted = 0;
    CREATE INDEX rows_unmeasured ON rows (row_id) WHERE characters IS NULL;
    UPDATE rows SET changed = COALESCE((
        SELECT MAX(change_id) FROM changes WHERE changes.row_id = rows.row_id AND action IN ('edit', 'add')
        AND NOT EXISTS (SELECT 1 FROM changes AS later WHERE later.undoes = changes.change_id)
    ), 0) WHERE revision > 1 OR row_id IN (SELECT row_id FROM changes WHERE action = 'add')
    """,
    """
    CREATE TABLE check_runs (
        check_name TEXT PRIMARY KEY,
        time TEXT NOT NULL,
        job_id TEXT NOT NULL,
        rows INTEGER NOT NULL,
        seconds REAL NOT NULL,
        last_change INTEGER NOT NULL,
        settings TEXT NOT NULL,
        missing TEXT
    ) WITHOUT ROWID;
    CREATE TABLE ignored (
        ignored_id INTEGER PRIMARY KEY,
        check_name TEXT NOT NULL,
        code TEXT NOT NULL,
        row_id INTEGER,
        details TEXT,
        reason TEXT NOT NULL,
        person TEXT NOT NULL,
        time TEXT NOT NULL,
        taken_back TEXT
    );
    CREATE INDEX ignored_standing ON ignored (check_name, code, row_id) WHERE taken_back IS NULL;
    CREATE VIEW open_findings AS
        SELECT findings.* FROM findings LEFT JOIN rows ON rows.row_id = findings.row_id
        WHERE (findings.row_id IS NULL OR (rows.deleted = 0 AND rows.revision = findings.revision))
        AND NOT EXISTS (
            SELECT 1 FROM ignored WHERE ignored.check_name = findings.check_name AND ignored.code = findings.code
            AND ignored.taken_back IS NULL
            AND (ignored.row_id IS NULL OR (ignored.row_id = findings.row_id AND ignored.details = findings.details))
        )
    """,
    """
    ALTER TABLE refused ADD COLUMN place INTEGER;
    ALTER TABLE refused ADD COLUMN is_whole INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE refused ADD COLUMN file TEXT;
    CREATE TABLE refused_settled (
        refused_id INTEGER PRIMARY KEY REFERENCES refused (refused_id),
        row_id INTEGER,
        person TEXT NOT NULL,
        time TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE proposals (
        proposal_id INTEGER PRIMARY KEY,
        job_id TEXT NOT NULL,
        record TEXT NOT NULL,
        origin TEXT NOT NULL,
        problems TEXT NOT NULL,
        similarity REAL NOT NULL,
        state TEXT NOT NULL,
        person TEXT,
        decided TEXT,
        row_id INTEGER
    );
    CREATE INDEX proposals_state ON proposals (state, proposal_id)
    """,
    """
    DROP INDEX rows_changed;
    CREATE INDEX rows_edited ON rows (changed DESC, row_id) WHERE deleted = 0
    """,
    count_uncounted,
)

_COPIED_PAGES = 1024
"""4 MB at a time: a stop is heard within some milliseconds."""

_ID = re.compile(r"d-[0-9a-f]{16}")
SUFFIX = ".db"


def is_dataset_id(text: object) -> bool:
    return isinstance(text, str) and _ID.fullmatch(text) is not None


@contextmanager
def open_dataset(path: Path, wait: Callable[[], None] | None = None) -> Iterator[sqlite3.Connection]:
    """wait: as of `open_database`. Raises FileUnreadable where the file is gone: SQLite would make an empty one in its place."""
    if not path.is_file():
        raise FileUnreadable(file=path.name, row=None, cause="database_missing")
    with open_database(path, MIGRATIONS, wait) as connection:
        yield connection


@contextmanager
def build_dataset(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a file that appears under `path` only when the block ends well; else nothing is left of it.

    Stands inside `held_dataset`, so that nobody takes the `.part` for abandoned.
    """
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        # Nobody else reads the file before it is whole, and a torn one is removed: no journal, one sync at the end.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -65536"):
            connection.execute(f"PRAGMA {pragma}")
        migrate(connection, part.name, MIGRATIONS)
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
        connection.close()
        _sync(part)
        part.rename(path)
        _sync(path.parent)
    except sqlite3.OperationalError as problem:
        if problem.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise DiskFull(free_bytes=None) from problem
        raise
    finally:
        connection.close()
        part.unlink(missing_ok=True)


def copy_dataset(source: sqlite3.Connection, path: Path, tell: Callable[[int, int], None]) -> None:
    """A copy of an open dataset's file as it stands, changes included; it appears under `path` when it is complete.

    tell: told the bytes done and in all; what it raises ends the copy, and nothing is left of it. Stands inside
    `held_dataset`.
    """
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    page_bytes = source.execute("PRAGMA page_size").fetchone()[0]
    target = sqlite3.connect(part, isolation_level=None)
    try:
        for pragma in ("journal_mode = OFF", "synchronous = OFF"):  # a torn copy is removed: one sync at the end
            target.execute(f"PRAGMA {pragma}")
        source.execute("BEGIN")
        source.backup(
            target,
            pages=_COPIED_PAGES,
            progress=lambda _, left, total: tell((total - left) * page_bytes, total * page_bytes),
        )
        source.execute("ROLLBACK")
        target.close()
        _sync(part)
        part.rename(path)
        _sync(path.parent)
    except sqlite3.OperationalError as problem:
        if problem.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise DiskFull(free_bytes=None) from problem
        raise
    finally:
        target.close()
        for suffix in (".part", ".part-journal", ".part-wal", ".part-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def held_dataset(path: Path) -> Iterator[None]:
    """Marks a dataset as being made by this process, from before its file exists until it is in the catalogue."""
    lock = _lock_path(path)
    lock.parent.mkdir(parents=True, exist_ok=True)
    handle = _taken(lock)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)


def remove_dataset(path: Path) -> None:
    """Its map of placeholders goes first: while the file is there, what a kill leaves is still found."""
    masks = masks_path(path.parent.parent, path.name.removesuffix(SUFFIX))
    for suffix in (".part", ""):
        masks.with_name(masks.name + suffix).unlink(missing_ok=True)
    for suffix in ("", "-wal", "-shm", ".part", ".part-journal", ".part-wal", ".part-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def remove_abandoned(folder: Path, is_known: Callable[[str], bool]) -> list[str]:
    """Remove what killed imports and half-done deletions left: files that nobody holds and the catalogue lacks.

    is_known: asked after a file was seen to be held by nobody, since its maker enters it into the catalogue while
    holding it. Returns the ids that were removed.
    """
    removed = []
    found = sorted({path.name.split(".")[0] for path in folder.glob("d-*")}) if folder.is_dir() else []
    for dataset_id in filter(is_dataset_id, found):
        path = folder / (dataset_id + SUFFIX)
        try:
            handle = os.open(_lock_path(path), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            handle = None
        try:
            if handle is not None and not try_lock(handle):
                continue
            if not is_known(dataset_id):
                remove_dataset(path)
                removed.append(dataset_id)
            if handle is not None:
                _lock_path(path).unlink(missing_ok=True)
        finally:
            if handle is not None:
                os.close(handle)
    return removed


def _taken(lock: Path) -> int:
    """A handle that holds the lock. Tried again where a cleaner removed the file before it was held."""
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if try_lock(handle) and os.fstat(handle).st_nlink:
            return handle
        os.close(handle)


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(SUFFIX) + ".lock")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
