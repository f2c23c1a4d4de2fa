"""Finding and awaiting the real processes of a test: each carries the test's mark in its environment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import psutil

MARK = "WHETSTONE_TEST_MARK"


Role = Literal["app", "keeper", "worker", "other"]


def marked_processes(mark: str, role: Role | None = None) -> list[psutil.Process]:
    """Every living process that was started under the mark, or those of one role."""
    found = []
    for process in psutil.process_iter():
        try:
            is_marked = process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
            if is_marked and role in (None, role_of(process)):
                found.append(process)
        except psutil.Error:
            continue
    return found


def role_of(process: psutil.Process) -> Role:
    """Told by the module that the process runs. A child counts as its parent until it runs a program of its own."""
    command = process.cmdline()
    module = command[command.index("-m") + 1] if "-m" in command else ""
    if module == "studio.jobs.keeper":
        return "keeper"
    if module == "tests.process.small_app":
        return "app"
    return "worker" if module in ("studio.worker", "tests.process.worker_kinds") else "other"


def wait_for(condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """The condition's first true value. Fails the test when it never is."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still waiting after {timeout_s} s"
        time.sleep(0.005)
    return value
