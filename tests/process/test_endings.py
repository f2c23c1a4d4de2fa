"""However a job ends, its log says so truly and no process is left."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studio.errors import WorkerLost
from studio.jobs.folder import JobFolder
from studio.jobs.log import read_events
from tests.process.conftest import Jobs
from tests.processes import marked_processes, wait_for


def kinds_of(folder: JobFolder) -> list[str]:
    return [event["kind"] for event in read_events(folder.events_path)[0]]


def worker_of(folder: JobFolder) -> psutil.Process:
    return psutil.Process(folder.state().started["pid"])


def test_a_job_finishes_with_every_event_numbered_in_order(jobs: Jobs, mark: str):
    folder = jobs.submit(steps=3)
    assert jobs.wait(folder).status == "finished"
    assert kinds_of(folder) == ["queued", "started", "phase", "step", "step", "step", "finished"]
    events, _ = read_events(folder.events_path)
    assert [event["seq"] for event in events] == list(range(1, 8))
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    assert folder.output_path.read_text() == "step 1\nstep 2\nstep 3\n"
    wait_for(lambda: not marked_processes(mark))


def test_a_function_that_returns_without_an_ending_has_finished(jobs: Jobs):
    assert jobs.ended(end="return").status == "finished"


def test_a_stopped_job_ends_where_it_was(jobs: Jobs):
    folder = jobs.running()
    jobs.studio.queue.stop(jobs.person, folder.id)
    state = jobs.wait(folder)
    assert (state.status, state.ended["step"]) == ("stopped", kinds_of(folder).count("step"))


def test_a_python_error_is_told_in_one_sentence_and_its_traceback_stays_in_the_log(jobs: Jobs):
    folder = jobs.submit(end="python_error")
    ended = jobs.wait(folder).ended
    assert ended["code"] == "PythonError"
    assert ended["values"] == {"type": "ZeroDivisionError", "text": "a number by nothing"}
    assert "Traceback" not in str(ended)
    assert "Traceback" in folder.log_tail()
    assert "raise ZeroDivisionError" in folder.log_tail()


def test_an_error_of_ours_keeps_its_code_and_values(jobs: Jobs):
    ended = jobs.ended(end="studio_error").ended
    assert (ended["code"], ended["values"]) == ("ModelNotFound", {"model": "nowhere"})


def test_too_little_memory_is_told_as_such(jobs: Jobs):
    assert jobs.ended(end="memory").ended["code"] == "OutOfMemory"


def test_a_full_disk_is_told_as_such(jobs: Jobs):
    ended = jobs.ended(end="disk").ended
    assert ended["code"] == "DiskFull"
    assert ended["values"]["free_bytes"] > 0


def test_a_worker_that_leaves_without_a_word_is_told_with_its_exit_code(jobs: Jobs):
    ended = jobs.ended(end="exit", print="the last thing it said").ended
    assert ended["code"] == "WorkerLost"
    assert (ended["values"]["exit_code"], ended["values"]["signal"]) == (7, None)
    assert ended["values"]["last_event"] == "phase"
    assert "the last thing it said" in ended["values"]["log_tail"]


def test_a_crash_is_told_with_its_signal(jobs: Jobs):
    values = jobs.ended(end="crash").ended["values"]
    assert (values["exit_code"], values["signal"]) == (None, "SIGSEGV")


def test_a_killed_worker_is_told_with_its_signal_and_memory_is_named_as_the_usual_cause(jobs: Jobs, mark: str):
    folder = jobs.running()
    worker_of(folder).kill()
    ended = jobs.wait(folder).ended
    assert (ended["code"], ended["values"]["signal"]) == ("WorkerLost", "SIGKILL")
    assert ended["values"]["last_event"] in ("step", "checkpoint")
    assert "memory" in ended["hint"]
    assert "メモリ" in WorkerLost(**ended["values"]).hint("ja")
    wait_for(lambda: not marked_processes(mark))


def test_a_worker_ended_by_the_kernel_for_its_memory_is_told_so(jobs: Jobs, memory_group: Path):
    """A real one: the worker is put into a control group of 192 MB and asks for 512."""
    folder = jobs.running(steps=100, end="eat")
    (memory_group / "cgroup.procs").write_text(str(folder.state().started["pid"]))
    ended = jobs.wait(folder).ended
    assert (ended["code"], ended["values"]["signal"]) == ("WorkerLost", "SIGKILL")
    assert ended["values"]["last_event"] == "phase"
    assert "memory" in ended["hint"]


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group of the kernel with 192 MB of memory, version 1 or 2."""
    for place, limit in (("memory", "memory.limit_in_bytes"), (".", "memory.max")):
        group = Path("/sys/fs/cgroup") / place / f"whetstone-{uuid.uuid4().hex[:8]}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(192 * 2**20))
        except OSError:
            group.rmdir()
            continue
        yield group
        wait_for(lambda: not (group / "cgroup.procs").read_text())  # noqa: B023
        group.rmdir()
        return
    pytest.skip("no memory group can be made here (it takes root)")


def test_the_tail_of_the_log_is_short_and_holds_no_secret(jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOME_API_KEY", "correct horse battery")
    folder = jobs.running(print="x" * 9000 + "\nwith correct horse battery and hf_abcdefghijklmnopqrstuv\n")
    worker_of(folder).kill()
    tail = jobs.wait(folder).ended["values"]["log_tail"]
    assert len(tail.encode()) <= 4096
    assert "with [hidden] and [hidden]" in tail


def test_a_worker_without_its_keeper_says_so_and_ends(jobs: Jobs, mark: str):
    folder = jobs.running(child=True)
    worker_of(folder).parent().kill()
    ended = jobs.wait(folder).ended
    assert (ended["code"], ended["values"]["last_event"]) == ("KeeperLost", "step")
    wait_for(lambda: not marked_processes(mark))


def test_keeper_and_worker_both_hold_the_lock(jobs: Jobs):
    folder = jobs.running()
    worker = worker_of(folder)
    lock = str(folder.path / "lock")
    for process in (worker, worker.parent()):
        assert lock in [file.path for file in process.open_files()]


def test_when_worker_and_keeper_are_both_killed_whoever_looks_writes_the_ending(jobs: Jobs, mark: str):
    folder = jobs.running()
    worker = worker_of(folder)
    keeper = worker.parent()
    keeper.suspend()
    worker.kill()
    keeper.kill()
    ended = jobs.wait(folder).ended
    assert ended["code"] == "JobLost"
    assert kinds_of(folder)[-1] == "failed"
    assert kinds_of(folder).count("failed") == 1


def test_what_a_worker_started_ends_with_it(jobs: Jobs, mark: str):
    folder = jobs.running(child=True)
    wait_for(lambda: len(marked_processes(mark)) == 3)
    worker_of(folder).kill()
    jobs.wait(folder)
    wait_for(lambda: not marked_processes(mark))


def test_the_kernel_is_told_to_end_a_worker_first(jobs: Jobs):
    folder = jobs.running()
    score = Path(f"/proc/{folder.state().started['pid']}/oom_score_adj")
    if not score.exists():
        pytest.skip("this system has no score for memory running out")
    assert int(score.read_text()) == 500
    assert int(Path(f"/proc/{worker_of(folder).ppid()}/oom_score_adj").read_text()) < 500
