"""Kills the app or its job while rows change: `python -m tests.process.data_kills N [SEED]` prints what N kills lost: nothing.

Each round is one of: bulk changes in the app itself, a bulk change of very many rows by a job, an import, a version
being saved. SIGKILL comes at a random moment. Afterwards the app starts anew, SQLite's integrity check must pass, every
acknowledged change must be there, and one that was not acknowledged must be there wholly or not at all.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.data.selection import Selection
from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from studio.store.dataset_file import SUFFIX
from tests.processes import MARK, marked_processes, wait_for

PROJECT = Path(__file__).resolve().parents[2]
ROUNDS = ("bulk", "job", "import", "version")
ROWS = 24_000
"""More than the app changes by itself, so that a change of all of them is a job's."""

SMALL = 200
LATEST_KILL_S = {"bulk": 1.0, "job": 3.0, "import": 3.0, "version": 2.0}
PATIENCE_S = 300.0


@dataclass
class Account:
    """What was acknowledged, over all rounds. mid: how many kills came before the work of their kind was done."""

    acknowledged: list[str] = field(default_factory=list)
    mid: Counter[str] = field(default_factory=Counter)


def run_campaign(kills: int, seed: int, root: Path, mark: str) -> Account:
    """Raises AssertionError where something is lost, half done or damaged."""
    chance = random.Random(seed)
    account = Account()
    dataset = prepare(root)
    for number in range(kills):
        kind = ROUNDS[number % len(ROUNDS)]
        app = App(root, dataset, kind)
        try:
            app.wait_until_busy()
            threading.Event().wait(chance.uniform(0, LATEST_KILL_S[kind]))
        finally:
            app.kill()
        if chance.random() < 0.6:  # else the job goes on without the app
            for process in marked_processes(mark):
                process.kill()
        wait_for(lambda: not marked_processes(mark), PATIENCE_S)
        account.mid[kind] += not app.has_ended()
        account.acknowledged += app.acknowledged()
        check(root, dataset, account)
        print(".", end="", file=sys.stderr, flush=True)
    return account


