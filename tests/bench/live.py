"""Watching a run: from an event in its log to its point on the screen, and what a run of 100,000 steps costs a page."""

from __future__ import annotations

import json
import math
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from studio.events import Phase
from studio.people import Person, person_from
from studio.services.live import Live
from studio.services.queue import Queue
from studio.settings import read_settings
from tests.bench.application import running_app, wait_until
from tests.bench.browser import chromium, fresh_page, open_tab
from tests.bench.machine import percentile, summary
from tests.written_runs import WrittenRun

TIMES, STEPS, BLOCKS, SEED = 40, 100_000, 5, 7
LIMIT_MS = 30_000
_CHART = ".ws-chart"
_DRAWN = "([chart, step]) => Number(document.querySelector(chart).dataset.lastStep) >= step"


def measure(quick: bool = False) -> dict[str, Any]:
    """drawn_s: from the write of a step's line to plotly having drawn it, at random moments of the page's rhythm.

    first_*: a run of 100,000 steps (33 MB of log): seconds until a new service has read it and answered, the answer's
    bytes as JSON, and seconds from the click on the run to its curve in the browser. steady_*: the answers' bytes after
    that, for one new step and for ten.
    """
    steps = 5_000 if quick else STEPS
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch:
        root = Path(scratch) / "root"
        workspace = root / "people" / "local"
        with written(workspace, 0, "short") as short, written(workspace, 1, "long") as long:
            short.write(Phase("training", 10_000, "steps"))
            short.write_steps(losses(200), 10_000)
            long.write_steps(losses(steps), 2 * steps)
            figures = _services(root, long, steps, 1 if quick else BLOCKS)
            with running_app(root) as app, chromium() as browser, fresh_page(browser) as page:
                page.goto(app.address)
                open_tab(page, "train")
                figures |= _drawn(page, short, 3 if quick else TIMES)
                figures |= _watched(page, long, steps + 11)
        return figures


@contextmanager
def written(workspace: Path, number: int, title: str) -> Iterator[WrittenRun]:
    run = WrittenRun(workspace, number, title)
    try:
        yield run
    finally:
        run.close()


def losses(count: int) -> list[float]:
    noise = random.Random(SEED)
    return [2.4 * math.exp(-4 * step / count) + 0.2 + noise.random() * 0.1 for step in range(count)]


def _services(root: Path, run: WrittenRun, steps: int, blocks: int) -> dict[str, Any]:
    settings = read_settings(["--root", str(root)], {})
    person = person_from(None, {}, {}, settings)
    seconds = []
    for _ in range(blocks):
        live = Live(settings, Queue(settings))
        began = time.perf_counter()
        first = live.open(person, run.id)
        seconds.append(time.perf_counter() - began)
    one = _later(live, person, run, first["cursor"], [steps + 1])
    ten = _later(live, person, run, one["cursor"], list(range(steps + 2, steps + 12)))
    return {
        "first_read_s": summary(seconds, 3),
        "first_bytes": len(json.dumps(first)),
        "steady_bytes_1_step": len(json.dumps(one)),
        "steady_bytes_10_steps": len(json.dumps(ten)),
    }


def _later(live: Live, person: Person, run: WrittenRun, cursor: dict[str, int], steps: list[int]) -> dict[str, Any]:
    for step in steps:
        run.step(step, 0.3, total=200_000)
    return live.poll(person, run.id, cursor)


def _drawn(page: Page, run: WrittenRun, times: int) -> dict[str, Any]:
    _choose(page, run, 200)
    moment = random.Random(SEED)
    seconds = []
    for step in range(201, 201 + times):
        due = time.perf_counter() + 0.4 + moment.random() * 0.6
        wait_until(lambda due=due: time.perf_counter() >= due, 2, every_s=0.01)
        began = time.perf_counter()
        run.step(step, 0.5, total=10_000)
        page.wait_for_function(_DRAWN, arg=[_CHART, step], polling="raf", timeout=LIMIT_MS)
        seconds.append(time.perf_counter() - began)
    return {"drawn_s": summary(seconds) | {"p95": round(percentile(seconds, 0.95), 2)}}


def _watched(page: Page, run: WrittenRun, steps: int) -> dict[str, Any]:
    began = time.perf_counter()
    _choose(page, run, steps)
    return {"first_drawn_s": round(time.perf_counter() - began, 2)}


def _choose(page: Page, run: WrittenRun, steps: int) -> None:
    page.locator(f'tr[data-run="{run.id}"]').click()
    page.wait_for_function(_DRAWN, arg=[_CHART, steps], timeout=LIMIT_MS)
