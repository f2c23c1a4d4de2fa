"""Locks that live exactly as long as the processes that hold them: a job's, a device's."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RETRY_S = 0.01


def take_lock(path: Path, wait_s: float = 0.0) -> int | None:
    """A file descriptor that holds the lock, or None when somebody else kept it for the whole wait.

    The lock belongs to the open file description: a descriptor sent to another process holds it too, until the last
    one is closed. A file that was replaced or deleted while waiting counts as not taken. Raises FileNotFoundError
    when the folder is gone.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait_s
    while not _try_lock(file):
        if time.monotonic() >= deadline:
            os.close(file)
            return None
        time.sleep(RETRY_S)
    if _is_same_file(path, file):
        return file
    os.close(file)
    return None


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock. Looks by taking it for a moment, on a descriptor of its own."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(file)
    finally:
        os.close(file)


def take_lease(path: Path, holder: Mapping[str, Any]) -> int | None:
    """The lock of a device with its holder written into the file, or None when another holds it.

    holder: who (job or server), job, workspace, since.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = take_lock(path)
    if file is not None:
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(dict(holder), ensure_ascii=False).encode("utf-8"), 0)
    return file


def lease_holder(path: Path) -> dict[str, Any] | None:
    """Who holds a device, or None when nobody does; empty when the holder has not written its name yet."""
    if not is_locked(path):
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same_file(path: Path, file: int) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(file)
    return (found.st_dev, found.st_ino) == (here.st_dev, here.st_ino)
