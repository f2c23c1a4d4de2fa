"""Worker, keeper and app killed in turn at random moments of a job: what each kill ended in."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

from tests.process.kill_campaign import COUNTING, Target, prepare_real_run, run_campaign
from tests.processes import MARK, marked_processes

KILLS, SEED = 50, 1


def measure(quick: bool = False) -> dict[str, Any]:
    """endings: how many kills of each victim ended in what, for a job that only counts and for a real training run.

    Raises AssertionError at the first ending that is not true to what happened, and when a process is left.
    """
    mark = os.environ[MARK] = uuid.uuid4().hex
    kills = 3 if quick else KILLS
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch:
        found = {"counting": _campaign(Path(scratch) / "counting", COUNTING, kills, mark)}
        root = Path(scratch) / "real"
        root.mkdir()
        found["training"] = _campaign(root, prepare_real_run(root), kills, mark)
    return found


def _campaign(root: Path, target: Target, kills: int, mark: str) -> dict[str, Any]:
    counts = run_campaign(kills, SEED, mark, root, target)
    return {
        "kills": sum(counts.values()),
        "within_s": round(target.latest_kill_s, 1),
        "endings": {f"{victim}: {ending}": count for (victim, ending), count in sorted(counts.items())},
        "left_processes": len(marked_processes(mark)),
    }
