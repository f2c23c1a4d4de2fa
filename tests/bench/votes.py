"""The pair card: from a key pressed to the frame that shows the next pair, alone and while thirty people vote."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from studio.people import person_from
from studio.settings import read_settings
from tests.bench.application import running_app
from tests.bench.browser import chromium, fresh_page, open_tab
from tests.bench.machine import percentile
from tests.browser.preferences_page import CARD, wait_pair
from tests.preference_projects import make_project, sent_vote
from tests.voter import Voter

PEOPLE, VOTES, PAIRS = 30, 60, 5000
PACE_S = 1.0
"""Each of the thirty votes once a second: forty times the pace of somebody who reads a hundred words."""

KEYS = ("s", "k", "f", "b", "Space", "s", "k")
WATCH = """(card) => {
  const node = document.querySelector(card), times = (window.times = { shown: [], saved: [] });
  let pressed = 0;
  document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver((changes) => {
    for (const { attributeName: name } of changes) {
      if (name === "data-pair") { const since = pressed; requestAnimationFrame(() => setTimeout(() => times.shown.push(performance.now() - since))); }
      if (name === "data-unsaved" && node.dataset.unsaved === "0") times.saved.push(performance.now() - pressed);
    }
  }).observe(node, { attributes: true, attributeFilter: ["data-pair", "data-unsaved"] });
}"""


def measure(quick: bool = False) -> dict[str, Any]:
    """shown_ms: key pressed → the next pair painted. saved_ms: → the app's word that the vote is on its disk. others:
    how long each call of the thirty took. The project has `pairs` pairs, which all of them share."""
    people, votes, pairs = (5, 10, 600) if quick else (PEOPLE, VOTES, PAIRS)
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch:
        root = Path(scratch) / "root"
        project = make_project(person_from(None, {}, {}, read_settings(["--root", str(root)], {})), pairs)
        with running_app(root) as app, chromium() as browser, fresh_page(browser) as page:
            page.goto(app.address)
            page.wait_for_selector("html[data-ready]")
            open_tab(page, "preferences")
            wait_pair(page)
            page.evaluate(WATCH, CARD)
            alone = _vote(page, votes)
            with _voting(app.address, project, people) as others:
                together = _vote(page, votes)
    return {"pairs": pairs, "people": people, "alone": alone, "together": together} | {"others": others}


def _vote(page: Page, count: int) -> dict[str, Any]:
    """Presses keys as fast as the card takes them."""
    page.evaluate("Object.assign(window.times, { shown: [], saved: [] })")
    for number in range(count):
        wait_pair(page)
        page.keyboard.press(KEYS[number % len(KEYS)])
    wait_pair(page)
    page.wait_for_function(f"document.querySelector('{CARD}').dataset.unsaved === '0'")
    times = page.evaluate("window.times")
    return {"votes": len(times["shown"])} | {f"{name}_ms": _spread(times[name]) for name in ("shown", "saved")}


@contextmanager
def _voting(address: str, project: str, people: int) -> Iterator[dict[str, Any]]:
    """People who vote until the block is left; their waits are in the yielded dict afterwards."""
    ended = threading.Event()
    told: dict[str, Any] = {}
    with ThreadPoolExecutor(people) as pool:
        at_work = [pool.submit(_one_person, address, project, ended, number) for number in range(people)]
        began = time.perf_counter()
        try:
            yield told
        finally:
            ended.set()
        waits = [wait for one in at_work for wait in one.result()]
        seconds = time.perf_counter() - began
    told |= {"votes_per_s": round(len(waits) / seconds, 1), "call_ms": _spread([1000 * wait for wait in waits])}


def _one_person(address: str, project: str, ended: threading.Event, number: int) -> list[float]:
    """Seconds that each vote took, the asking for the next pair included."""
    chance = random.Random(number)
    waits: list[float] = []
    with closing(Voter(address)) as voter:
        ended.wait(chance.uniform(0, PACE_S))
        while not ended.wait(PACE_S):
            began = time.perf_counter()
            pairs = voter.next_pairs(project, 1)
            voter.vote(project, [sent_vote(pairs[0], "left")])
            waits.append(time.perf_counter() - began)
    return waits


def _spread(milliseconds: list[float]) -> dict[str, float]:
    return {f"p{round(100 * share)}": round(percentile(milliseconds, share), 1) for share in (0.5, 0.95, 1.0)}
