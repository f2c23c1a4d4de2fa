"""The Export tab as a person's hands use it: from a finished run to a zip on the disk, with what was read back."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.words import PSEUDO
from tests.adapter_runs import ended_export, ended_run
from tests.browser.compare_page import COLUMN, ask, reply, titles, wait_idle
from tests.browser.conftest import PHONE, open_tab, settle, started_app
from tests.browser.test_crawl import untranslated
from tests.browser.train_page import (
    LONG_MS,
    open_train,
    prepare_version,
    press_start,
    type_setting,
    wait_ready,
    wait_status,
)

ADAPTERS = '#adapters [data-widget="adapters"]'
EXPORTS = ".ws-export-list"
ROW = ".ws-export-row"
WORDS = {
    "en-US": {
        "export": "Export",
        "same": "Read back: same reply",
        "download": "Download",
        "base": "Base model",
        "pocket": "Base · Pocket",
    },
    "ja-JP": {
        "export": "書き出す",
        "same": "読み戻し：応答が一致",
        "download": "ダウンロード",
        "base": "ベースモデル",
        "pocket": "ベース · Pocket",
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A root with a version to train on, before any run."""
    root = tmp_path_factory.mktemp("export") / "root"
    prepare_version(root)
    return root


@pytest.fixture
def written(tmp_path) -> Path:
    """A root with two adapters and an export of an earlier one, none of them trained."""
    root = tmp_path / "root"
    workspace = root / "people" / "local"
    ended_run(workspace, 1, title="Polite v3")
    ended_run(workspace, 2, title="丁寧な応答")
    ended_export(workspace, 1)
    ended_export(workspace, 2, form="folder", is_endless=True)
    return root


def open_export(page: Page) -> None:
    open_tab(page, "export")
    page.locator(f"{ADAPTERS}[data-adapters]").wait_for(timeout=LONG_MS)


def adapter_row(page: Page, name: str):
    return page.locator(".ws-adapter-list tbody tr", has_text=name)


def press(page: Page, place: str, name: str) -> None:
    page.locator(place).get_by_role("button", name=name, exact=True).click()


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_a_finished_run_is_compared_seen_through_and_becomes_a_downloaded_zip(open_page, trained, tmp_path, locale):
    """The whole path on one page: the run's button brings its adapter beside its base, and both reply."""
    words = WORDS[locale]
    root = Path(shutil.copytree(trained, tmp_path / "root"))
    with started_app(root) as app:
        page = open_page(app.address, locale=locale)
        open_train(page)
        wait_ready(page)
        type_setting(page, "epochs", "2")
        press_start(page)
        wait_status(page, "finished")

        page.locator("#run-compare").click()
        expect(page.locator(COLUMN)).to_have_count(2)
        assert titles(page)[0] == words["pocket"] and titles(page)[1].endswith("SFT")
        ask(page, "How much is mug 7?")
        wait_idle(page, 1)
        assert all(reply(page, place).locator(".ws-reply").inner_text().strip() for place in range(2))

        open_tab(page, "data")
        trained_tokens = page.locator('[data-widget="xray"] .ws-tokens .ws-piece-trained')
        trained_tokens.first.wait_for(timeout=LONG_MS)
        seen = "".join(trained_tokens.all_inner_texts()).replace("·", " ")
        assert re.fullmatch(r"\d+ yen, tax included\.<\|im_end\|>", seen)

        open_export(page)
        expect(page.locator(".ws-adapter-list tbody tr")).to_have_count(1)
        expect(page.locator(".ws-adapter-facts")).to_contain_text(words["base"])
        press(page, ".ws-export-form", words["export"])
        done = page.locator(f'{ROW}[data-status="finished"]')
        done.wait_for(timeout=LONG_MS)
        expect(done).to_contain_text(words["same"])
        done.locator("summary").click()
        assert done.locator(".ws-export-check .ws-reply").first.inner_text().strip()
        with page.expect_download() as downloading:
            done.get_by_role("link", name=words["download"], exact=True).click()
        path = tmp_path / downloading.value.suggested_filename
        downloading.value.save_as(path)
        page.close()
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        told = json.loads(packed.read(f"{path.stem}/whetstone.json"))
        card = packed.read(f"{path.stem}/README.md").decode()
    assert told["base"] == "pocket" and told["files"]["adapter_model.safetensors"]
    assert ("由来" in card) == (locale == "ja-JP"), "the card speaks the language of the page"


def test_an_empty_tab_leads_to_training(open_page, app_url):
    page = open_page(app_url)
    open_export(page)
    assert page.locator(ADAPTERS).get_attribute("data-adapters") == "0"
    expect(page.locator("#export-right")).to_be_hidden()
    press(page, ADAPTERS, "Open the Train tab")
    expect(page.locator("#ws-tab-train")).to_be_visible()


