"""A root whose disk cannot hold databases: worked on elsewhere, copied whole, and brought back."""

from __future__ import annotations

import errno
import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from studio.store.storage import Storage, can_hold_databases


def count(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT count(*) FROM rows").fetchone()[0]


@pytest.fixture
def deaf_locks(monkeypatch):
    """As on some disks of a network: every lock is granted at once, to everybody."""
    monkeypatch.setattr(fcntl, "flock", lambda file, how: None)


@pytest.fixture
def storage(tmp_path, deaf_locks):
    made = Storage(tmp_path / "kept", tmp_path / "local")
    made.open()
    yield made
    made.close()


def write_rows(root: Path, rows: int) -> sqlite3.Connection:
    """A database that stays open with rows in its log alone."""
    (root / "people" / "ann").mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(root / "people" / "ann" / "studio.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    with connection:
        connection.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER)")
        connection.executemany("INSERT INTO rows VALUES (?)", ((n,) for n in range(rows)))
    return connection


def test_a_disk_of_this_machine_is_used_as_it_is(tmp_path):
    storage = Storage(tmp_path / "root", tmp_path / "local")
    storage.open()
    assert not storage.is_copied and storage.root == tmp_path / "root"
    storage.close()
    assert list((tmp_path / "root").iterdir()) == [], "the probe leaves nothing"


def test_locks_that_hold_nobody_back_or_fail_are_found_out(tmp_path, monkeypatch):
    assert can_hold_databases(tmp_path)
    monkeypatch.setattr(fcntl, "flock", lambda file, how: None)
    assert not can_hold_databases(tmp_path)

    def refuse(file, how):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert not can_hold_databases(tmp_path)


def test_a_database_in_use_is_copied_whole_with_what_stands_in_its_log(storage):
    with closing(write_rows(storage.root, 1000)) as connection:
        assert (storage.root / "people/ann/studio.db-wal").stat().st_size > 0
        storage.save()
        copied = storage.kept / "people/ann/studio.db"
        assert count(copied) == 1000
        with connection:
            connection.execute("INSERT INTO rows VALUES (1000)")
        storage.save()
        assert count(copied) == 1001
    assert sorted(path.name for path in copied.parent.iterdir()) == ["studio.db"]


def test_files_follow_and_what_is_gone_goes(storage):
    job = storage.root / "people/ann/jobs/one"
    job.mkdir(parents=True)
    (job / "events.jsonl").write_text("1\n")
    (storage.root / "app.lock").write_text("x")
    (storage.root / "gradio").mkdir()
    (storage.root / "gradio" / "upload").write_text("x")
    storage.save()
    kept = storage.kept / "people/ann/jobs/one/events.jsonl"
    assert kept.read_text() == "1\n"
    assert sorted(path.name for path in storage.kept.iterdir()) == ["copy.mark", "people"]
    (job / "events.jsonl").write_text("1\n2\n")
    storage.save()
    assert kept.read_text() == "1\n2\n"
    (job / "events.jsonl").unlink()
    storage.save()
    assert not (storage.kept / "people").exists()


def test_a_fresh_machine_gets_what_was_kept(storage, tmp_path):
    write_rows(storage.root, 10).close()
    storage.save()
    other = Storage(storage.kept, tmp_path / "elsewhere")
    other.open()
    assert count(other.root / "people/ann/studio.db") == 10
    other.close()


def test_after_a_crash_the_stand_in_is_newer_than_its_copy(storage, tmp_path):
    """And what was removed before the crash does not come back."""
    (storage.root / "old.txt").write_text("old")
    storage.save()
    (storage.root / "old.txt").unlink()
    (storage.root / "new.txt").write_text("new")
    again = Storage(storage.kept, tmp_path / "local")
    again.open()
    assert (again.root / "new.txt").read_text() == "new"
    again.save()
    assert (storage.kept / "new.txt").exists() and not (storage.kept / "old.txt").exists()
    again.close()


def test_a_stand_in_that_somebody_else_has_copied_over_since_is_replaced(storage, tmp_path):
    (storage.root / "mine.txt").write_text("mine")
    storage.save()
    other = Storage(storage.kept, tmp_path / "elsewhere")
    other.open()
    (other.root / "theirs.txt").write_text("theirs")
    other.close()
    again = Storage(storage.kept, tmp_path / "local")
    (again.root / "stale.txt").write_text("stale")
    again.open()
    assert sorted(path.name for path in again.root.glob("*.txt")) == ["mine.txt", "theirs.txt"]
    again.close()


def test_a_copy_that_fails_is_known_until_one_succeeds(storage):
    """A folder stands where a file has to go."""
    (storage.root / "notes.txt").write_text("x")
    (storage.kept / "notes.txt" / "in the way").mkdir(parents=True)
    storage._try_save()
    assert "notes.txt" in storage.problem
    (storage.kept / "notes.txt" / "in the way").rmdir()
    (storage.kept / "notes.txt").rmdir()
    storage._try_save()
    assert storage.problem is None and (storage.kept / "notes.txt").read_text() == "x"
