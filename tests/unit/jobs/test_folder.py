"""A job's folder: how it stands, told from its files and its lock alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.errors import JobNotFound, JobRunning
from studio.events import Finished, Notice, Started, Step
from studio.jobs.folder import JobFolder, create_job
from studio.jobs.lease import take_lock
from studio.jobs.log import LogWriter, read_events, read_last_event
from studio.jobspec import JobSpec

SPEC = JobSpec(
    id="20260101T000000000Z-train-a",
    kind="train",
    lane="device",
    owner="local",
    title="A",
    created="2026-01-01T00:00:00.000Z",
    deed="deed",
    options={"rank": 8},
)
STARTED = Started(1, 1.0, "cpu", {})
STEP = Step(7, 9, 0.5, 1.0, 1e-4, None, 10, None, None)


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    return tmp_path / "people" / "local" / "jobs"


@pytest.fixture
def folder(jobs: Path) -> JobFolder:
    return create_job(SPEC, jobs)


@pytest.fixture
def write(folder: JobFolder) -> Callable:
    return LogWriter(folder.events_path).write


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 kB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small disk cannot be mounted here (it takes root)")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_new_job_is_complete_and_queued(folder: JobFolder, jobs: Path):
    assert folder.spec == SPEC
    assert folder.workspace == jobs.parent
    assert folder.state().status == "queued"
    assert [path.name for path in jobs.iterdir()] == [SPEC.id]


def test_an_id_is_given_once_and_a_refusal_leaves_nothing(folder: JobFolder, jobs: Path):
    with pytest.raises(FileExistsError):
        create_job(SPEC, jobs)
    assert [path.name for path in jobs.iterdir()] == [SPEC.id]


def test_a_job_is_starting_when_a_keeper_has_its_lock(folder: JobFolder):
    lock = take_lock(folder.path / "lock")
    assert folder.state().status == "starting"
    assert folder.is_held()
    os.close(lock)
    assert not folder.is_held()


def test_a_job_runs_while_its_lock_is_held_and_is_lost_when_it_is_not(folder: JobFolder, write: Callable):
    lock = take_lock(folder.path / "lock")
    write(STARTED)
    write(STEP)
    (folder.path / "output.log").write_text("its last words\n")
    assert folder.state().status == "running"
    folder.ask_stop()
    assert folder.state().status == "stopping"
    os.close(lock)
    state = folder.state()
    assert (state.status, state.ended["code"]) == ("failed", "JobLost")
    assert state.ended["values"] == {"last_event": "step", "log_tail": "its last words"}
    assert read_events(folder.events_path)[0][-1] == state.ended


def test_a_lost_job_is_told_once_by_many_who_look_at_once(folder: JobFolder, write: Callable):
    (folder.path / "lock").touch()
    write(STARTED)
    gate = threading.Barrier(6)

    def look() -> None:
        gate.wait()
        while not JobFolder(folder.path).state().is_ended:
            pass

    lookers = [threading.Thread(target=look) for _ in range(6)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert [e["kind"] for e in read_events(folder.events_path)[0]].count("failed") == 1


def test_a_notice_as_the_last_event_does_not_hide_that_the_job_started(folder: JobFolder, write: Callable):
    lock = take_lock(folder.path / "lock")
    write(STARTED)
    write(Notice("info", "x", {}))
    assert folder.state().status == "running"
    os.close(lock)
    assert folder.state().ended["values"]["last_event"] == "notice"


def test_an_ending_in_the_log_counts_whoever_holds_the_lock(folder: JobFolder, write: Callable):
    lock = take_lock(folder.path / "lock")
    write(STARTED)
    write(Finished(None, 1.0, {}))
    assert folder.state().status == "finished"
    os.close(lock)


def test_a_queued_job_that_is_stopped_ends_at_once(folder: JobFolder):
    folder.ask_stop()
    state = folder.state()
    assert (state.status, state.ended["step"], state.started) == ("stopped", 0, None)


def test_a_stop_while_a_keeper_starts_is_left_to_the_keeper(folder: JobFolder):
    lock = take_lock(folder.path / "lock")
    folder.ask_stop()
    assert folder.stop_path.exists()
    assert not folder.state().is_ended
    os.close(lock)


def test_an_ended_job_stays_as_it_is_when_asked_to_stop(folder: JobFolder, write: Callable):
    write(STARTED)
    write(Finished(None, 1.0, {}))
    folder.ask_stop()
    assert not folder.stop_path.exists()
    assert folder.state().status == "finished"


def test_a_job_that_is_held_is_not_deleted(folder: JobFolder, write: Callable):
    lock = take_lock(folder.path / "lock")
    write(STARTED)
    with pytest.raises(JobRunning):
        folder.delete()
    os.close(lock)
    folder.delete()
    assert not folder.path.exists()


def test_a_folder_without_a_readable_spec_is_no_job(jobs: Path):
    empty = JobFolder(jobs / "20260101T000000000Z-train-b")
    with pytest.raises(JobNotFound):
        _ = empty.spec


def test_the_ending_is_still_written_on_a_full_disk(small_disk: Path):
    folder = lost_job_on_full_disk(small_disk)
    assert (folder.path / "reserve").exists()
    assert folder.state().ended["code"] == "JobLost"
    assert read_last_event(folder.events_path)["kind"] == "failed"


def test_on_a_disk_with_no_room_for_an_ending_the_state_is_still_true(small_disk: Path):
    folder = lost_job_on_full_disk(small_disk, "reserve")
    assert (folder.state().status, folder.state().ended["code"]) == ("failed", "DiskFull")
    (small_disk / "filler").unlink()
    assert folder.state().ended["code"] == "JobLost"


def lost_job_on_full_disk(disk: Path, *missing: str) -> JobFolder:
    """A job that started and lost its processes; its log ends one byte before its last block does."""
    folder = create_job(SPEC, disk)
    for name in missing:
        (folder.path / name).unlink()
    (folder.path / "lock").touch()
    log = LogWriter(folder.events_path)
    log.write(STARTED)
    log.write(Notice("info", "padding", {"text": ""}))
    block_bytes = os.statvfs(disk).f_bsize
    log.close()
    text = folder.events_path.read_text()
    padding = "x" * (-len(text) % block_bytes - 1)
    folder.events_path.write_text(text.replace('"text":""', f'"text":"{padding}"'))
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 512)
        except OSError:
            return folder
