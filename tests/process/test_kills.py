"""The app killed, interrupted and started again; and everything killed at random moments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.jobs.log import read_events
from tests.process.app_process import AppProcess
from tests.process.kill_campaign import run_campaign
from tests.process.worker_kinds import MODULE
from tests.processes import wait_for


def test_a_job_outlives_a_killed_app_and_what_waited_starts_with_the_next(root: Path, mark: str):
    app = AppProcess(root, MODULE)
    running = app.submit("train", steps=120)
    waiting = app.submit("train", steps=2)
    wait_for(lambda: running.state().status == "running")
    app.kill()
    wait_for(lambda: running.state().is_ended)
    assert running.state().status == "finished"
    assert waiting.state().status == "queued"
    again = AppProcess(root, MODULE)
    wait_for(lambda: waiting.state().is_ended)
    again.close()
    assert waiting.state().status == "finished"


def test_an_interrupt_in_the_apps_terminal_does_not_reach_its_jobs(root: Path, mark: str):
    app = AppProcess(root, MODULE, "--spare")
    folder = app.submit("train", steps=100)
    wait_for(lambda: folder.state().status == "running")
    app.interrupt()
    wait_for(lambda: folder.state().is_ended)
    assert folder.state().status == "finished"


def test_an_app_killed_between_two_jobs_leaves_no_spare(root: Path, mark: str):
    app = AppProcess(root, MODULE, "--spare")
    folder = app.submit("train", steps=1)
    wait_for(lambda: folder.state().is_ended)
    app.kill()


def test_every_kill_ends_in_a_true_state(root: Path, mark: str):
    """Six kills here; WHETSTONE_KILLS asks for more."""
    kills = int(os.environ.get("WHETSTONE_KILLS", "6"))
    counts = run_campaign(kills, seed=kills, mark=mark, root=root)
    assert sum(counts.values()) == kills


def test_a_log_written_by_a_killed_worker_is_whole(root: Path, mark: str, request: pytest.FixtureRequest):
    app = AppProcess(root, MODULE)
    request.addfinalizer(app.close)
    folder = app.submit("train", steps=2000, interval_s=0.0)
    wait_for(lambda: len(read_events(folder.events_path)[0]) > 100)
    os.kill(folder.state().started["pid"], 9)
    wait_for(lambda: folder.state().is_ended)
    events, offset = read_events(folder.events_path)
    assert offset == folder.events_path.stat().st_size
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