def test_names_and_notes_are_kept_and_deleting_says_what_depends(open_page, written):
    with started_app(written) as app:
        page = open_page(app.address)
        open_export(page)
        expect(page.locator(".ws-adapter-list tbody tr")).to_have_count(2)
        adapter_row(page, "Polite v3").click()
        press(page, ".ws-adapter-head", "Rename")
        page.locator("dialog[open] input").fill("丁寧な応答")
        page.locator("dialog[open] .ws-btn-primary").click()
        expect(page.locator("dialog[open] [role=alert]")).to_contain_text("taken")
        page.locator("dialog[open] input").fill("Polite")
        page.keyboard.press("Enter")
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(page.locator(".ws-adapter-head h2")).to_have_text("Polite")
        page.locator(".ws-adapter-notes").fill("For <b>the shop</b>")
        press(page, ".ws-adapter-details", "Save the notes")
        expect(page.get_by_role("button", name="Save the notes")).to_have_count(0)
        page.reload()
        open_export(page)
        adapter_row(page, "Polite").click()
        expect(page.locator(".ws-adapter-notes")).to_have_value("For <b>the shop</b>")
        page.locator(".ws-adapter-settings summary").click()
        expect(page.locator(".ws-adapter-settings")).to_contain_text("Rank")
        press(page, ".ws-adapter-head", "Delete")
        expect(page.locator("dialog[open]")).to_contain_text("are removed for good")
        page.locator("dialog[open] .ws-btn-danger").click()
        expect(page.locator(".ws-adapter-list tbody tr")).to_have_count(1)
        expect(page.locator(EXPORTS)).to_contain_text("Polite")  # the export of a deleted adapter stays
        page.close()


def test_an_export_whose_replies_never_ended_is_not_told_as_a_plain_success(open_page, written):
    with started_app(written) as app:
        for locale, tag, sentence in (
            ("en-US", "End token not seen", "not shown that replies of this export stop"),
            ("ja-JP", "終了トークン未確認", "自動的に終わるかどうかは確認できていません"),
        ):
            page = open_page(app.address, locale=locale)
            open_export(page)
            endless, ended = page.locator(ROW).all()
            expect(endless.locator(".ws-tag-warn")).to_have_text(tag)
            expect(endless.locator(".ws-tag-good")).to_have_text(WORDS[locale]["same"])
            expect(ended.locator(".ws-tag-warn")).to_have_count(0)
            endless.locator("summary").click()
            expect(endless.locator(".ws-export-evidence > p")).to_contain_text(sentence)
            page.close()


def test_notes_that_are_being_typed_are_not_overwritten(open_page, written):
    """The list is read again every few seconds, and another browser may rename the adapter meanwhile."""
    with started_app(written) as app:
        page, other = open_page(app.address), open_page(app.address, locale="ja-JP")
        for one in (page, other):
            open_export(one)
            adapter_row(one, "Polite v3").click()
        page.locator(".ws-adapter-notes").fill("half a thou")
        press(other, ".ws-adapter-head", "名前を変更")
        other.locator("dialog[open] input").fill("Renamed")
        other.locator("dialog[open] .ws-btn-primary").click()
        expect(page.locator(".ws-adapter-head h2")).to_have_text("Renamed")
        expect(page.locator(".ws-adapter-notes")).to_have_value("half a thou")
        page.close()
        other.close()


def test_an_export_that_cannot_be_done_says_why(open_page, written):
    """These adapters hold no weights: reading back cannot load them, and the page says so and keeps nothing."""
    with started_app(written) as app:
        page = open_page(app.address)
        open_export(page)
        adapter_row(page, "Polite v3").click()
        page.locator("#export-start").dblclick()
        failed = page.locator(f'{ROW}[data-status="failed"]')
        failed.wait_for(timeout=LONG_MS)
        expect(failed).to_have_count(1)
        expect(failed.get_by_role("alert")).to_contain_text("could not be loaded in a fresh process")
        failed.locator("summary").click()
        expect(failed.locator(".ws-log")).to_contain_text("Error")
        press(page, f'{ROW}[data-status="failed"]', "Delete the export of Polite v3")
        page.locator("dialog[open] .ws-btn-danger").click()
        expect(failed).to_have_count(0)
        expect(page.locator(ROW)).to_have_count(2)
        page.close()


def test_every_word_around_an_adapter_and_an_export_is_translated(open_page, written):
    """The pseudo-language shows what was missed: in the lists, what they fold out, and the dialogs."""
    with started_app(written, "--lang", PSEUDO) as app:
        page = open_page(app.address)
        open_export(page)
        for fold in page.locator("#export-layout summary").all():
            fold.click()
        page.locator(".ws-adapter-notes").fill("x")
        settle(page)
        assert untranslated(page) == []
        for button in page.locator(".ws-adapter-head button").all()[1:] + page.locator(f"{ROW} .ws-icon").all()[:1]:
            button.click()
            page.locator("dialog[open]").wait_for()
            settle(page)
            assert untranslated(page) == []
            page.keyboard.press("Escape")
            page.wait_for_function("!document.querySelector('dialog[open]')")
        page.close()


def test_a_phone_shows_the_list_the_details_and_the_download_without_scrolling_sideways(open_page, written):
    with started_app(written) as app:
        page = open_page(app.address, locale="ja-JP", size=PHONE)
        open_export(page)
        settle(page)
        for place in (".ws-adapter-list", ".ws-adapter-details", "#export-start", ".ws-export-file a"):
            page.locator(place).scroll_into_view_if_needed()
            expect(page.locator(place)).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        page.close()
