"""From the click on Start to the first loss on the chart, with the spare worker and without it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page

from studio.jobs.folder import JobFolder
from tests.bench.application import App, is_idle, memory, running_app, wait_until
from tests.bench.browser import chromium, fresh_page, open_tab
from tests.bench.machine import summary
from tests.bench.prepared import prepared_root

TIMES = 5
READY_MS, FIRST_LOSS_MS = 180_000, 120_000
_FORGET = "() => document.querySelectorAll('[data-points]').forEach((chart) => { chart.dataset.points = 0; })"
"""The chart of the run before still says how many points it drew until the new one has drawn its first."""
_DRAWN = """(known) => {
  const run = document.querySelector("[data-run]");
  const drawn = [...document.querySelectorAll("[data-points]")].some((chart) => Number(chart.dataset.points) > 0);
  const said = /[0-9]/.test(document.querySelector('[data-number="loss"]')?.textContent ?? "");
  return run && !known.includes(run.dataset.run) && drawn && said ? run.dataset.run : false;
}"""


def measure(quick: bool = False) -> dict[str, Any]:
    """with_spare_s and without_s: medians of alternating starts; the pocket model, 1,200 rows, the form's defaults.

    Before each click the form has measured the data, nothing else runs, and the spare's imports are done (or its
    processes have been ended). memory_mb: app, run and what waits beside it, while the run goes on.
    """
    seconds: dict[bool, list[float]] = {True: [], False: []}
    with chromium() as browser, prepared_root() as root, running_app(root) as app:
        for _ in range(1 if quick else TIMES):
            for with_spare in (True, False):
                took, sizes = _first_loss(browser, app, root, with_spare)
                seconds[with_spare].append(took)
    return {
        "with_spare_s": summary(seconds[True]),
        "without_s": summary(seconds[False]),
        "memory_mb": {"app_and_run": sizes},
    }


def _first_loss(browser: Browser, app: App, root: Path, with_spare: bool) -> tuple[float, dict[str, float]]:
    jobs = root / "people" / "local" / "jobs"
    with fresh_page(browser) as page:
        page.goto(app.address)
        open_tab(page, "train")
        page.locator('[data-preview="ready"]').wait_for(timeout=READY_MS)
        _ensure_spare(app, with_spare)
        known = [folder.name for folder in jobs.iterdir()]
        page.evaluate(_FORGET)
        began = time.perf_counter()
        page.locator("#train-start").click()
        run = page.wait_for_function(_DRAWN, arg=known, polling="raf", timeout=FIRST_LOSS_MS).json_value()
        took = time.perf_counter() - began
        sizes = memory(app.family())
        _end(page, JobFolder(jobs / run))
    return took, sizes


def _ensure_spare(app: App, wanted: bool) -> None:
    """Wait until the spare is there and idle; then end it where it is not wanted."""
    wait_until(lambda: len(app.spare()) >= 2, 60)
    spare = app.spare()
    wait_until(lambda: is_idle(spare), 60, every_s=0.2)
    if not wanted:
        for process in spare:
            process.kill()
        psutil.wait_procs(spare, timeout=10)


def _end(page: Page, job: JobFolder) -> None:
    page.locator("#run-stop").click()
    wait_until(lambda: job.state().is_ended and not job.is_held(), 60, every_s=0.2)
