"""Kills the app while votes come in: `python -m tests.process.vote_kills N [SEED]` prints what N kills have lost: nothing.

A voter sends five votes a second over HTTP to the real app. SIGKILL comes at a random moment, for every other kill
within milliseconds of a vote being sent. The next app gets every vote again that was not acknowledged, as the page's
outbox sends it. In the end each acknowledged vote is in the log once, and each vote that was sent is there once too.
"""

from __future__ import annotations

import os
import random
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.people import Person, person_from
from studio.settings import read_settings
from studio.store.preferences import open_preferences
from tests.preference_projects import make_project
from tests.processes import MARK, marked_processes, wait_for
from tests.voter import NoAnswer, Voter

PROJECT = Path(__file__).resolve().parents[2]
VOTES_PER_S = 5
LATEST_KILL_S = 1.5
PAIRS_A_KILL = 15
MID_VOTE_S = 0.02
"""A vote takes a few milliseconds from the socket to the disk and back."""

PRESSED = ("left", "right", "both_good", "both_bad", "skip", "left", "right")
_ADDRESS = re.compile(r"http://\S+")


@dataclass
class Account:
    """What was sent and acknowledged, over all apps. waiting: sent without an answer, to be sent again first."""

    sent: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    repeated: int = 0
    mid_vote: int = 0


class App:
    """`python app.py` on a root, ready; killed without a word."""

    def __init__(self, root: Path) -> None:
        command = [sys.executable, "app.py", "--port", "0", "--root", str(root)]
        self.process = subprocess.Popen(
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        line = next(line for line in self.process.stdout if _ADDRESS.search(line))
        self.address = _ADDRESS.search(line).group(0)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def run_campaign(kills: int, seed: int, root: Path) -> Account:
    """Raises AssertionError where a vote is lost or doubled."""
    chance = random.Random(seed)
    account = Account()
    project = make_project(_person(root), PAIRS_A_KILL * (kills + 1))
    app = App(root)
    try:
        for number in range(kills):
            vote_until_killed(app, project, account, chance, is_mid_vote=bool(number % 2))
            check_log(root, project, account)
            print(".", end="", file=sys.stderr, flush=True)
            app = App(root)
        with closing(Voter(app.address)) as voter:
            send_one(voter, project, account, threading.Event())
        check_log(root, project, account, is_complete=True)
    finally:
        app.kill()
    return account


def vote_until_killed(app: App, project: str, account: Account, chance: random.Random, is_mid_vote: bool) -> None:
    """One app's life: a voter in a thread, and the kill."""
    sending, ended = threading.Event(), threading.Event()
    voter = threading.Thread(target=vote_on, args=(app.address, project, account, sending, ended))
    before = len(account.sent)
    voter.start()
    wait_for(lambda: len(account.sent) > before)
    threading.Event().wait(chance.uniform(0, LATEST_KILL_S))
    if is_mid_vote:
        sending.clear()
        sending.wait(10)
        threading.Event().wait(chance.uniform(0, MID_VOTE_S))
    waiting = len(account.waiting)
    app.kill()
    account.mid_vote += bool(waiting)
    ended.set()
    voter.join()


def vote_on(address: str, project: str, account: Account, sending: threading.Event, ended: threading.Event) -> None:
    """Votes five times a second until the app is away."""
    try:
        with closing(Voter(address)) as voter:
            due = time.monotonic()
            while not ended.wait(max(0.0, due - time.monotonic())):
                due += 1 / VOTES_PER_S
                send_one(voter, project, account, sending)
    except NoAnswer:
        pass


def send_one(voter: Voter, project: str, account: Account, sending: threading.Event) -> None:
    """The next vote, together with those that were never acknowledged. Raises NoAnswer."""
    account.repeated += len(account.waiting)
    if pairs := voter.next_pairs(project, 1, [vote["pair_id"] for vote in account.waiting]):
        pressed = PRESSED[len(account.sent) % len(PRESSED)]
        vote = {"id": secrets.token_hex(8), "pair_id": pairs[0]["pair_id"], "pressed": pressed, "seconds": 0.2}
        account.waiting.append(vote)
        account.sent.append(vote["id"])
    sending.set()
    saved = voter.vote(project, account.waiting)
    assert saved == [vote["id"] for vote in account.waiting]
    account.acknowledged += saved
    account.waiting.clear()


def check_log(root: Path, project: str, account: Account, is_complete: bool = False) -> None:
    """Every acknowledged vote is there, none twice, in the order they were made; no pair was voted on twice."""
    with open_preferences(_person(root).workspace) as preferences:
        assert preferences.votes.log(project, 10**9, 1) == []
        events = preferences.votes.log(project, 0, 10**9)
    logged = [event["event"] for event in events]
    assert len(set(logged)) == len(logged)
    lost = set(account.acknowledged) - set(logged)
    assert not lost, f"{len(lost)} acknowledged votes are lost"
    assert logged == [event for event in account.sent if event in set(logged)]
    assert len({event["pair_id"] for event in events}) == len(events)
    if is_complete:
        assert logged == account.sent


def _person(root: Path) -> Person:
    return person_from(None, {}, {}, read_settings(["--root", str(root)], {}))


def main(kills: str, seed: str = "1") -> None:
    mark = os.environ[MARK] = uuid.uuid4().hex
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        account = run_campaign(int(kills), int(seed), Path(folder) / "root")
    for process in marked_processes(mark):
        process.kill()
    print(
        f"\n{kills} kills in {time.monotonic() - began_s:.0f} s, {account.mid_vote} of them between a vote and its answer:"
        f" {len(account.sent)} votes sent, {len(account.acknowledged)} acknowledged, {account.repeated} sent again,"
        " every one in the log once"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
