"""The Compare tab as a person's hands use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import open_tab
from tests.browser.train_page import opened_studio, prepare_version

PLACE = "[data-widget=compare]"
COLUMN = f"{PLACE} .ws-compare-column"
BOX = "#compare-prompt"
LONG_MS = 120_000
"""The first prompt starts the model server, which imports torch, where other programs share the cores."""


def prepare_run(root: Path, rows: int = 64) -> str:
    """A finished run of one epoch on a saved version; its id."""
    prepare_version(root, rows)
    with opened_studio(root) as (studio, person):
        version = studio.datasets.versions(person)[0]["fingerprint"]
        choices = {"base": "pocket", "version": version, "method": "sft", "adapter": "lora", "title": "mugs-v1"}
        run = studio.runs.start(person, "deed", choices | {"settings": {"epochs": 1}, "prompts": []})
        assert studio.queue.wait(run, 300).status == "finished"
        return run


def open_compare(page: Page) -> None:
    open_tab(page, "compare")
    page.locator(f"{PLACE}[data-turns]").wait_for()


def titles(page: Page) -> list[str]:
    """The models of the columns, as their menus say."""
    return page.locator(f"{COLUMN} .ws-compare-menu option:checked").all_inner_texts()


def ask(page: Page, text: str) -> None:
    page.locator(BOX).fill(text)
    page.keyboard.press("Enter")


def wait_idle(page: Page, turns: int) -> None:
    """So many prompts were asked and every reply has come to its end."""
    expect(page.locator(PLACE)).to_have_attribute("data-turns", str(turns), timeout=LONG_MS)
    expect(page.locator(PLACE)).to_have_attribute("data-live", "false", timeout=LONG_MS)


def column(page: Page, index: int) -> Locator:
    return page.locator(COLUMN).nth(index)


def reply(page: Page, index: int, turn: int = 0) -> Locator:
    """A column's reply to a prompt: its text, its end and what can be done with it."""
    return column(page, index).locator(".ws-compare-reply").nth(turn)


def clear_talk(page: Page) -> None:
    """An empty conversation, shown as Markdown, with the settings of a new one."""
    page.evaluate("localStorage.removeItem('whetstone.compare.shape')")
    if page.locator("#compare-clear").is_visible():
        page.locator("#compare-clear").click()
        page.locator("dialog[open] .ws-btn-danger").click()
        wait_idle(page, 0)


def choose_columns(page: Page, *wanted: str) -> None:
    """Has the columns be these, given by their keys."""
    while page.locator(COLUMN).count() > 1:
        count = page.locator(COLUMN).count()
        column(page, count - 1).locator(".ws-icon").click()
        expect(page.locator(COLUMN)).to_have_count(count - 1)
    for number, key in enumerate(wanted):
        if number:
            page.locator(".ws-compare-add-button").click()
            expect(page.locator(COLUMN)).to_have_count(number + 1)
        column(page, number).locator("select").select_option(key)
        expect(column(page, number)).to_have_attribute("data-model", key)


def count_lengths(page: Page, index: int) -> Callable[[], list[int]]:
    """Notes from now on how long a column's last reply is each time it grows; call the result to read the notes."""
    page.evaluate(
        """([place, index]) => {
          window.seenLengths = [];
          const note = () => {
            const texts = document.querySelectorAll(place)[index].querySelectorAll('.ws-compare-reply .ws-reply');
            const length = texts.length ? texts[texts.length - 1].textContent.length : 0;
            if (length > (window.seenLengths.at(-1) || 0)) window.seenLengths.push(length);
          };
          new MutationObserver(note).observe(document.querySelectorAll(place)[index], { childList: true, subtree: true, characterData: true });
        }""",
        [COLUMN, index],
    )
    return lambda: page.evaluate("window.seenLengths")
