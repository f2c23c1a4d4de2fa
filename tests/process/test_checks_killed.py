"""A run of the checks killed at any moment: each check's findings are those of one run, whole."""

from __future__ import annotations

import os
import random
import secrets

import pytest

from studio.jobs.log import read_events
from studio.store.dataset_file import open_dataset
from studio.store.findings import Findings
from tests.checked_datasets import Checked, write_dataset
from tests.dataset_jobs import conversation
from tests.processes import wait_for

ROWS = 2_000
NAMES = ("schema", "exact_duplicates", "leakage")
KILLS = int(os.environ.get("WHETSTONE_CHECK_KILLS", "2"))


def _records() -> list[dict]:
    """Every third row says what the row before it says, every fifth ends with a question."""
    made = []
    for number in range(ROWS):
        told = number - 1 if number % 3 == 2 else number
        turns = conversation(f"How much is mug {told}?", f"It costs {told} yen.")["messages"]
        made.append({"messages": [*turns, {"role": "user", "content": "Thanks."}] if number % 5 == 4 else turns})
    return made


def _state(dataset: Checked) -> dict[str, tuple[str, int]]:
    """check → (the job of its last run, how many findings lie there)."""
    with open_dataset(dataset.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        found = Findings(connection)
        counts = found.count_all()
        return {
            name: (run.job_id, sum(count for (check, _), count in counts.items() if check == name))
            for name, run in found.runs().items()
        }


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_run_leaves_each_check_as_one_run_found_it(studio, person, seed):
    """A change before the killed run makes what it finds differ from what stood there."""
    dataset = write_dataset(person.workspace, _records())
    first = studio.checks.run(person, dataset.dataset_id, list(NAMES), secrets.token_hex(4))
    assert studio.queue.wait(first, 60).status == "finished"
    before = _state(dataset)
    for row_id in (1, 2, 3):
        studio.datasets.delete_row(person, dataset.dataset_id, row_id, f"delete-{row_id}")
    killed = studio.checks.run(person, dataset.dataset_id, list(NAMES), secrets.token_hex(4))
    folder = studio.queue.find(person, killed)
    wanted = random.Random(seed).randint(0, 900)
    wait_for(lambda: folder.state().is_ended or _done(folder) >= wanted, 60)
    if not folder.state().is_ended:
        os.kill(folder.state().started["pid"], 9)
    wait_for(lambda: folder.state().is_ended, 60)
    between = _state(dataset)
    last = studio.checks.run(person, dataset.dataset_id, list(NAMES), secrets.token_hex(4))
    assert studio.queue.wait(last, 60).status == "finished"
    after = {name: count for name, (_, count) in _state(dataset).items()}
    for name in NAMES:
        job, count = between[name]
        assert (job, count) == before[name] or (job, count) == (killed, after[name])


def _done(folder) -> int:
    events, _ = read_events(folder.events_path, 0)
    return max((event["done"] for event in events if event["kind"] == "progress"), default=-1)
