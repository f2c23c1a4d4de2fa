"""The Preferences tab as a person's hands use it: a project, a key, what stands on the card."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from studio.words import say
from tests.browser.conftest import open_tab

CARD = '[data-widget="pairs"]'
PROJECT = '[data-widget="projects"]'
DIALOG = "dialog[open]"
LOCK_MS = 400

_AFTER_LOCK = f"""() => new Promise((done) => {{
  const start = performance.now();
  const look = () => (performance.now() - start > {LOCK_MS + 20} ? done() : requestAnimationFrame(look));
  look();
}})"""


def open_sample(page: Page, language: str = "en") -> None:
    """A fresh sample project with its first pair on the card: by the button of the empty tab, else by the dialog."""
    open_tab(page, "preferences")
    projects = page.locator(PROJECT)
    expect(projects).to_have_attribute("data-projects", re.compile(r"\d+"))
    known = projects.get_attribute("data-projects")
    if known == "0":
        page.get_by_role("button", name=say(language, "preferences.load_sample")).click()
    else:
        page.get_by_role("button", name=say(language, "preferences.new")).first.click()
        page.locator(f'{DIALOG} [data-kind="sample"]').click()
        page.locator(f"{DIALOG} .ws-btn-primary").click()
        expect(page.locator(DIALOG)).to_have_count(0)
    expect(projects).to_have_attribute("data-projects", str(int(known) + 1))
    expect(number(page, "votes")).to_have_text("0")
    wait_pair(page)


def wait_pair(page: Page) -> int:
    """The pair on the card, once a press would count."""
    expect(page.locator(CARD)).to_have_attribute("data-pair", re.compile(r"\d+"))
    page.evaluate(_AFTER_LOCK)
    return shown(page)


def shown(page: Page) -> int:
    return int(page.locator(CARD).get_attribute("data-pair") or 0)


def press(page: Page, key: str, count: int = 1) -> list[int]:
    """Presses a key, each time on a new pair; the pairs it was pressed on."""
    pairs = []
    for _ in range(count):
        pairs.append(wait_pair(page))
        page.keyboard.press(key)
    wait_pair(page)
    return pairs


def place(page: Page) -> str:
    """The number of the shown pair, as the card says it."""
    return re.search(r"\d+", page.locator(f"{CARD} .ws-pair-ask .ws-head small").last.inner_text()).group(0)


def number(page: Page, name: str):
    return page.locator(f'{CARD} [data-number="{name}"] .ws-num')


def replies(page: Page) -> list[str]:
    return page.locator(f"{CARD} [data-side]").all_inner_texts()


def saved(page: Page) -> None:
    expect(page.locator(CARD)).to_have_attribute("data-unsaved", "0")
