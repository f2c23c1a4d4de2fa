"""The frame around the tabs, as a person meets it."""

from __future__ import annotations

import re

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, open_tab, started_app
from tests.processes import MARK, marked_processes, wait_for

NAMES = ["Guide", "Data", "Preferences", "Train", "Compare", "Export", "Settings"]
NAMES_JA = ["ガイド", "データ", "選好", "学習", "比較", "書き出し", "設定"]


def test_the_page_shows_its_tabs_and_opens_the_one_that_is_clicked(page):
    expect(page.get_by_role("tab")).to_have_text(NAMES)
    open_tab(page, "settings")
    expect(page.locator("#settings-panel")).to_be_visible()
    assert page.title() == "Settings · Whetstone"


def test_a_newcomer_starts_with_the_guide_and_comes_back_to_the_last_tab(open_page, app_url):
    page = open_page(app_url, tab=None)
    expect(page.locator("[data-widget=guide][data-step]")).to_be_visible()
    assert page.title() == "Guide · Whetstone"
    open_tab(page, "settings")
    page.goto("about:blank")
    page.goto(app_url)
    expect(page.locator("#settings-panel")).to_be_visible()


def test_a_reload_comes_back_to_the_tab_that_was_open(page):
    open_tab(page, "settings")
    page.reload()
    expect(page.locator("#settings-panel")).to_be_visible()


def test_the_language_switches_at_once_and_is_remembered(page):
    page.locator("#ws-language").select_option("ja")
    expect(page.get_by_role("tab")).to_have_text(NAMES_JA)
    expect(page).to_have_title("データ · Whetstone")
    assert page.evaluate("document.documentElement.lang") == "ja"
    page.reload()
    expect(page.get_by_role("tab")).to_have_text(NAMES_JA)
    page.locator("#ws-language").select_option("en")
    expect(page.get_by_role("tab")).to_have_text(NAMES)


def test_a_japanese_browser_gets_japanese_without_a_moment_of_english(open_page, app_url):
    page = open_page("about:blank", locale="ja-JP", ready="html")
    page.add_init_script(
        """window.seen = new Set(); new MutationObserver(() => document.querySelectorAll('[role="tab"]')
        .forEach((tab) => seen.add(tab.textContent))).observe(document, { childList: true, characterData: true, subtree: true });"""
    )
    page.goto(app_url)
    page.wait_for_selector("html[data-ready]")
    assert set(page.evaluate("[...seen]")) == set(NAMES_JA)


def test_the_theme_follows_the_system_until_it_is_chosen_and_then_stays(open_page, app_url):
    page = open_page(app_url, scheme="dark")
    assert page.evaluate("document.body.classList.contains('dark')")
    page.locator("#ws-theme").click()
    assert not page.evaluate("document.body.classList.contains('dark')")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert not page.evaluate(
        "document.body.classList.contains('dark') || document.documentElement.classList.contains('dark')"
    )
    page.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    assert not page.evaluate("document.body.classList.contains('dark')")


def test_the_status_names_the_cores_and_the_memory(page):
    expect(page.locator("#ws-machine")).to_have_text(re.compile(r"^CPU \d+ cores? · [\d.]+ / [\d.]+ GB$"))


def test_a_whole_tab_fits_the_window_and_a_phone_has_no_sideways_scroll(open_page, app_url):
    desktop = open_page(app_url)
    phone = open_page(app_url, size=PHONE)
    for name in ("guide", "data", "train", "settings"):
        open_tab(desktop, name)
        assert desktop.evaluate("document.documentElement.scrollHeight <= innerHeight"), name
        open_tab(phone, name)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_tabs_and_bar_are_reached_by_keyboard_with_a_visible_focus(page):
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
        outline = page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).boxShadow"
        )
        assert outline != "nonenone", seen
        if seen[-1] == "ws-tab-data-button":
            break
    assert {"ws-language", "ws-theme", "ws-tab-data-button"} <= set(seen)


def test_nothing_is_asked_of_another_host(open_page, app_url):
    page = open_page("about:blank", ready="html")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app_url)
    page.wait_for_selector("html[data-ready]")
    for name in ("train", "settings"):
        open_tab(page, name)
    assert asked
    assert [url for url in asked if not url.startswith((app_url, "data:", "blob:"))] == []


def test_gradio_writes_nothing_of_the_person_into_the_browser(page):
    open_tab(page, "settings")
    kept = page.evaluate("Object.keys(localStorage)")
    assert [key for key in kept if "run" in key.lower()] == []


def test_a_page_that_lost_its_server_says_so_and_recovers_by_itself(open_page, make_app, faults, tmp_path):
    faults.allowed = ["Failed to load resource", "ERR_", "Could not connect", "fetch", "network", "Connection"]
    first = make_app(root=tmp_path / "root")
    page = open_page(first.address)
    open_tab(page, "settings")
    first.end()
    expect(page.locator("#ws-offline")).to_have_text(re.compile("does not answer"), timeout=30_000)
    assert not page.get_by_text("Connection to the server was lost").is_visible()
    port = int(first.address.rsplit(":", 1)[1].strip("/"))
    make_app(root=tmp_path / "root", port=port)
    expect(page.locator("#ws-offline")).to_be_hidden(timeout=30_000)
    expect(page.locator("#settings-panel")).to_be_visible(timeout=30_000)


def test_a_dialog_keeps_the_focus_inside_and_escape_closes_it_with_the_focus_back(page):
    page.locator("#ws-theme").focus()
    page.evaluate("void whetstone.confirm('shell.theme', {}).then((value) => { window.answered = value; })")
    expect(page.get_by_role("dialog")).to_be_visible()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
    page.keyboard.press("Escape")
    page.wait_for_function("window.answered === false")
    assert page.evaluate("document.activeElement.id") == "ws-theme"


@pytest.mark.parametrize("has_spare", [True, False])
def test_an_open_page_has_a_worker_made_ready_unless_it_was_told_not_to(open_page, tmp_path, has_spare):
    with started_app(tmp_path / "root", has_spare=has_spare) as app:
        mark = psutil.Process(app.process.pid).environ()[MARK]
        page = open_page(app.address)
        if has_spare:
            wait_for(lambda: spares(mark), 60)
        for _ in range(2):  # longer apart than the spare waits for the first page
            with page.expect_response("**/whetstone/status*"):
                pass
        assert bool(spares(mark)) == has_spare
        page.close()


def spares(mark: str) -> list[psutil.Process]:
    return [process for process in marked_processes(mark) if "--preload" in process.cmdline()]
