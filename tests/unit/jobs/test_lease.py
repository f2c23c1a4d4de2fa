"""Locks that live as long as their holders."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from studio.jobs.launchers.local import PROJECT
from studio.jobs.lease import is_locked, lease_holder, take_lease, take_lock


def test_a_lock_is_had_by_one_until_it_is_closed(tmp_path: Path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    first = take_lock(path)
    assert is_locked(path)
    assert take_lock(path) is None
    os.close(first)
    assert not is_locked(path)


def test_a_lock_that_is_freed_in_time_is_taken(tmp_path: Path):
    path = tmp_path / "lock"
    first = take_lock(path)
    threading.Timer(0.05, os.close, [first]).start()
    second = take_lock(path, wait_s=5)
    assert second is not None
    os.close(second)


def test_a_lock_on_a_deleted_file_is_none(tmp_path: Path):
    path = tmp_path / "lock"
    first = take_lock(path)

    def replace() -> None:
        path.unlink()
        os.close(first)

    threading.Timer(0.05, replace).start()
    assert take_lock(path, wait_s=5) is None


def test_a_lock_sent_to_another_process_is_held_until_that_one_ends(tmp_path: Path):
    path = tmp_path / "lock"
    ours, theirs = socket.socketpair()
    code = "import socket; s = socket.socket(fileno=0); socket.recv_fds(s, 9, 1); s.send(b'k'); s.recv(9)"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, cwd=PROJECT)
    theirs.close()
    lock = take_lock(path)
    socket.send_fds(ours, [b"lock"], [lock])
    ours.recv(1)
    os.close(lock)
    assert is_locked(path)
    ours.close()
    child.wait()
    assert not is_locked(path)


def test_a_lease_names_its_holder_while_it_is_held(tmp_path: Path):
    path = tmp_path / "devices" / "device-0"
    assert lease_holder(path) is None
    first = take_lease(path, {"who": "job", "job": "a-long-name", "workspace": "local", "since": "now"})
    assert take_lease(path, {"who": "server"}) is None
    assert lease_holder(path)["job"] == "a-long-name"
    os.close(first)
    assert lease_holder(path) is None
    second = take_lease(path, {"who": "server"})
    assert lease_holder(path) == {"who": "server"}
    os.close(second)
