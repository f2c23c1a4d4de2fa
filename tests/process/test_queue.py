"""The queue with real jobs: once per deed, two lanes, a spare, and apps that come and go."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime

import psutil
import pytest

from studio.errors import JobNotFound, JobRunning, RequestRefused, RootTaken
from studio.jobs.folder import JobFolder
from studio.jobs.log import read_events
from studio.people import Person, person_from
from studio.services.studio import Studio
from tests.process.conftest import Jobs
from tests.processes import marked_processes, wait_for


def began_s(folder: JobFolder) -> float:
    return datetime.fromisoformat(folder.state().started["time"]).timestamp()


def ended_s(folder: JobFolder) -> float:
    return datetime.fromisoformat(folder.state().ended["time"]).timestamp()


def test_the_same_deed_is_done_once_however_many_ask_at_once(jobs: Jobs):
    ids: list[str] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        ids.append(jobs.studio.queue.submit(jobs.person, "train", "A test", {}, "one deed"))

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(set(ids)) == 1
    assert len(jobs.studio.queue.jobs(jobs.person)) == 1


def test_a_deed_is_remembered_after_a_restart(open_studio: Callable[[], Studio], person: Person):
    first = open_studio()
    job_id = first.queue.submit(person, "import", "A test", {}, "one deed")
    first.queue.wait(job_id, 60)
    first.close()
    assert open_studio().queue.submit(person, "import", "A test", {}, "one deed") == job_id


def test_the_same_deed_of_two_people_is_two_jobs(jobs: Jobs):
    other = person_from("other", {}, {}, jobs.studio.settings)
    ids = {jobs.studio.queue.submit(who, "import", "A test", {}, "one deed") for who in (jobs.person, other)}
    assert len(ids) == 2


@pytest.mark.parametrize("deed", ["", "x" * 201, None, 7])
def test_a_deed_that_is_none_is_refused(jobs: Jobs, deed: object):
    with pytest.raises(RequestRefused):
        jobs.studio.queue.submit(jobs.person, "import", "A test", {}, deed)


def test_device_jobs_run_one_after_the_other_and_light_ones_two_at_a_time(jobs: Jobs):
    device = [jobs.submit("train", steps=20) for _ in range(2)]
    light = [jobs.submit("import", steps=60) for _ in range(3)]
    for folder in device + light:
        assert jobs.wait(folder).status == "finished"
    assert began_s(device[1]) >= ended_s(device[0])
    assert began_s(light[1]) < ended_s(light[0])
    assert began_s(light[2]) >= min(ended_s(light[0]), ended_s(light[1]))


def test_a_waiting_job_is_stopped_at_once_and_never_starts(jobs: Jobs):
    first = jobs.running()
    waiting = jobs.submit()
    assert waiting.state().status == "queued"
    jobs.studio.queue.stop(jobs.person, waiting.id)
    assert waiting.state().status == "stopped"
    third = jobs.submit(steps=1)
    jobs.studio.queue.stop(jobs.person, first.id)
    assert jobs.wait(third).status == "finished"
    assert waiting.state().started is None


def test_a_running_job_cannot_be_deleted_and_an_ended_one_leaves_nothing(jobs: Jobs):
    folder = jobs.running()
    with pytest.raises(JobRunning):
        jobs.studio.queue.delete(jobs.person, folder.id)
    jobs.studio.queue.stop(jobs.person, folder.id)
    jobs.wait(folder)
    jobs.studio.queue.delete(jobs.person, folder.id)
    assert list(folder.path.parent.iterdir()) == []
    with pytest.raises(JobNotFound):
        jobs.studio.queue.find(jobs.person, folder.id)


def test_the_deed_of_a_deleted_job_may_be_done_again(jobs: Jobs):
    first = jobs.studio.queue.submit(jobs.person, "import", "A test", {}, "one deed")
    jobs.studio.queue.wait(first, 60)
    jobs.studio.queue.delete(jobs.person, first)
    again = jobs.studio.queue.submit(jobs.person, "import", "A test", {}, "one deed")
    assert again != first
    assert jobs.studio.queue.wait(again, 60).status == "finished"


def test_a_waiting_job_that_is_deleted_never_starts(jobs: Jobs):
    first = jobs.running()
    waiting = jobs.submit()
    jobs.studio.queue.delete(jobs.person, waiting.id)
    jobs.studio.queue.stop(jobs.person, first.id)
    assert jobs.ended(steps=1).status == "finished"
    assert not waiting.path.exists()


def test_a_job_is_found_by_its_owner_only(jobs: Jobs):
    folder = jobs.submit(steps=1)
    other = person_from("other", {}, {}, jobs.studio.settings)
    with pytest.raises(JobNotFound):
        jobs.studio.queue.find(other, folder.id)
    for unsafe in ("", ".", "..", "../jobs", f"../jobs/{folder.id}", f"{folder.id}/", folder.id + "\n", 7, None):
        with pytest.raises(JobNotFound):
            jobs.studio.queue.find(jobs.person, unsafe)


def test_jobs_are_listed_newest_first_and_by_kind(jobs: Jobs):
    made = [jobs.submit(kind, steps=1).id for kind in ("import", "train", "import")]
    assert [folder.id for folder in jobs.studio.queue.jobs(jobs.person)] == made[::-1]
    assert [folder.id for folder in jobs.studio.queue.jobs(jobs.person, kinds=("train",))] == [made[1]]


def test_a_job_goes_on_without_the_app_and_the_next_app_sees_and_stops_it(
    open_studio: Callable[[], Studio], person: Person
):
    first = open_studio()
    folder = Jobs(first, person).running()
    waiting = Jobs(first, person).submit(steps=2)
    first.close()
    steps = len(read_events(folder.events_path)[0])
    wait_for(lambda: len(read_events(folder.events_path)[0]) > steps)

    second = open_studio()
    again = second.queue.find(person, folder.id)
    assert again.state().status == "running"
    assert [f.id for f in second.queue.running()] == [folder.id]
    assert second.queue.find(person, waiting.id).state().status == "queued"
    second.queue.stop(person, folder.id)
    assert second.queue.wait(folder.id, 60).status == "stopped"
    assert second.queue.wait(waiting.id, 60).status == "finished"


def test_a_second_app_in_the_same_root_is_told_who_has_it(jobs: Jobs):
    with pytest.raises(RootTaken) as caught:
        Studio(jobs.studio.settings)
    assert caught.value.values["pid"] == str(os.getpid())


def test_a_spare_takes_a_job_at_once(jobs: Jobs, mark: str):
    """Submit → the worker has the folder: 7 ms measured; 50 ms are allowed, for the best of five (tests share the machine)."""
    took_s = []
    for _ in range(5):
        jobs.studio.queue.ensure_spare()
        wait_for(lambda: is_waiting_for_a_job(mark))
        asked_s = time.time()
        folder = jobs.submit(steps=1)
        jobs.wait(folder)
        took_s.append(began_s(folder) - asked_s)
    assert min(took_s) <= 0.05


def is_waiting_for_a_job(mark: str) -> bool:
    """Whether the spare worker has warmed up: it sleeps, in two threads, and no other worker is there."""
    try:
        workers = marked_processes(mark, "worker")
        return len(workers) == 1 and workers[0].num_threads() == 2 and workers[0].status() == psutil.STATUS_SLEEPING
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("victim", ["keeper", "worker"])
def test_a_job_runs_although_the_spare_was_killed(jobs: Jobs, mark: str, victim: str):
    jobs.studio.queue.ensure_spare()
    wait_for(lambda: is_waiting_for_a_job(mark))
    marked_processes(mark, victim)[0].kill()
    assert jobs.ended(steps=1).status == "finished"


def test_a_job_whose_keeper_died_before_the_work_began_is_started_again(jobs: Jobs, mark: str):
    jobs.studio.queue.ensure_spare()
    wait_for(lambda: is_waiting_for_a_job(mark))
    keeper = marked_processes(mark, "keeper")[0]
    keeper.suspend()
    folder = jobs.submit(steps=1)
    wait_for(jobs.studio.queue.running)
    keeper.kill()
    assert jobs.wait(folder).status == "finished"
    assert [e["kind"] for e in read_events(folder.events_path)[0]].count("started") == 1


def test_the_spare_is_made_again_when_its_job_has_ended(jobs: Jobs, mark: str):
    jobs.studio.queue.ensure_spare()
    wait_for(lambda: is_waiting_for_a_job(mark))
    folder = jobs.running()
    assert len(marked_processes(mark)) == 2
    jobs.studio.queue.stop(jobs.person, folder.id)
    jobs.wait(folder)
    wait_for(lambda: is_waiting_for_a_job(mark))
