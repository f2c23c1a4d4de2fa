"""Kills the model server in mid-stream: `python -m tests.process.serving_kills N [SEED]` prints what the N kills ended in.

Three columns stream at once; SIGKILL comes at a random moment after the first piece. Each column must end with a clear
error or, where its reply was complete, well; the next request must be answered by a server that was started anew.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import psutil

from studio.errors import ServerLost
from studio.people import Person
from studio.services.studio import Studio
from tests.process.served import QUESTION, serve
from tests.processes import MARK, marked_processes, wait_for

COLUMNS = ("pocket", "alice/kind", "pocket")
MODULE = "studio.serving"
STREAM_S = 1.0
ALIVE_S = 120.0


def run_campaign(kills: int, seed: int, root: Path) -> Counter[str]:
    """How the columns ended: "whole", or the code of an error. Raises AssertionError at the first that is not true."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    with serve(root) as served:
        for _ in range(kills):
            ask_again(served.studio, served.alice)
            columns = [_Column(served.studio, served.alice, model) for model in COLUMNS]
            wait_for(lambda columns=columns: all(column.has_begun for column in columns), ALIVE_S)
            time.sleep(chance.uniform(0, STREAM_S))
            kill_server(served.studio)
            for column in columns:
                counts[column.ending()] += 1
            print(".", end="", file=sys.stderr, flush=True)
        ask_again(served.studio, served.alice)
    return counts


class _Column:
    """A reply that goes on until its context is full, unless the server ends."""

    def __init__(self, studio: Studio, person: Person, model: str) -> None:
        self.has_begun = False
        self._end = ""
        self._thread = threading.Thread(target=self._stream, args=(studio, person, model))
        self._thread.start()

    def ending(self) -> str:
        self._thread.join(ALIVE_S)
        assert self._end, "a column waits for ever"
        return self._end

    def _stream(self, studio: Studio, person: Person, model: str) -> None:
        sampling = {"temperature": 0, "ignore_eos": True}
        try:
            for piece in studio.server.client(person).stream_chat(model, QUESTION, sampling):
                self.has_begun = self.has_begun or bool(piece.text)
            self._end = "whole"
        except ServerLost as error:
            self._end = error.code


def ask_again(studio: Studio, person: Person) -> None:
    """The next request works, and says it all."""
    pieces = list(studio.server.client(person).stream_chat("pocket", QUESTION, {"temperature": 0, "max_tokens": 5}))
    assert pieces[-1].tokens == 5 and "".join(piece.text for piece in pieces)


def server_process(studio: Studio) -> psutil.Process:
    """The server as the kernel sees it: a child of this process that runs its module."""
    studio.server.ensure()
    children = psutil.Process().children()
    return next(child for child in children if MODULE in child.cmdline())


def kill_server(studio: Studio) -> None:
    process = server_process(studio)
    process.kill()
    wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def main(kills: str, seed: str = "1") -> None:
    mark = os.environ[MARK] = uuid.uuid4().hex
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts = run_campaign(int(kills), int(seed), Path(folder) / "root")
    own = os.getpid()
    wait_for(lambda: all(process.pid == own for process in marked_processes(mark)))
    print()
    for ending, count in sorted(counts.items()):
        print(f"{ending:12} {count}")
    print(f"{kills} kills in {time.monotonic() - began_s:.0f} s; every next request was answered, no process left")


if __name__ == "__main__":
    main(*sys.argv[1:])
