"""Finding and awaiting the real processes of a test: each carries the test's mark in its environment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil

MARK = "WHETSTONE_TEST_MARK"


def marked_processes(mark: str) -> list[psutil.Process]:
    """Every living process that was started under the mark, keeper, worker or anything they started."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """The condition's first true value. Fails the test when it never is."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still waiting after {timeout_s} s"
        time.sleep(0.005)
    return value
