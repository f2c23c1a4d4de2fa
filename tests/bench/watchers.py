"""Thirty clients replay what one open page asks while a run trains: how long they wait, and what the run loses."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from tests.bench.application import running_app, wait_until
from tests.bench.browser import chromium, fresh_page, open_tab
from tests.bench.machine import percentile, summary
from tests.bench.prepared import long_run, prepared_root
from tests.bench.replay import Client, asked_for, record

CLIENTS, PAIRS, BLOCK_S, RECORD_S = 30, 5, 16.0, 20.0
WARM_STEPS = 5
SETTLE_S = 2.0
"""Left out at the start of each block: the clients' first calls and what the block before left in the pipes."""


def measure(quick: bool = False) -> dict[str, Any]:
    """wait_s: of every replayed call. slowdown: tokens per second without watchers ÷ with, per pair of neighbouring
    blocks; the run's held-out losses and samples fall into both kinds of block."""
    clients, pairs, block_s, record_s = (5, 1, 12.0, 8.0) if quick else (CLIENTS, PAIRS, BLOCK_S, RECORD_S)
    with chromium() as browser, prepared_root() as root, long_run(root) as job, running_app(root) as app:
        with fresh_page(browser) as page:
            page.goto(app.address)
            wait_until(lambda: len(list(_steps(job / "events.jsonl"))) > WARM_STEPS, 180, every_s=0.5)
            calls = record(page, record_s, lambda: open_tab(page, "train"))
        rates: dict[bool, list[float]] = {False: [], True: []}
        waited: list[float] = []
        failures = told = 0
        for _ in range(pairs):
            for watched in (False, True):
                made = [Client(app.address, calls) for _ in range(clients if watched else 0)]
                with _watching(made, block_s):
                    rates[watched].append(training_rate(job / "events.jsonl", block_s))
                waited += [seconds for client in made for seconds in client.waited_s]
                failures += sum(client.failures for client in made)
                told += sum(client.told for client in made)
    ratios = [without / under for without, under in zip(rates[False], rates[True], strict=True)]
    return {
        "clients": clients,
        "calls": [
            {"path": call.path.partition("?")[0], "asks": asked_for(call.body), "period_s": round(call.period_s, 2)}
            for call in calls
        ],
        "replayed": len(waited),
        "told": told,
        "failures": failures,
        "wait_s": {"p50": round(percentile(waited, 0.5), 3), "p95": round(percentile(waited, 0.95), 3)},
        "tokens_per_s_alone": summary(rates[False], 0),
        "tokens_per_s_watched": summary(rates[True], 0),
        "slowdown": summary(ratios, 3),
    }


@contextmanager
def _watching(clients: list[Client], block_s: float) -> Iterator[None]:
    until = time.perf_counter() + block_s
    with ThreadPoolExecutor(max(1, len(clients))) as pool:
        ended = [pool.submit(client.replay, until, n / len(clients)) for n, client in enumerate(clients)]
        yield
        for one in ended:
            one.result()


def training_rate(log: Path, block_s: float) -> float:
    """Tokens per second that a run trained in the coming block, by its own log.

    Raises IndexError when fewer than two steps were logged in it.
    """
    begin = datetime.now(UTC) + timedelta(seconds=SETTLE_S)
    threading.Event().wait(block_s)
    steps = [(moment, tokens) for moment, tokens in _steps(log) if moment >= begin]
    (first, before), (last, after) = steps[0], steps[-1]
    return (after - before) / (last - first).total_seconds()


def _steps(log: Path) -> Iterator[tuple[datetime, int]]:
    """When each step was logged, and the tokens trained until then."""
    for line in log.read_bytes().split(b"\n")[:-1]:
        event = orjson.loads(line)
        if event["kind"] == "step":
            yield datetime.fromisoformat(event["time"]), event["tokens"]
