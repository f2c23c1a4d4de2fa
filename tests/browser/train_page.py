"""The Train tab as a person's hands use it, and a root with something to train on."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from tests.browser.conftest import open_tab

RUN = "#run [data-widget=run]"
RUNS = "#runs [data-widget=runs]"
CHART = ".ws-chart"
LONG_MS = 180_000
"""A worker's imports take half a minute where eight programs share two cores."""
expect.set_options(timeout=30_000)


@contextmanager
def opened_studio(root: Path) -> Iterator[tuple[Studio, Person]]:
    """The services on a root, closed again before an app opens it."""
    settings = read_settings(["--root", str(root), "--lang", "en"], {})
    studio = Studio(settings)
    try:
        yield studio, person_from(None, {}, {}, settings)
    finally:
        studio.close()


def prepare_version(root: Path, rows: int = 64) -> None:
    """A saved version of short conversations, measured, so that the form is ready at once."""
    records = [
        {"messages": [{"role": "user", "content": f"How much is mug {n}?"}, {"role": "assistant", "content": f"{n} yen, tax included."}]}
        for n in range(1, rows + 1)
    ]  # fmt: skip
    root.mkdir(parents=True)
    path = root / "mugs.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    with opened_studio(root) as (studio, person):
        job = studio.datasets.import_upload(person, secrets.token_hex(8), path, "mugs.jsonl", None, {})
        assert studio.queue.wait(job, 60).status == "finished"
        dataset = studio.datasets.list(person)[0]["id"]
        saved = studio.datasets.save_version(person, dataset, secrets.token_hex(8), "")
        assert studio.queue.wait(saved, 60).status == "finished"


def open_train(page: Page) -> None:
    open_tab(page, "train")
    page.locator("#start [data-preview]").wait_for(timeout=LONG_MS)


def wait_ready(page: Page) -> None:
    """The form knows what a run will do and cost."""
    page.locator("#start [data-preview=ready]").wait_for(timeout=LONG_MS)


def type_setting(page: Page, name: str, value: str) -> None:
    page.locator(f"#train-{name} :is(input, textarea)").fill(value)


def press_start(page: Page) -> str:
    """Starts, and gives the id of the run that is shown then."""
    before = page.locator(RUN).get_attribute("data-run") or ""
    page.locator("#train-start").click()
    shown = page.wait_for_function(
        "([place, before]) => { const run = document.querySelector(place)?.dataset.run; return run && run !== before ? run : false; }",
        arg=[RUN, before],
        timeout=LONG_MS,
    )
    return shown.json_value()


def wait_status(page: Page, status: str) -> None:
    expect(page.locator(RUN)).to_have_attribute("data-status", status, timeout=LONG_MS)


def wait_points(page: Page, count: int) -> None:
    page.wait_for_function(
        "([place, count]) => Number(document.querySelector(place)?.dataset.points || 0) >= count",
        arg=[CHART, count],
        timeout=LONG_MS,
    )


def points(page: Page) -> int:
    return int(page.locator(CHART).get_attribute("data-points") or 0)


def number(page: Page, name: str) -> str:
    """One of the large numbers: place, loss, held_out, pace, left."""
    return page.locator(f'{RUN} [data-number="{name}"]').inner_text()


def said(page: Page) -> str:
    """What the state panel says."""
    return page.locator(f"{RUN} .ws-run-state").inner_text()
