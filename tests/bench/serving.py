"""The model server: its start, first tokens cold and warm, memory, and thirty clients that chat at once."""

from __future__ import annotations

import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from tests.bench.application import memory
from tests.bench.machine import percentile, summary
from tests.process.serving_kills import server_process

TIMES, WARM = 5, 20
CLIENTS, ROUNDS, REPLY_TOKENS, PAUSE_S = 30, 5, 60, 1.0
QUESTIONS = (
    "Hello, how much is a teapot?",
    "When does the shop open?",
    "Can I send the blue cup back?",
    "こんにちは。急須はいくらですか。",
    "贈り物に包んでもらえますか。",
)


def measure(quick: bool = False) -> dict[str, Any]:
    """health_s: from the first need to an address that answers. first_token_s: cold from there, with torch still to be
    imported and the base to be probed (first) or known (again); warm on a server that has replied.

    clients: each asks, reads its reply to the end, pauses about a second, and asks again; or asks again at once, so that
    thirty replies are under way all the time. first_token_s is counted by the client from its request on; lost are
    replies that did not come whole.
    """
    times, rounds = (1, 1) if quick else (TIMES, ROUNDS)
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as folder:
        root = Path(folder) / "root"
        starts, cold = [], []
        for _ in range(times):
            with _opened(root) as (studio, person):
                began = time.perf_counter()
                studio.server.ensure()
                starts.append(time.perf_counter() - began)
                cold.append(_ask(studio, person, QUESTIONS[0], 0).first_token_s)
        with _opened(root) as (studio, person):
            studio.server.client(person).tokenize("pocket", "Hello")
            sizes = {"counting_tokens": memory([server_process(studio)])}
            _ask(studio, person, QUESTIONS[0], 0)
            warm = [_ask(studio, person, QUESTIONS[0], n).first_token_s for n in range(2 if quick else WARM)]
            sizes["after_a_reply"] = memory([server_process(studio)])
            clients = {
                "with_pauses": _chat(studio, person, rounds, PAUSE_S),
                "without_pauses": _chat(studio, person, rounds, 0.0),
            }
            sizes["after_the_clients"] = memory([server_process(studio)])
    return {
        "health_s": summary(starts),
        "first_token_s": {"cold_first": round(cold[0], 2), "cold_again": summary(cold[1:] or cold)}
        | {"warm": summary(warm, 4)},
        "memory_mb": sizes,
        "clients": clients,
    }


@dataclass
class _Reply:
    """first_token_s: None where none came. seconds: of the whole reply. lost: the code of an error, or why it is not whole."""

    first_token_s: float | None = None
    seconds: float = 0.0
    tokens: int = 0
    lost: str | None = field(default="unfinished")


@contextmanager
def _opened(root: Path) -> Iterator[tuple[Studio, Person]]:
    settings = read_settings(["--root", str(root), "--port", "0"], {})
    studio = Studio(settings)
    try:
        yield studio, person_from(None, {}, {}, settings)
    finally:
        studio.close()


def _ask(studio: Studio, person: Person, question: str, seed: int) -> _Reply:
    reply = _Reply()
    sampling = {"temperature": 0.8, "seed": seed, "max_tokens": REPLY_TOKENS}
    began = time.perf_counter()
    try:
        messages = [{"role": "user", "content": question}]
        for piece in studio.server.client(person).stream_chat("pocket", messages, sampling):
            if piece.text and reply.first_token_s is None:
                reply.first_token_s = time.perf_counter() - began
            reply.tokens = piece.tokens or reply.tokens
            reply.lost = None if piece.finish_reason else reply.lost
    except StudioError as error:
        reply.lost = error.code
    reply.seconds = time.perf_counter() - began
    return reply


def _chat(studio: Studio, person: Person, rounds: int, pause_s: float) -> dict[str, Any]:
    replies: list[_Reply] = []
    chance = random.Random(1)
    pauses = [[chance.uniform(0.5, 1.5) * pause_s for _ in range(rounds)] for _ in range(CLIENTS)]

    def chat(number: int) -> None:
        pause = threading.Event()
        for turn in range(rounds):
            pause.wait(pauses[number][turn])
            replies.append(_ask(studio, person, QUESTIONS[(number + turn) % len(QUESTIONS)], number * 100 + turn))

    threads = [threading.Thread(target=chat, args=(number,)) for number in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    first = [reply.first_token_s for reply in replies if reply.first_token_s is not None]
    return {
        "clients": CLIENTS,
        "replies": len(replies),
        "lost": [reply.lost for reply in replies if reply.lost],
        "first_token_s": {"median": round(statistics.median(first), 3), "p95": round(percentile(first, 0.95), 3)},
        "reply_s": summary([reply.seconds for reply in replies])["median"],
        "tokens_per_s": round(sum(reply.tokens for reply in replies) / seconds),
    }