class App:
    """The services in a process of their own, which does one kind of work and says on stdout what was acknowledged."""

    def __init__(self, root: Path, dataset: str, kind: str) -> None:
        command = [sys.executable, "-m", "tests.process.data_kills", "work", str(root), dataset, kind]
        self.said: list[list[str]] = []
        self.process = subprocess.Popen(
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            if line.endswith("\n"):
                self.said.append(line.split())

    def wait_until_busy(self) -> None:
        wait_for(lambda: self.said or self.process.poll() is not None, PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def acknowledged(self) -> list[str]:
        return [words[1] for words in self.said if words[0] == "done"]

    def has_ended(self) -> bool:
        return ["end"] in self.said


def work(root: Path, dataset: str, kind: str) -> None:
    """In the child: one kind of work, until it is done or killed."""
    studio, person = opened(root)
    with closing(studio):
        mark = f"{kind}-{secrets.token_hex(6)}"
        if kind == "bulk":
            for number in range(1000):
                begin(f"{mark}-{number}", lambda m: _replace(studio, person, dataset, m, tuple(range(1, SMALL + 1))))
        elif kind == "job":
            begin(mark, lambda m: _await(studio, _replace(studio, person, dataset, m, None)["job_id"]))
        elif kind == "import":
            begin(mark, lambda m: _await(studio, _import(studio, person, root, m)))
        else:
            _replace(studio, person, dataset, f"{mark}-before", (1,))
            begin(mark, lambda m: _await(studio, studio.datasets.save_version(person, dataset, m, m)))
    print("end", flush=True)


def begin(mark: str, act: Any) -> None:
    print("begin", mark, flush=True)
    act(mark)
    print("done", mark, flush=True)


def _replace(studio: Studio, person: Person, dataset: str, mark: str, row_ids: tuple[int, ...] | None) -> dict:
    """Every row that is meant says the mark afterwards, in place of what it said before."""
    action = {"kind": "replace", "find": r"mark \S+", "put": f"mark {mark}", "is_regex": True}
    return studio.bulk.apply(person, dataset, Selection(row_ids=row_ids), action, mark)


def _import(studio: Studio, person: Person, root: Path, mark: str) -> str:
    upload = root.parent / f"{mark}.jsonl"
    write_rows(upload, ROWS)
    return studio.datasets.import_upload(person, mark, upload, upload.name, mark, {})


def _await(studio: Studio, job_id: str) -> None:
    state = studio.queue.wait(job_id, PATIENCE_S)
    assert state.status == "finished", state.last


def write_rows(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, rows + 1):
            turns = [{"role": "user", "content": f"Question {number}?"}]
            turns.append({"role": "assistant", "content": f"Reply {number}, mark none of it. " + "word " * 40})
            file.write(json.dumps({"messages": turns}) + "\n")


def prepare(root: Path) -> str:
    """A dataset of ROWS rows; its id."""
    studio, person = opened(root)
    with closing(studio):
        _await(studio, _import(studio, person, root, "kept"))
        return studio.datasets.list(person)[0]["id"]


def check(root: Path, dataset: str, account: Account) -> None:
    """What the disk holds after a kill, read by an app that starts on it."""
    studio, person = opened(root)
    with closing(studio):
        for job in studio.queue.jobs(person):
            studio.queue.wait(job.id, PATIENCE_S)
        names = {entry["name"]: entry for entry in studio.datasets.list(person)}
        messages = {version["message"] for version in studio.datasets.versions(person)}
        deeds = _deeds(person, dataset)
    for path in (person.workspace / "datasets").glob(f"*{SUFFIX}"):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], path
    for mark in account.acknowledged:
        kind = mark.split("-")[0]
        held = {"import": names, "version": messages}.get(kind, deeds)
        assert mark in held, f"{mark} was acknowledged and is lost"
    for name, entry in names.items():
        assert entry["rows"] == ROWS, f"{name} holds {entry['rows']} rows"
    _check_marks(person, dataset, deeds)


def _deeds(person: Person, dataset: str) -> dict[str, int]:
    """The changes that are in the log, with how many rows each is kept to have."""
    with closing(sqlite3.connect(person.workspace / "datasets" / f"{dataset}{SUFFIX}")) as connection:
        found = connection.execute(
            "SELECT deed, json_extract(after, '$.rows'), (SELECT COUNT(*) FROM change_rows AS r WHERE r.change_id ="
            " changes.change_id) FROM changes ORDER BY change_id"
        ).fetchall()
    for deed, told, kept in found:
        assert told == kept, f"{deed} is half done: {kept} of {told} rows"
    return {deed: kept for deed, _, kept in found}


def _check_marks(person: Person, dataset: str, deeds: dict[str, int]) -> None:
    """The newest change of the log is what the rows say, all of them alike."""
    with closing(sqlite3.connect(person.workspace / "datasets" / f"{dataset}{SUFFIX}")) as connection:
        records = connection.execute("SELECT record FROM rows WHERE row_id BETWEEN 2 AND ?", (SMALL,)).fetchall()
        last = connection.execute("SELECT record FROM rows ORDER BY row_id DESC LIMIT 1").fetchone()
    of_small = [deed for deed in deeds if not deed.endswith("-before")]
    of_all = [deed for deed in of_small if deed.startswith("job")]
    assert {_mark(record) for (record,) in records} == {of_small[-1] if of_small else "none"}
    assert _mark(last[0]) == (of_all[-1] if of_all else "none")


def _mark(record: str) -> str:
    return json.loads(record)["messages"][1]["content"].split("mark ")[1].split()[0]


def opened(root: Path) -> tuple[Studio, Person]:
    settings = read_settings(["--root", str(root), "--port", "0"], {})
    return Studio(settings), person_from(None, {}, {}, settings)


def main(kills: str, seed: str = "1") -> None:
    mark = os.environ[MARK] = uuid.uuid4().hex
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        account = run_campaign(int(kills), int(seed), Path(folder) / "root", mark)
    for process in marked_processes(mark):
        process.kill()
    kinds = ", ".join(f"{count} of {kind}" for kind, count in account.mid.items())
    print(
        f"\n{kills} kills in {time.monotonic() - began_s:.0f} s, in the middle of the work: {kinds};"
        f" {len(account.acknowledged)} changes acknowledged, every one there, none half done"
    )


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(Path(sys.argv[2]), sys.argv[3], sys.argv[4])
    else:
        main(*sys.argv[1:])
