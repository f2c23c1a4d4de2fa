"""A dataset of a hub that runs on this machine, from its id to its rows in the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.data_page import DIALOG, TABLE, begin_import, button, close_dialog, report_counts, wait_report
from tests.dataset_hub import address_of, serve_datasets
from tests.process.test_hub_datasets import REPOS


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For an app that is started after it."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with serve_datasets(REPOS) as server:
        monkeypatch.setenv("HF_ENDPOINT", address_of(server))
        yield


def open_hub(page: Page) -> None:
    page.locator(TABLE).get_by_role("button", name=re.compile("^Import( a file)?$")).first.click()
    page.locator(f'{DIALOG} [data-source="hub"]').click()


def look_up(page: Page, repo: str) -> None:
    page.get_by_label("Dataset of the Hub, as organisation/name").fill(repo)
    button(page.locator(DIALOG), "Look up").click()


def test_a_dataset_is_looked_up_shown_with_sizes_fetched_previewed_and_imported(hub, make_app, open_page):
    page = open_page(make_app().address)
    open_hub(page)
    look_up(page, "shop/thief")
    expect(page.locator(f"{DIALOG} .ws-hub-data")).to_contain_text("its card names files that are not its own")
    look_up(page, "shop/drinks")
    lines = page.locator(f"{DIALOG} .ws-hub-splits tbody tr")
    expect(lines).to_have_count(3)
    assert [line.split("\t")[:3] for line in lines.all_inner_texts()] == [
        ["tea", "train", "3"], ["tea", "test", "1"], ["moods", "train", "–"],
    ]  # fmt: skip
    expect(page.locator(f"{DIALOG} .ws-hub-data")).to_contain_text("Licence: cc-by-4.0")
    button(lines.first, "Download tea train").click()
    expect(page.locator(f"{DIALOG} .ws-hub-data")).to_have_text("drinks (tea, train): 3 rows are here.")
    expect(page.locator(f"{DIALOG} .ws-preview-records")).to_contain_text("Answer 1.")
    begin_import(page)
    report = wait_report(page)
    assert report_counts(report) == ("3", "3", "0")
    close_dialog(page)
    rows = page.locator(f"{TABLE} tbody tr")
    expect(rows).to_have_count(3)
    for place in range(3):
        expect(rows.nth(place)).to_contain_text(f"Answer {place + 1}.")
