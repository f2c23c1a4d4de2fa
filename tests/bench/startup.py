"""From `python app.py` to a page that answers a click, and the memory that the app takes."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser

from tests.bench.application import is_idle, memory, running_app, wait_until
from tests.bench.browser import chromium, fresh_page, open_tab
from tests.bench.machine import summary

TIMES, LOADS = 5, 30


def measure(quick: bool = False) -> dict[str, Any]:
    """served_s: until the first bytes of the page; usable_s: until a click on another tab showed its content.

    Both from just before the process is made, the browser running already, an empty root, warm file cache (one start
    before the first that counts). Memory after 30 loads of the page, each in a browser context of its own.
    """
    times, loads = (1, 3) if quick else (TIMES, LOADS)
    with chromium() as browser:
        if not quick:
            _start(browser)
        starts = [_start(browser) for _ in range(times)]
        return {
            "served_s": summary([served for served, _ in starts]),
            "usable_s": summary([usable for _, usable in starts]),
            "memory_mb": _memory(browser, loads),
        }


def _start(browser: Browser) -> tuple[float, float]:
    with fresh_page(browser) as page, running_app() as app:
        page.goto(app.address, wait_until="commit")
        served = app.seconds()
        open_tab(page, "settings")
        return served, app.seconds()


def _memory(browser: Browser, loads: int) -> dict[str, Any]:
    with running_app() as app:
        for _ in range(loads - 1):
            with fresh_page(browser) as page:
                page.goto(app.address)
                open_tab(page, "train")
        with fresh_page(browser) as page:
            page.goto(app.address)
            open_tab(page, "train")
            wait_until(lambda: len(app.spare()) >= 2, 60)  # an open page asks for the spare
            spare = app.spare()
            wait_until(lambda: is_idle(spare), 60, every_s=0.5)
        return {
            "page_loads": loads,
            "app": memory(app.family()[:1]),
            "spare": memory(spare),
            "app_and_spare": memory(app.family()),
        }
