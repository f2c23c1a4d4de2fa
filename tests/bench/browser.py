"""A real Chromium for measuring: started before the clock, one fresh context a measure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        raise FileNotFoundError("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def fresh_page(browser: Browser) -> Iterator[Page]:
    """A page that shares nothing with the ones before it: no cache, no cookies."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    try:
        yield context.new_page()
    finally:
        context.close()


def open_tab(page: Page, name: str) -> None:
    """Click a tab's button and wait until its content is there."""
    page.locator(f"#ws-tab-{name}-button").click()
    page.locator(f"#ws-tab-{name}").wait_for(state="visible")
