"""Kills at random moments: `python -m tests.process.kill_campaign N [SEED] [real]` prints what the N kills ended in.

Worker, keeper and app are killed in turn, with SIGKILL, at a random moment of a job: one of about half a second that
only counts, or with `real` a training run of the pocket model on 120 rows. After each kill the job must reach a true
ending and no process may be left.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from studio.jobs.folder import JobFolder
from studio.jobs.log import read_events
from studio.people import person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from tests.process.app_process import AppProcess
from tests.process.worker_kinds import MODULE
from tests.processes import MARK, marked_processes, wait_for

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "assets" / "samples" / "shop_sft.jsonl"
REAL_ROWS = 120
ENDING_WAIT_S = 600.0
VICTIMS = ("worker", "keeper", "app")
ENDINGS = ("finished", "failed", "stopped")
TRUE_ENDINGS = {
    # A kill before the work began starts the job again; one after the ending changes nothing.
    "worker": {"WorkerLost", "finished"},
    "keeper": {"KeeperLost", "JobLost", "finished"},
    "app": {"finished"},
}


@dataclass(frozen=True)
class Target:
    """The job that is killed. module: of its worker. latest_kill_s: kills by the clock fall between submit and then."""

    module: str
    options: dict[str, Any]
    steps: int
    latest_kill_s: float


COUNTING = Target(MODULE, {"steps": 80}, 80, 0.8)


def run_campaign(kills: int, seed: int, mark: str, root: Path, target: Target = COUNTING) -> Counter[tuple[str, str]]:
    """How often each victim's kill ended in what. A round whose victim was not there yet or any more is repeated."""
    chance = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    while sum(counts.values()) < kills:
        victim = VICTIMS[sum(counts.values()) % len(VICTIMS)]
        app = AppProcess(root, target.module, *(["--spare"] if chance.random() < 0.5 else []))
        try:
            folder = app.submit("train", **target.options)
            await_moment(chance, folder, target)
            was_killed = kill(victim, app, mark)
            if victim == "app":
                app = AppProcess(root, target.module)
            ending = true_ending(folder, target)
        finally:
            app.close()
        wait_for(lambda: not marked_processes(mark))
        if was_killed:
            assert ending in TRUE_ENDINGS[victim], f"{victim}: {ending} in {folder.path}"
            counts[victim, ending] += 1
            print(".", end="", file=sys.stderr, flush=True)
    return counts


def await_moment(chance: random.Random, folder: JobFolder, target: Target) -> None:
    """A random moment: one in three by the clock, which also meets the start; else by how far the job is."""
    if chance.random() < 1 / 3:
        time.sleep(chance.uniform(0, target.latest_kill_s))
        return
    step = chance.randint(1, target.steps)
    wait_for(lambda: folder.state().is_ended or count_steps(folder) >= step, ENDING_WAIT_S)
    time.sleep(chance.uniform(0, 0.02))


def count_steps(folder: JobFolder) -> int:
    return sum(event["kind"] == "step" for event in read_events(folder.events_path)[0])


def kill(victim: str, app: AppProcess, mark: str) -> bool:
    """Whether the victim was alive and is now dead. A waiting spare counts as well as the pair that has the job."""
    if victim == "app":
        app.kill()
        return True
    for process in marked_processes(mark, victim):
        try:
            process.kill()
            return True
        except psutil.NoSuchProcess:
            continue
    return False


def true_ending(folder: JobFolder, target: Target) -> str:
    """The code or kind of the ending, after checking that the log is whole and tells the truth."""
    wait_for(lambda: folder.state().is_ended, ENDING_WAIT_S)
    wait_for(lambda: not folder.is_held())
    events, _ = read_events(folder.events_path)
    kinds = [event["kind"] for event in events]
    assert [event.get("seq") for event in events] == list(range(1, len(events) + 1)), kinds
    assert kinds[0] == "queued"
    assert kinds.count("started") <= 1
    assert [kind in ENDINGS for kind in kinds].index(True) == len(kinds) - 1
    assert [e["step"] for e in events if e["kind"] == "step"] == list(range(1, kinds.count("step") + 1))
    last = events[-1]
    if last["kind"] == "finished":
        assert kinds.count("step") == target.steps
        return "finished"
    assert last["hint"]
    assert last["values"]["last_event"] == kinds[-2], kinds[-3:]
    assert last["values"]["log_tail"] in folder.log_tail(100_000)
    if last["code"] == "WorkerLost":
        assert last["values"]["signal"] == "SIGKILL"
    return last["code"]


def prepare_real_run(root: Path) -> Target:
    """Import rows, save a version and train once, so that the campaign can ask for the same run again and again."""
    settings = read_settings(["--root", str(root)], {})
    person = person_from(None, {}, {}, settings)
    studio = Studio(settings)
    try:
        upload = root / "rows.jsonl"
        upload.write_text("".join(SAMPLE.read_text("utf-8").splitlines(keepends=True)[:REAL_ROWS]), "utf-8")
        studio.queue.wait(studio.datasets.import_upload(person, "import", upload, upload.name, None, {}), 60)
        dataset = studio.datasets.list(person)[0]["id"]
        studio.queue.wait(studio.datasets.save_version(person, dataset, "version", ""), 60)
        choices = {
            "base": "pocket",
            "version": studio.datasets.versions(person)[0]["fingerprint"],
            "method": "sft",
            "adapter": "lora",
            "settings": {"epochs": 1},
            "prompts": ["Hello."],
            "title": "A short run",
        }
        state = studio.queue.wait(job_id := studio.runs.start(person, "run", choices), 300)
        began, ended = (time_of(event) for event in (state.started, state.ended))
        assert state.status == "finished", state
        options = studio.queue.find(person, job_id).spec.options
        return Target("studio.worker", options, state.ended["summary"]["steps"], ended - began)
    finally:
        studio.close()


def time_of(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()


def main(kills: str, seed: str = "1", kind: str = "counting") -> None:
    mark = os.environ[MARK] = uuid.uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        target = prepare_real_run(root) if kind == "real" else COUNTING
        began_s = time.monotonic()
        counts = run_campaign(int(kills), int(seed), mark, root, target)
    print(f"\nrun of {target.steps} steps, of about {target.latest_kill_s:.1f} s")
    for (victim, ending), count in sorted(counts.items()):
        print(f"{victim:8} {ending:12} {count}")
    print(f"{sum(counts.values())} kills in {time.monotonic() - began_s:.0f} s, every ending true, no process left")


if __name__ == "__main__":
    main(*sys.argv[1:])
