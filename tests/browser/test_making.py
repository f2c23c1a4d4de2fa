"""Making more rows as a person's hands do it: a template, the queue by keys, a changed row, and what is said of a model."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from studio.words import PSEUDO
from tests.browser.conftest import PHONE, settle
from tests.browser.data_page import DIALOG, TABLE
from tests.browser.test_crawl import untranslated
from tests.placed_datasets import place_dataset

CARD = f"{DIALOG} .ws-made-card"
WORDS = {
    "en-US": {"menu": "Make more rows …", "make": "Make rows", "tiny": "too small to write training data", "model": "By a model"},
    "ja-JP": {"menu": "行を増やす…", "make": "行を作る", "tiny": "学習データを書かせるには小さすぎます", "model": "モデルで"},
}  # fmt: skip


def talks(count: int) -> list[dict]:
    return [
        {"messages": [{"role": "user", "content": f"Where is shelf {n}?"}, {"role": "assistant", "content": f"Shelf {n} is upstairs."}]}
        for n in range(count)
    ]  # fmt: skip


def open_making(page: Page, menu: str) -> None:
    page.locator(".ws-dataset-head .ws-more").click()
    page.get_by_role("menuitem", name=menu, exact=True).click()
    expect(page.locator(f"{DIALOG} [data-view=template]")).to_have_attribute("aria-pressed", "true")


def fill_template(page: Page) -> None:
    form = page.locator(DIALOG)
    form.locator("[data-field=prompt]").fill("How much is the {product}?")
    form.locator("[data-field=reply]").fill("The {product} is 500 yen.")
    form.locator("textarea[data-slot=product]").fill("clock\npot\npen")


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_rows_from_a_template_are_decided_on_by_keys(open_page, make_app, locale):
    words = WORDS[locale]
    app = make_app(lang=locale[:2])
    place_dataset(app.root, "rows", talks(6))
    page = open_page(app.address, locale=locale)
    open_making(page, words["menu"])
    make = (
        page.locator(f"{DIALOG} [data-view]")
        .first.locator("xpath=../..")
        .get_by_role("button", name=words["make"])
        .first
    )
    expect(make).to_be_disabled()
    fill_template(page)
    expect(page.locator(f"{DIALOG} .ws-making-seen")).to_contain_text("500 yen")
    make.dblclick()
    expect(page.locator(CARD)).to_have_count(3)
    first = page.locator(CARD).first
    first.focus()
    page.keyboard.press("a")
    expect(page.locator(CARD)).to_have_count(2)
    page.keyboard.press("r")
    expect(page.locator(CARD)).to_have_count(1)
    page.keyboard.press("e")
    page.locator(f"{CARD} [data-field=reply]").fill("値段は500円です。")
    page.locator(f"{CARD} .ws-btn-primary").click()
    expect(page.locator(CARD)).to_have_count(0)
    page.locator(f"{DIALOG} [data-state=rejected]").click()
    expect(page.locator(CARD)).to_have_count(1)
    page.locator(f"{DIALOG} [data-view=model]").click()
    expect(page.locator(f"{DIALOG} .ws-making-size")).to_contain_text(words["tiny"])
    page.keyboard.press("Escape")
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(8)
    expect(page.locator(f"{TABLE} tbody tr").last).to_contain_text("値段は500円です。")


def test_the_dialog_fits_a_phone_and_speaks_only_translated_words(open_page, make_app):
    app = make_app(lang=PSEUDO)
    place_dataset(app.root, "rows", talks(2))
    page = open_page(app.address, size=PHONE)
    page.locator(".ws-dataset-head .ws-more").click()
    page.locator(".ws-menu-item").nth(3).click()
    fill_template(page)
    settle(page)
    assert untranslated(page) == []
    page.locator(f"{DIALOG} [data-view=decide]").click()
    settle(page)
    assert untranslated(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


def test_a_dataset_of_another_kind_says_that_none_can_be_made(open_page, make_app):
    app = make_app()
    place_dataset(app.root, "rows", [{"text": "A page of a book."}], "document")
    page = open_page(app.address)
    page.locator(".ws-dataset-head .ws-more").click()
    page.get_by_role("menuitem", name="Make more rows …", exact=True).click()
    expect(page.locator(f"{DIALOG} .ws-making")).to_contain_text("question and a reply")
