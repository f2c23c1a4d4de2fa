"""Worker, keeper and app killed in turn at random moments of a job: what each kill ended in."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

from tests.process.kill_campaign import run_campaign
from tests.processes import MARK, marked_processes

KILLS, SEED = 50, 1


def measure(quick: bool = False) -> dict[str, Any]:
    """endings: how many kills of each victim ended in what. Raises AssertionError at the first ending that is not
    true to what happened, and when a process is left."""
    mark = os.environ[MARK] = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch:
        counts = run_campaign(6 if quick else KILLS, SEED, mark, Path(scratch) / "root")
    return {
        "kills": sum(counts.values()),
        "endings": {f"{victim}: {ending}": count for (victim, ending), count in sorted(counts.items())},
        "left_processes": len(marked_processes(mark)),
    }
