"""Datasets outlive every kill: what was acknowledged is on the disk, and nothing is there by half."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from studio.people import Person
from tests.process.data_kills import Account, check, prepare, run_campaign


def test_no_acknowledged_change_is_lost_and_none_is_half_done(root: Path, mark: str):
    """Three kills here; WHETSTONE_KILLS asks for more."""
    kills = int(os.environ.get("WHETSTONE_KILLS", "3"))
    account = run_campaign(kills, seed=kills, root=root, mark=mark)
    assert sum(account.mid.values())


def test_a_lost_and_a_half_done_change_would_be_seen(root: Path, mark: str, person: Person):
    dataset = prepare(root)
    with pytest.raises(AssertionError, match="bulk-never was acknowledged and is lost"):
        check(root, dataset, Account(["bulk-never"]))
    with closing(sqlite3.connect(person.workspace / "datasets" / f"{dataset}.db")) as connection:
        connection.execute(
            "INSERT INTO changes (deed, action, after, person, time) VALUES ('bulk-half', 'replace_text', '{\"rows\": 2}', '', '')"
        )
        connection.commit()
    with pytest.raises(AssertionError, match="bulk-half is half done"):
        check(root, dataset, Account())
