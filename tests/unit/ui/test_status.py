"""What the status pill is told of a running job: all of one's own, of somebody else's only that it is there."""

from __future__ import annotations

import os
import threading

import pytest

from studio.events import Progress, Started, Step
from studio.jobs.ending import LOCK_NAME
from studio.jobs.folder import create_job
from studio.jobs.lease import take_lock
from studio.jobs.log import LogWriter
from studio.jobspec import JobSpec
from studio.people import person_from
from studio.ui.routes import Once, running_job


@pytest.fixture
def job(person):
    """A job that runs: its lock is held, here by the test."""
    spec = JobSpec(id="20260101T000000000Z-train-x", kind="train", lane="device", owner=person.id, title="polite v4",
                   created="2026-01-01T00:00:00.000Z", deed="d", options={})  # fmt: skip
    folder = create_job(spec, person.workspace / "jobs")
    (folder.path / LOCK_NAME).touch()
    lock = take_lock(folder.path / LOCK_NAME)
    yield folder
    os.close(lock)


def write(job, *events) -> None:
    log = LogWriter(job.events_path)
    for event in events:
        log.write(event)
    log.close()


def test_the_fraction_comes_from_the_last_event_that_has_one(job, person):
    assert running_job(job, person)["fraction"] is None
    write(job, Started(1, 0.0, "cpu", {}), Progress(30, 120, "rows"))
    assert running_job(job, person) == {"id": job.id, "kind": "train", "title": "polite v4", "fraction": 0.25}
    write(job, Step(41, 82, 0.5, 0.4, 2e-3, 1.0, 100, 10.0, None))
    assert running_job(job, person)["fraction"] == 0.5


def test_a_total_that_is_not_known_gives_no_fraction(job, person):
    write(job, Started(1, 0.0, "cpu", {}), Progress(30, None, "rows"))
    assert running_job(job, person)["fraction"] is None


def test_of_somebody_elses_job_nothing_but_its_being_there_is_told(job, settings):
    other = person_from("bob", {}, {}, settings)
    assert set(running_job(job, other).values()) == {None}


def test_once_is_once_however_often_it_is_asked():
    done, count = threading.Event(), []
    once = Once(0.0, lambda: (count.append(1), done.set()))
    for _ in range(5):
        once.ask()
    assert done.wait(5)
    once.ask()
    assert count == [1]
