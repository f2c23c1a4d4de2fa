"""A keeper alone: what it holds, what it refuses, how little it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from studio.jobs.folder import JobFolder
from studio.jobs.launchers.local import PROJECT, LocalLauncher
from studio.jobs.lease import lease_holder, take_lease, take_lock
from studio.jobs.log import read_events
from tests.processes import marked_processes, wait_for

MIB = 2**20
NewJob = Callable[..., JobFolder]
pytestmark = pytest.mark.usefixtures("mark")


def kinds_of(folder: JobFolder) -> list[str]:
    return [event["kind"] for event in read_events(folder.events_path)[0]]


def keep(launcher: LocalLauncher, folder: JobFolder, lease: Path | None = None, grace_s: float = 5.0):
    keeper = launcher.launch(preload=False, online=False, environment={})
    assert keeper.give(folder.path, lease, grace_s)
    return keeper


def test_a_worker_that_ignores_the_stop_is_ended_after_its_grace(launcher: LocalLauncher, new_job: NewJob):
    folder = new_job(steps=4000, stubborn=True)
    keeper = keep(launcher, folder, grace_s=0.2)
    wait_for(lambda: kinds_of(folder)[-1] == "checkpoint")
    folder.ask_stop()
    keeper.wait()
    state = folder.state()
    assert kinds_of(folder)[-2:] == ["notice", "stopped"]
    assert state.ended["step"] == kinds_of(folder).count("step")
    assert state.ended["checkpoint"].startswith("checkpoints/step-")


def test_two_keepers_never_keep_the_same_job(launcher: LocalLauncher, new_job: NewJob):
    folder = new_job(steps=50)
    keepers = [keep(launcher, folder) for _ in range(4)]
    for keeper in keepers:
        keeper.wait()
    assert kinds_of(folder).count("started") == 1
    assert kinds_of(folder)[-1] == "finished"


def test_a_keeper_leaves_an_ended_a_stopped_and_a_deleted_job_alone(launcher: LocalLauncher, new_job: NewJob):
    ended, stopped, deleted = new_job(), new_job(), new_job()
    keep(launcher, ended).wait()
    before = ended.events_path.read_bytes()
    keep(launcher, ended).wait()
    assert ended.events_path.read_bytes() == before
    stopped.stop_path.touch()
    keep(launcher, stopped).wait()
    assert kinds_of(stopped) == ["queued", "stopped"]
    deleted.delete()
    keep(launcher, deleted).wait()
    assert not deleted.path.exists()


def test_a_look_at_the_job_does_not_keep_it_from_starting(launcher: LocalLauncher, new_job: NewJob):
    """The look takes the lock, and has it until the keeper is seen to wait for it."""
    folder = new_job(steps=2)
    lock = take_lock(folder.path / "lock")
    keeper = keep(launcher, folder)
    wait_for(lambda: str(folder.path / "lock") in open_paths(keeper.pid) or not keeper.is_alive())
    os.close(lock)
    keeper.wait()
    assert kinds_of(folder)[-1] == "finished"


def open_paths(pid: int) -> set[str]:
    try:
        return {file.path for file in psutil.Process(pid).open_files()}
    except psutil.Error:
        return set()


def test_a_device_job_waits_for_the_lease_and_says_who_has_it(launcher: LocalLauncher, new_job: NewJob, root: Path):
    lease = root / "devices" / "device-0"
    held = take_lease(lease, {"who": "server", "job": None, "workspace": "local", "since": "2026-01-01T00:00:00Z"})
    folder = new_job(steps=400)
    keep(launcher, folder, lease)
    wait_for(lambda: kinds_of(folder) == ["queued", "notice"])
    assert folder.state().status == "starting"
    assert read_events(folder.events_path)[0][-1]["values"] == {"who": "server", "job": None}
    os.close(held)
    wait_for(lambda: folder.state().status == "running")
    assert lease_holder(lease)["job"] == folder.id
    wait_for(lambda: folder.state().is_ended)
    wait_for(lambda: lease_holder(lease) is None)


def test_a_waiting_pair_ends_when_its_app_does(launcher: LocalLauncher, mark: str):
    spare = launcher.launch(preload=True, online=False, environment={})
    wait_for(lambda: len(marked_processes(mark)) == 2)
    spare.dismiss()
    spare.wait()
    wait_for(lambda: not marked_processes(mark))


def test_a_waiting_keeper_ends_when_its_worker_dies_and_refuses_the_job(
    launcher: LocalLauncher, new_job: NewJob, mark: str
):
    spare = launcher.launch(preload=True, online=False, environment={})
    worker = wait_for(lambda: marked_processes(mark, "worker"))[0]
    worker.kill()
    spare.wait()
    assert not spare.give(new_job().path, None, 1.0)


def test_a_job_given_to_a_spare_that_dies_before_seeing_it_has_not_started(
    launcher: LocalLauncher, new_job: NewJob, mark: str
):
    folder = new_job()
    spare = launcher.launch(preload=True, online=False, environment={})
    worker = wait_for(lambda: marked_processes(mark, "worker"))[0]
    worker.suspend()
    assert spare.give(folder.path, None, 1.0)
    wait_for(folder.is_held)
    worker.kill()
    spare.wait()
    assert kinds_of(folder) == ["queued"]
    keep(launcher, folder).wait()
    assert folder.state().status == "finished"


def test_a_worker_that_cannot_even_start_is_told_with_what_it_printed(new_job: NewJob):
    folder = new_job()
    keep(LocalLauncher("tests.process.no_such_module"), folder).wait()
    ended = folder.state().ended
    assert (ended["code"], ended["values"]["exit_code"]) == ("WorkerLost", 1)
    assert "No module named" in ended["values"]["log_tail"]


def test_a_keeper_is_small_and_idle(launcher: LocalLauncher, new_job: NewJob):
    """15 MB measured, of which 7 are shared; 300 steps take 1.5 s, in which it looks for a stop six times."""
    folder = new_job(steps=300)
    keeper = keep(launcher, folder)
    wait_for(lambda: folder.state().status == "running")
    process = psutil.Process(keeper.pid)
    began_s = sum(process.cpu_times()[:2])
    wait_for(lambda: len(kinds_of(folder)) > 290)
    assert sum(process.cpu_times()[:2]) - began_s <= 0.03
    assert process.memory_info().rss < 18 * MIB
    keeper.wait()


def test_a_keeper_needs_the_standard_library_only():
    """Seen in a child: what `studio.jobs.keeper` brings in beside the standard library is our own base."""
    code = "import sys, json, studio.jobs.keeper; print(json.dumps(sorted(sys.modules)))"
    environment = {"PYTHONPATH": str(PROJECT)}
    out = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    names = {name.split(".")[0] for name in json.loads(out.stdout)} - {"__main__"}
    assert names - set(sys.stdlib_module_names) == {"studio"}


def test_children_have_their_own_session_a_quiet_environment_and_no_network(
    launcher: LocalLauncher, new_job: NewJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    folder = new_job(steps=100)
    keeper = keep(launcher, folder)
    assert os.getsid(keeper.pid) == keeper.pid != os.getsid(0)
    keeper.wait()
    summary = folder.state().ended["summary"]
    wanted = {
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
        "WANDB_MODE": "disabled",
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    assert wanted.items() <= summary["environment"].items()
    assert "HF_TOKEN" not in summary["environment"]
    assert summary["folder"] == str(folder.path)
