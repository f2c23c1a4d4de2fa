"""Kills at random moments: `python -m tests.process.kill_campaign N [SEED]` prints what the N kills ended in.

Worker, keeper and app are killed in turn, with SIGKILL, at a random moment of a job of about half a second. After each
the job must reach a true ending and no process may be left.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

import psutil

from studio.jobs.folder import JobFolder
from studio.jobs.log import read_events
from tests.process.app_process import AppProcess
from tests.process.worker_kinds import MODULE
from tests.processes import MARK, marked_processes, wait_for

VICTIMS = ("worker", "keeper", "app")
STEPS = 80
LATEST_KILL_S = 0.8
TRUE_ENDINGS = {
    # A kill before the work began starts the job again; one after the ending changes nothing.
    "worker": {"WorkerLost", "finished"},
    "keeper": {"KeeperLost", "JobLost", "finished"},
    "app": {"finished"},
}


def run_campaign(kills: int, seed: int, mark: str, root: Path) -> Counter[tuple[str, str]]:
    """How often each victim's kill ended in what. A round whose victim was not there yet or any more is repeated."""
    chance = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    while sum(counts.values()) < kills:
        victim = VICTIMS[sum(counts.values()) % len(VICTIMS)]
        app = AppProcess(root, MODULE, *(["--spare"] if chance.random() < 0.5 else []))
        try:
            folder = app.submit("train", steps=STEPS, child=chance.random() < 0.3)
            time.sleep(chance.uniform(0, LATEST_KILL_S))
            was_killed = kill(victim, app, mark)
            if victim == "app":
                app = AppProcess(root, MODULE)
            ending = true_ending(folder)
        finally:
            app.close()
        wait_for(lambda: not marked_processes(mark))
        if was_killed:
            assert ending in TRUE_ENDINGS[victim], f"{victim}: {ending} in {folder.path}"
            counts[victim, ending] += 1
    return counts


def kill(victim: str, app: AppProcess, mark: str) -> bool:
    """Whether the victim was alive and is now dead. A waiting spare counts as well as the pair that has the job."""
    if victim == "app":
        app.kill()
        return True
    for process in marked_processes(mark):
        try:
            command = process.cmdline()
            is_keeper = "studio.jobs.keeper" in command
            if (victim == "keeper" and is_keeper) or (victim == "worker" and MODULE in command and not is_keeper):
                if process.pid == app.pid or "tests.process.small_app" in command:
                    continue
                process.kill()
                return True
        except psutil.NoSuchProcess:
            continue
    return False


def true_ending(folder: JobFolder) -> str:
    """The code or kind of the ending, after checking that the log is whole and tells the truth."""
    wait_for(lambda: folder.state().is_ended)
    wait_for(lambda: not folder.is_held())
    events, _ = read_events(folder.events_path)
    kinds = [event["kind"] for event in events]
    assert [event.get("seq") for event in events] == list(range(1, len(events) + 1)), kinds
    assert kinds[0] == "queued"
    assert kinds.count("started") <= 1
    assert [kind in ("finished", "failed", "stopped") for kind in kinds].index(True) == len(kinds) - 1
    assert [e["step"] for e in events if e["kind"] == "step"] == list(range(1, kinds.count("step") + 1))
    last = events[-1]
    if last["kind"] == "finished":
        assert kinds.count("step") == STEPS
        return "finished"
    assert last["hint"]
    assert last["values"]["last_event"] == kinds[-2], kinds[-3:]
    assert (
        last["values"]["log_tail"].strip().split("\n")[-1:] == folder.output_path.read_text().strip().split("\n")[-1:]
    )
    if last["code"] == "WorkerLost":
        assert last["values"]["signal"] == "SIGKILL"
    return last["code"]


def main(kills: str, seed: str = "1") -> None:
    mark = os.environ[MARK] = uuid.uuid4().hex
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as root:
        counts = run_campaign(int(kills), int(seed), mark, Path(root) / "root")
    for (victim, ending), count in sorted(counts.items()):
        print(f"{victim:8} {ending:12} {count}")
    print(f"{sum(counts.values())} kills in {time.monotonic() - began_s:.0f} s, every ending true, no process left")


if __name__ == "__main__":
    main(*sys.argv[1:])
