"""What an exception of a worker means for the person: an error with a code, words and values."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from studio.errors import DiskFull, OutOfMemory, PythonError, StudioError
from studio.jobs.log import FULL_ERRORS
from studio.jobs.tail import without_secrets

_FULL_TEXT = re.compile(r"No space left on device|os error 28|disk is full|Disk quota exceeded", re.IGNORECASE)
_MEMORY_TEXT = re.compile(r"can't allocate memory|CUDA out of memory|Cannot allocate memory|bad_alloc", re.IGNORECASE)
_ASKED = re.compile(r"(?:allocate|allocate memory: you tried to allocate) (\d+(?:\.\d+)?) ?(bytes|[KMGT]iB)?")
_UNITS = {None: 1, "bytes": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
TEXT_CHARACTERS = 500


def error_of(error: BaseException, folder: Path) -> StudioError:
    """The StudioError of an exception, found in it or in what caused it; PythonError when no rule fits."""
    for cause in causes(error):
        if isinstance(cause, StudioError):
            return cause
        if is_disk_full(cause):
            return DiskFull(free_bytes=shutil.disk_usage(folder).free)
        if is_out_of_memory(cause):
            return OutOfMemory(asked_bytes=asked_bytes(str(cause)), free_bytes=free_memory_bytes())
    text = without_secrets(str(error), os.environ)
    return PythonError(type=type(error).__name__, text=text[:TEXT_CHARACTERS])


def causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, then what it was raised from or while."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in FULL_ERRORS:
        return True
    return bool(_FULL_TEXT.search(str(error)))


def is_out_of_memory(error: BaseException) -> bool:
    """Python's, the operating system's, or torch's (told by its name, so that torch need not be imported here)."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and bool(_MEMORY_TEXT.search(str(error)))


def asked_bytes(text: str) -> int | None:
    """The amount in torch's sentence: "Tried to allocate 2.50 GiB", "you tried to allocate 400 bytes"."""
    found = _ASKED.search(text)
    return int(float(found[1]) * _UNITS[found[2]]) if found else None


def free_memory_bytes() -> int | None:
    """Memory the system could still give, in bytes; None where it does not say."""
    try:
        text = Path("/proc/meminfo").read_text("ascii")
    except OSError:
        return None
    found = re.search(r"MemAvailable:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else None
