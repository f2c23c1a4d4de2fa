"""The form of a run: every problem beside its field, typed values kept, no page scroll, usable on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, started_app
from tests.browser.train_page import open_train, prepare_version, type_setting, wait_ready


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    root = tmp_path_factory.mktemp("form") / "root"
    prepare_version(root)
    with started_app(root) as running:
        yield running


def test_every_problem_stands_under_its_field_and_the_button_waits(page):
    open_train(page)
    wait_ready(page)
    type_setting(page, "epochs", "0")
    type_setting(page, "learning_rate", "5")
    expect(page.locator("#train-epochs")).to_contain_text("0 is too small")
    expect(page.locator("#train-learning_rate")).to_contain_text("5 is too large")
    expect(page.locator("#start")).to_contain_text("2 settings to mend")
    expect(page.locator("#train-start")).to_be_disabled()
    type_setting(page, "epochs", "3")
    type_setting(page, "learning_rate", "0.004")
    expect(page.locator("#train-start")).to_be_enabled()
    expect(page.locator("#train-learning_rate")).not_to_contain_text("too large")


def show_advanced(page):
    page.locator("#train-level").get_by_text("Advanced").click()
    expect(page.locator("#train-seed")).to_be_visible()


def test_a_wrong_setting_is_seen_in_simple_too(page):
    open_train(page)
    wait_ready(page)
    show_advanced(page)
    type_setting(page, "rank", "100000")
    page.locator("#train-level").get_by_text("Simple").click()
    expect(page.locator("#train-seed")).to_be_hidden()
    expect(page.locator("#train-rank")).to_be_visible()


def test_every_default_says_its_reason(page):
    open_train(page)
    wait_ready(page)
    show_advanced(page)
    for name in ("epochs", "learning_rate", "batch_size", "rank"):
        reason = page.locator(f"#train-{name} .info-text").inner_text()
        assert len(reason) > 10
        assert "choice." not in reason


def test_typed_values_outlive_the_language_and_the_level(page):
    open_train(page)
    wait_ready(page)
    type_setting(page, "epochs", "7")
    page.locator("#train-prompt-1 textarea").fill("How much is the vase?")
    expect(page.locator("#train-seed")).to_be_hidden()
    show_advanced(page)
    page.locator("#ws-language").select_option("ja")
    expect(page.locator("#train-epochs")).to_contain_text("エポック数")
    expect(page.locator("#train-epochs input")).to_have_value("7")
    expect(page.locator("#train-prompt-1 textarea")).to_have_value("How much is the vase?")
    expect(page.locator("#train-seed")).to_be_visible()


def test_the_button_follows_what_is_typed(page):
    open_train(page)
    wait_ready(page)
    show_advanced(page)
    type_setting(page, "epochs", "2")
    type_setting(page, "batch_size", "8")
    expect(page.locator("#train-start")).to_contain_text("of 8 rows")
    before = page.locator("#train-start").inner_text()
    type_setting(page, "batch_size", "4")
    expect(page.locator("#train-start")).to_contain_text("of 4 rows")
    assert before != page.locator("#train-start").inner_text()


def test_a_model_that_the_hub_does_not_answer_for_is_told_in_the_form(page):
    open_train(page)
    page.locator("#hub summary").click()
    page.locator("#hub-repo").fill("no spaces allowed/ at all")
    page.locator("#hub").get_by_role("button", name="Look up").click()
    expect(page.locator("#hub .ws-hub-found")).to_contain_text("cannot be used")


def test_the_whole_tab_fits_a_laptop_and_nothing_is_wider_than_a_phone(app, open_page):
    laptop = open_page(app.address)
    open_train(laptop)
    wait_ready(laptop)
    assert laptop.evaluate("document.documentElement.scrollHeight <= innerHeight")
    phone = open_page(app.address, size=PHONE, locale="ja-JP", scheme="dark")
    open_train(phone)
    wait_ready(phone)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = phone.locator("#train-start").bounding_box()
    assert box["y"] + box["height"] <= PHONE[1], "the next action is in reach without scrolling"


def test_the_form_is_reached_by_keyboard(page):
    open_train(page)
    wait_ready(page)
    page.locator("#train-name input, #train-name textarea").first.focus()
    seen = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.closest('[id]')?.id"))
    assert "train-start" in seen
