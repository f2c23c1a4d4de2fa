"""The lock of an open file: held by whoever has it open, gone with them."""

from __future__ import annotations

import fcntl


def try_lock(handle: int) -> bool:
    """Whether the lock was taken; it is not waited for. It is let go when the last copy of the handle is closed."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
