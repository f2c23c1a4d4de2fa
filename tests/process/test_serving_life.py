"""The model server's life: started by the first need, restarted after a crash, ended with the app, out of a job's way."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from studio.errors import DeviceTaken, ServerFailed
from studio.jobs.launchers.local import PROJECT
from studio.jobs.lease import take_lease
from studio.people import Person
from studio.services import model_server
from studio.services.studio import Studio
from tests.process.serving_kills import MODULE, kill_server, run_campaign, server_process
from tests.processes import marked_processes, wait_for


def servers(mark: str) -> list[psutil.Process]:
    return [process for process in marked_processes(mark) if MODULE in process.cmdline()]


def test_nothing_is_started_before_it_is_needed_and_closing_the_app_ends_it(studio: Studio, person: Person, mark: str):
    assert studio.server.status() == {"state": "off"} and not servers(mark)
    client = studio.server.client(person)
    assert client.models()[0] == "pocket"
    assert [process.pid for process in servers(mark)] == [server_process(studio).pid]
    assert studio.server.status()["state"] == "running"
    studio.server.close()
    assert not servers(mark)
    with pytest.raises(ServerFailed):
        studio.server.ensure()


def test_torch_waits_for_the_first_reply(studio: Studio, person: Person):
    """Tokens are counted in a process that stays small: torch alone takes more than 150 MB."""
    studio.server.client(person).tokenize("pocket", "Hello")
    assert server_process(studio).memory_info().rss < 120e6


def test_the_token_stands_in_no_command_line_and_no_log(studio: Studio):
    address = studio.server.ensure()
    process = server_process(studio)
    assert address.token not in " ".join(process.cmdline())
    assert address.token not in (studio.settings.root / "serving.log").read_text("utf-8")


def test_many_who_need_it_at_once_start_one(studio: Studio, mark: str):
    with ThreadPoolExecutor(8) as pool:
        urls = set(pool.map(lambda _: studio.server.ensure().url, range(8)))
    assert len(urls) == len(servers(mark)) == 1


def test_whoever_kept_a_client_goes_on_with_the_server_that_came_after(studio: Studio, person: Person, mark: str):
    client = studio.server.client(person)
    assert client.models()
    kill_server(studio)
    assert client.models() and client.tokenize("pocket", "Hello")["count"]
    assert len(servers(mark)) == 1


@pytest.mark.slow
def test_a_server_killed_in_mid_stream_is_told_and_the_next_request_is_answered(tmp_path: Path, mark: str):
    """Two kills here; WHETSTONE_SERVING_KILLS asks for more. No column may end but whole or with ServerLost."""
    kills = int(os.environ.get("WHETSTONE_SERVING_KILLS", "2"))
    counts = run_campaign(kills, seed=kills, root=tmp_path / "root")
    assert sum(counts.values()) == 3 * kills and set(counts) <= {"ServerLost", "whole"}
    assert counts["ServerLost"] >= kills


def test_a_second_crash_in_a_row_is_an_error_that_carries_nothing_of_the_log(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
):
    first = server_process(studio)
    token = studio.server.ensure().token
    kill_server(studio)
    second = studio.server.ensure()  # the one restart
    assert server_process(studio) != first and second.token == token
    os.kill(server_process(studio).pid, signal.SIGKILL)
    wait_for(lambda: studio.server.status()["state"] == "ended")
    for _ in range(2):  # and whoever asks next is told the same
        with pytest.raises(ServerFailed) as caught:
            studio.server.ensure()
        assert caught.value.values == {}, "the log names adapters of other people"
    monkeypatch.setattr(model_server, "COOL_S", 0.0)
    assert studio.server.ensure().url


def test_a_server_that_cannot_start_is_an_error_and_not_a_wait(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    """A Python that knows no such module ends at once: twice, then the person is told."""
    monkeypatch.setattr(model_server, "MODULE", "studio.no_such_module")
    with pytest.raises(ServerFailed):
        studio.server.ensure()
    log = (studio.settings.root / "serving.log").read_text("utf-8")
    assert log.count("No module named studio.no_such_module") == 2


def test_a_server_that_is_stuck_is_replaced(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model_server, "HEALTH_S", 0.0)
    monkeypatch.setattr(model_server, "STUCK_S", 0.5)
    monkeypatch.setattr(model_server, "END_LIMIT_S", 0.2)
    process = server_process(studio)
    process.suspend()
    assert studio.server.ensure().url
    assert not process.is_running()


PARENT = """
import sys
from studio.services.studio import Studio
from studio.settings import read_settings
studio = Studio(read_settings(["--root", sys.argv[1]], {}))
studio.server.ensure()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_however_its_app_ends(root: Path, mark: str, number: signal.Signals):
    command = [sys.executable, "-c", PARENT, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as app:
        assert app.stdout.readline() == "ready\n"
        assert len(servers(mark)) == 1
        app.send_signal(number)
    wait_for(lambda: not servers(mark), 10)


def test_a_long_log_begins_anew_and_the_old_one_is_kept(studio: Studio):
    log = studio.settings.root / "serving.log"
    log.write_text("x" * (model_server.LOG_LIMIT_BYTES + 1))
    studio.server.ensure()
    assert log.stat().st_size < 1000
    assert log.with_suffix(".log.1").stat().st_size > model_server.LOG_LIMIT_BYTES


def test_a_job_that_waits_for_the_device_has_the_server_give_it_up(open_studio: Callable[[], Studio], person: Person):
    """The test holds the lease as a server with weights does; the server is asked, and loads nothing for a while."""
    studio = open_studio()
    client = studio.server.client_of(studio.server.ensure().url)
    lease = take_lease(studio.queue.lease, {"who": "server", "since": "now"})
    job_id = studio.queue.submit(person, "train", "A test", {"steps": 2}, secrets.token_hex(4))
    folder = studio.queue.find(person, job_id)

    def is_refused() -> bool:
        try:
            client.load("folder:none-such")  # nothing to load, but that is found out later
        except DeviceTaken:
            return True
        except model_server.StudioError:
            return False
        return False

    wait_for(is_refused, 20)
    assert folder.state().started is None
    os.close(lease)
    assert studio.queue.wait(job_id, 30).status == "finished"
    wait_for(lambda: not is_refused(), 20)
