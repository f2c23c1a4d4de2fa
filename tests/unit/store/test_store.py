"""The files behind datasets: built whole or not at all, upgraded by numbered steps, paged by counted blocks."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from pathlib import Path

import orjson
import pytest

from studio.data.selection import Selection
from studio.errors import DatabaseBusy, FileUnreadable, NotYours
from studio.store.catalogue import VersionEntry, open_catalogue
from studio.store.connection import migrate, open_database, transaction
from studio.store.dataset_file import (
    BLOCK_ROWS,
    MIGRATIONS,
    build_dataset,
    held_dataset,
    open_dataset,
    remove_abandoned,
)
from studio.store.selecting import Selector
from studio.store.table import Table

RECORD = '{"messages":[]}'


def build(path: Path, keys: list[float], threshold: float) -> Path:
    with build_dataset(path) as connection:
        table = Table(connection)
        table.insert((n, "conversation", RECORD, "{}", key) for n, key in enumerate(keys, 1))
        table.recount(threshold)
    return path


# Files ----------------------------------------------------------------------------------------------------------------


def test_a_dataset_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "d-0000000000000001.db"
    with pytest.raises(KeyError), build_dataset(path) as connection:
        Table(connection).insert([(1, "conversation", RECORD, "{}", 0.5)])
        assert [p.name for p in tmp_path.iterdir()] == [f"{path.name}.part"]
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    build(path, [0.5], 0.1)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_is_being_made_is_not_taken_for_abandoned(tmp_path):
    path = tmp_path / "d-0000000000000001.db"
    with held_dataset(path):
        build(path, [0.5], 0.1)
        assert remove_abandoned(tmp_path, lambda _: False) == []
        assert path.exists()
    assert remove_abandoned(tmp_path, lambda _: True) == []
    assert remove_abandoned(tmp_path, lambda _: False) == ["d-0000000000000001"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_a_newer_version_and_a_damaged_one_are_refused_with_words(tmp_path):
    path = build(tmp_path / "d-0000000000000001.db", [0.5], 0.1)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(FileUnreadable) as newer, open_dataset(path):
        pass
    assert newer.value.values["cause"] == "database_newer"
    path.write_bytes(b"no database at all, but long enough to be looked at " * 100)
    with pytest.raises(FileUnreadable) as damaged, open_dataset(path):
        pass
    assert damaged.value.values["cause"] == "database_damaged"


def test_migrations_run_once_each_in_order_also_when_many_open_a_file_at_once(tmp_path):
    steps = ["CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"]
    path = tmp_path / "x.db"
    failures = []
    start = threading.Barrier(8)

    def upgrade() -> None:
        start.wait()
        try:
            with open_database(path, steps):
                pass
        except Exception as problem:  # noqa: BLE001 - seen by the assertion below
            failures.append(problem)

    for _ in range(20):  # without waiting for the journal, one of about 700 was refused
        path.unlink(missing_ok=True)
        threads = [threading.Thread(target=upgrade) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        with open_database(path, steps) as connection:
            assert [row[0] for row in connection.execute("SELECT n FROM t")] == [1, 2]
            assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_migration_that_fails_changes_nothing(tmp_path):
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, "x.db", ["CREATE TABLE t (n INTEGER)", "CREATE TABLE u (n INTEGER); NONSENSE"])
    assert connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0
    connection.close()


@pytest.mark.parametrize("seen", [3, 8])
def test_rows_of_a_file_from_before_characters_were_counted_are_found_by_their_length(seen, tmp_path):
    """seen: migrations that the file has: the fourth brought the column, and nothing counted until the ninth."""
    path = tmp_path / "d-0000000000000001.db"
    old = sqlite3.connect(path, isolation_level=None)
    migrate(old, path.name, MIGRATIONS[:seen])
    for number, text in enumerate(["茶茶茶", "", "tea"], 1):
        record = orjson.dumps({"text": text}).decode()
        old.execute("INSERT INTO rows (row_id, kind, record, meta, split_key) VALUES (?, 'document', ?, '{}', 0.5)",
                    (number, record))  # fmt: skip
    old.execute("UPDATE rows SET deleted = 1 WHERE row_id = 3")
    old.close()
    with open_dataset(path) as connection:
        table = Table(connection)
        assert [table.row(row_id).characters for row_id in (1, 2, 3)] == [3, 0, 3], "also of one that may come back"
        assert [row.row_id for row in table.page_by_length(0, 9, descending=True)] == [1, 2]
        found = Selector(connection, Selection.from_json({"max_length": 2})).find(None)
        assert list(found.row_ids) == [2]


def test_a_transaction_that_raises_leaves_no_trace(tmp_path):
    path = build(tmp_path / "d-0000000000000001.db", [0.5], 0.1)
    with open_dataset(path) as connection:
        with pytest.raises(KeyError), transaction(connection):
            Table(connection).append("conversation", RECORD, "{}", 0.2)
            raise KeyError
        assert Table(connection).counts() == (1, 0)


def test_whoever_waits_for_a_large_change_is_told_so_soon_and_a_job_waits_as_long_as_it_takes(tmp_path, monkeypatch):
    """The other one commits when the job looks for the third time whether it was stopped."""
    monkeypatch.setattr("studio.store.connection.BUSY_TIMEOUT_S", 0.02)
    monkeypatch.setattr("studio.store.connection._WAIT_MS", 20)
    path = build(tmp_path / "d-0000000000000001.db", [0.5], 0.1)
    looked = []

    def wait() -> None:
        looked.append(len(looked))
        if len(looked) == 3:
            other.execute("COMMIT")
        if len(looked) > 3:
            raise KeyError

    with open_dataset(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy), open_dataset(path) as person, transaction(person):
            pass
        with open_dataset(path, wait) as job:
            with transaction(job):
                Table(job).write_facts({"written": True})
            assert job.execute("PRAGMA busy_timeout").fetchone()[0] == 20, "its other statements wait as before"
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(KeyError), open_dataset(path, wait) as job, transaction(job):
            pass
        other.execute("ROLLBACK")
        assert Table(other).fact("written") is True and looked == [0, 1, 2, 3]


# Pages ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", [None, "train", "held_out"])
def test_pages_positions_and_counts_agree_with_a_plain_list(split, tmp_path):
    """2,700 rows in three blocks, of which 900 are deleted at random, a whole block among them, and three are added."""
    chance = random.Random(7)
    keys = [chance.random() for _ in range(2 * BLOCK_ROWS + 700)]
    path = build(tmp_path / "d-0000000000000001.db", keys, 0.25)
    gone = set(range(BLOCK_ROWS, 2 * BLOCK_ROWS)) - {BLOCK_ROWS + 5} | set(chance.sample(range(1, BLOCK_ROWS), 300))
    with open_dataset(path) as connection:
        table = Table(connection)
        with transaction(connection):
            for row_id in gone:
                table.mark_deleted(row_id, True)
            for key in (0.1, 0.9, 0.2):
                keys.append(key)
                assert table.append("conversation", RECORD, "{}", key) == len(keys)
                table.recount_blocks([table.block_of(len(keys))])
        kept = [(n, key) for n, key in enumerate(keys, 1) if n not in gone]
        expected = [n for n, key in kept if split is None or (key <= 0.25) == (split == "held_out")]
        assert table.counts() == (len(kept), sum(key <= 0.25 for _, key in kept))
        for first in (0, 1, 49, 650, len(expected) - 3, len(expected), len(expected) + 9):
            assert [row.row_id for row in table.page(first, 50, split)] == expected[first : first + 50], first
        everybody = [n for n, _ in kept]
        for place in (0, 400, len(everybody) - 1):
            assert table.position(everybody[place]) == place + 1
            before, after = table.neighbours(everybody[place])
            assert before == (everybody[place - 1] if place else None)
            assert after == (everybody[place + 1] if place + 1 < len(everybody) else None)


def test_a_search_that_runs_out_of_time_or_is_stopped_says_so(tmp_path):
    path = build(tmp_path / "d-0000000000000001.db", [0.5] * 50_000, 0.1)
    with open_dataset(path) as connection:
        search = Selector(connection, Selection(query="nothing"))
        assert not search.find(limit_s=-1.0).complete
        assert not search.find(is_stopped=lambda: True).complete
        assert search.find().complete
        assert len(Table(connection).page(0, 50)) == 50, "the next statement is not cut off"


def test_a_search_by_a_pattern_ends_in_time_also_in_the_midst_of_a_row(tmp_path):
    """Each text of 26 letters takes the pattern milliseconds, all of them take it minutes."""
    hard = {"role": "user", "content": "a" * 26}
    long_row = {"messages": [hard] * 20_000}
    for number, records in enumerate(([{"text": "a" * 26}] * 20_000, [long_row])):
        path = tmp_path / f"d-000000000000000{number}.db"
        with build_dataset(path) as connection:
            table = Table(connection)
            table.insert((n, "document", orjson.dumps(record), "{}", 0.5) for n, record in enumerate(records, 1))
            table.recount(0.1)
        with open_dataset(path) as connection:
            search = Selector(connection, Selection(query="(a|aa)+b", is_regex=True))
            looks = iter([False] * 5)
            for limit in ({"limit_s": 0.1}, {"is_stopped": lambda looks=looks: next(looks, True)}):
                began_s = time.monotonic()
                assert not search.find(**limit).complete
                assert time.monotonic() - began_s < 5


def test_a_reader_sees_the_rows_of_its_moment_while_another_writes(tmp_path):
    path = build(tmp_path / "d-0000000000000001.db", [0.5] * 3, 0.1)
    with open_dataset(path) as reader, open_dataset(path) as writer:
        reader.execute("BEGIN")
        assert Table(reader).counts() == (3, 0)
        with transaction(writer):
            Table(writer).append("conversation", RECORD, "{}", 0.9)
        assert len(list(Table(reader).iterate())) == 3
        reader.execute("COMMIT")
        assert len(list(Table(reader).iterate())) == 4


# Catalogue ------------------------------------------------------------------------------------------------------------


def test_versions_are_numbered_per_dataset_and_the_same_content_once(tmp_path):
    from studio.store.catalogue import DatasetEntry

    def entry(dataset_id: str, content: str, change: int) -> VersionEntry:
        return VersionEntry(dataset_id, 0, content * 32, "tea", "conversation", 3, 1, "", f"2026-01-0{change}", change)

    with open_catalogue(tmp_path) as catalogue:
        for dataset_id in ("a", "b"):
            catalogue.insert_dataset(DatasetEntry(dataset_id, dataset_id, "conversation", {}, "j", "2026"))
        saved = [catalogue.insert_version(entry(*given)) for given in
                 [("a", "1", 1), ("a", "2", 2), ("b", "1", 3), ("a", "1", 4)]]  # fmt: skip
        assert [(v.dataset_id, v.number, v.last_change) for v in saved] == [
            ("a", 1, 1),
            ("a", 2, 2),
            ("b", 1, 3),
            ("a", 1, 4),
        ]
        assert [v.number for v in catalogue.versions("a")] == [2, 1]
        assert catalogue.delete_dataset("a", kept={"2" * 32}) == [], "dataset b still needs the file of version 1"
        assert [(v.dataset_id, v.number) for v in catalogue.versions()] == [("b", 1), ("a", 2)]
        assert catalogue.delete_dataset("b", kept=set()) == ["1" * 32]


def test_the_files_of_a_workspace_are_for_its_owner_alone(tmp_path):
    with open_catalogue(tmp_path / "people" / "me"):
        pass
    assert (tmp_path / "people" / "me").stat().st_mode & 0o077 == 0


def test_a_deleted_version_gives_its_number_to_no_other_and_its_file_up_when_nobody_needs_it(tmp_path):
    from studio.store.catalogue import DatasetEntry

    def entry(dataset_id: str, content: str) -> VersionEntry:
        told = (dataset_id, 0, content * 32, "tea", "conversation", 3, 1, "", "2026-01-01", 1)
        return VersionEntry(*told, "me", {"facts": {"card": "茶"}})

    with open_catalogue(tmp_path) as catalogue:
        for dataset_id in ("a", "b"):
            catalogue.insert_dataset(DatasetEntry(dataset_id, dataset_id, "conversation", {}, "j", "2026"))
        for given in (("a", "1"), ("a", "2"), ("b", "2")):
            catalogue.insert_version(entry(*given))
        assert (catalogue.version("1" * 32).person, catalogue.version("1" * 32).about) == (
            "me",
            {"facts": {"card": "茶"}},
        )
        assert catalogue.delete_version("a", 2) is None, "dataset b still needs the file"
        assert catalogue.insert_version(entry("a", "3")).number == 3
        assert catalogue.delete_version("b", 1) == "2" * 32
        with pytest.raises(NotYours):
            catalogue.delete_version("a", 2)
