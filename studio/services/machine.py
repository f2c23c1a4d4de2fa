"""What the computer has: cores, memory, graphics cards; read without torch and without touching a device."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_QUERY = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
_QUERY_LIMIT_S = 5


@dataclass(frozen=True)
class Memory:
    """Both in bytes. A container's limit counts where it is lower than the machine's memory."""

    used: int
    total: int


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_memory() -> Memory | None:
    """None where the system does not say, as outside Linux."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        total, free = (int(lines[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError):
        return None
    limit, used = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
    if limit is not None and used is not None and limit < total:
        return Memory(used, limit)
    return Memory(total - free, total)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


@cache
def graphics_cards() -> tuple[tuple[str, int], ...]:
    """(name, bytes) of each NVIDIA card, asked of its driver's own program once."""
    if shutil.which("nvidia-smi") is None:
        return ()
    try:
        asked = subprocess.run(
            ["nvidia-smi", *_QUERY], capture_output=True, text=True, timeout=_QUERY_LIMIT_S, check=True
        )
        rows = [line.rsplit(",", 1) for line in asked.stdout.splitlines() if line.strip()]
        return tuple((name.strip(), int(mebibytes) * 2**20) for name, mebibytes in rows)
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()
