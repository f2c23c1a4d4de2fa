"""Votes outlive every kill of the app: what was acknowledged is on the disk, and nothing is counted twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.people import Person
from tests.preference_projects import make_project
from tests.process.vote_kills import Account, check_log, run_campaign


def test_no_acknowledged_vote_is_lost_and_none_is_doubled(root: Path, mark: str):
    """Three kills here; WHETSTONE_KILLS asks for more."""
    kills = int(os.environ.get("WHETSTONE_KILLS", "3"))
    account = run_campaign(kills, seed=kills, root=root)
    assert len(account.sent) >= 2 * kills


def test_a_lost_vote_would_be_seen(root: Path, person: Person):
    project = make_project(person)
    with pytest.raises(AssertionError, match="1 acknowledged votes are lost"):
        check_log(root, project, Account(acknowledged=["never-written"]))
