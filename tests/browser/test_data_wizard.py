"""The mapping wizard, as a person with a file of their own columns uses it: in both languages, and found again by name."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.data_page import (
    DIALOG,
    TABLE,
    begin_import,
    button,
    cells,
    close_dialog,
    open_import,
    report_counts,
    wait_report,
)
from tests.browser.test_crawl import untranslated

QUIZ = [
    {"ask": f"What holds {thing}?", "meta": {"level": level}, "options": ["a pot", "a cup", "a bag"], "right": right}
    for thing, level, right in (("hot tea", "easy", 0), ("your tea", "easy", 1), ("dry tea", "hard", 2), ("no tea", "hard", 7))
]  # fmt: skip


def write_quiz(folder: Path, name: str = "quiz.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(QUIZ, ensure_ascii=False), "utf-8")
    return path


def open_file(page: Page, path: Path) -> None:
    page.locator(f"{TABLE} .ws-rows").wait_for()
    open_import(page)
    page.locator(f"{DIALOG} input[type=file]").set_input_files(path)
    page.locator(f"{DIALOG} [data-preview]:not([data-preview='waiting'])").wait_for()


def role(page: Page, name: str):
    return page.locator(f'{DIALOG} select[data-role="{name}"]')


def record(page: Page, number: int):
    return page.locator(f'{DIALOG} [data-record="{number}"]')


def map_quiz(page: Page) -> None:
    """Question with its choices, and the text of the right one; the level becomes a tag."""
    expect(page.locator(f'{DIALOG} [data-choice="format"]')).to_have_value("mapping")
    page.locator(f'{DIALOG} [data-mapping="kind"]').select_option("conversation")
    role(page, "user").select_option("ask")
    choices = page.locator(f'{DIALOG} [data-part="choices"]')
    if choices.get_attribute("open") is None:
        choices.locator("summary").click()
    choices.locator('input[value="options"]').check()
    role(page, "assistant").select_option("right")
    page.locator(f'{DIALOG} [data-at="picks-assistant"]').select_option("text")
    tags = page.locator(f'{DIALOG} [data-part="tags"]')
    tags.locator("summary").click()
    tags.locator('input[value="meta.level"]').check()


def test_columns_are_mapped_seen_as_records_imported_and_the_mapping_is_offered_again(page, tmp_path):
    open_file(page, write_quiz(tmp_path))
    map_quiz(page)
    expect(record(page, 1)).to_contain_text("A. a pot\nB. a cup\nC. a bag", use_inner_text=True)
    expect(record(page, 2).locator(".ws-record-text").last).to_have_text("a cup")
    expect(page.locator(f"{DIALOG} .ws-preview-count")).to_contain_text("Of 4 rows 3 are understood and 1 refused.")
    page.locator(f'{DIALOG} [data-at="mapping-name"]').fill("Tea quiz")
    button(page.locator(DIALOG), "Save mapping").click()
    expect(page.locator(f'{DIALOG} [data-choice="format"]')).to_have_value("saved:Tea quiz")
    begin_import(page)
    report = wait_report(page)
    assert report_counts(report) == ("4", "3", "1")
    expect(report.locator('[data-found="format"]')).to_contain_text("Mapping of columns")
    button(report.locator(".ws-refused tbody tr"), "Mend").click()
    box = page.locator(f"{DIALOG} .ws-mend-text")
    box.fill(box.input_value().replace('"right": 7', '"right": 0').replace('"right":7', '"right":0'))
    expect(page.locator(f"{DIALOG} .ws-mend-result")).to_contain_text("a pot")
    button(page.locator(DIALOG).last, "Mend row").click()
    expect(report.locator('[data-count="understood"] .ws-num')).to_have_text("4")
    close_dialog(page)
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(4)
    assert any("What holds hot tea?" in cell for cell in cells(page, 1))
    open_file(page, write_quiz(tmp_path, "other.json"))
    page.locator(f'{DIALOG} [data-choice="format"]').select_option("saved:Tea quiz")
    expect(record(page, 2).locator(".ws-record-text").last).to_have_text("a cup")
    page.locator(f'{DIALOG} [data-at="mapping-name"]').fill("Quiz")
    button(page.locator(f"{DIALOG} .ws-map-keep"), "Rename").click()
    expect(page.locator(f'{DIALOG} [data-choice="format"]')).to_have_value("saved:Quiz")
    button(page.locator(f"{DIALOG} .ws-map-keep"), "Delete").click()
    button(page.locator(DIALOG).last, "Delete mapping").click()
    expect(page.locator(f'{DIALOG} [data-choice="format"] option[value="saved:Quiz"]')).to_have_count(0)
    expect(page.locator(f'{DIALOG} [data-choice="format"]')).to_have_value("mapping")


def test_a_file_that_no_format_fits_opens_the_wizard_with_a_proposal_or_the_mapping_saved_for_it(page, tmp_path):
    path = tmp_path / "cards.csv"
    path.write_text("front,back\nsencha,tea from leaves\ncup,\n", "utf-8")
    open_file(page, path)
    expect(page.locator(f'{DIALOG} [data-choice="format"]')).to_have_value("mapping")
    expect(page.locator(f'{DIALOG} [data-found="format"] .ws-why')).to_contain_text("No known format fits")
    expect(role(page, "user")).to_have_value("front")
    page.locator(f'{DIALOG} [data-mapping="kind"]').select_option("verifiable")
    expect(role(page, "prompt")).to_have_value("front")
    role(page, "prompt").select_option(label="A text that may name columns")
    page.locator(f'{DIALOG} [data-at="text-prompt"]').type("What is {front}?")
    expect(record(page, 1)).to_contain_text("What is sencha?")
    expect(page.locator(f'{DIALOG} [data-at="text-prompt"]')).to_be_focused()
    expect(record(page, 2)).to_have_class("ws-record ws-record-refused")
    role(page, "answer").select_option("")
    expect(page.locator(f"{DIALOG} .ws-preview .ws-problem")).to_contain_text("Right answer: choose a column")
    button(page.locator(DIALOG), "Import").click()
    expect(page.locator(f"{DIALOG} .ws-form > .ws-place .ws-problem")).to_contain_text("Right answer")
    role(page, "answer").select_option("back")
    page.locator(f'{DIALOG} [data-at="mapping-name"]').fill("Cards")
    button(page.locator(DIALOG), "Save mapping").click()
    page.keyboard.press("Escape")
    open_file(page, path)
    expect(page.locator(f'{DIALOG} [data-choice="format"]')).to_have_value("saved:Cards")
    expect(record(page, 1)).to_contain_text("What is sencha?")


def test_the_wizard_speaks_both_languages_and_fits_a_phone(make_app, open_page, tmp_path):
    app = make_app(lang="en-XA")
    page = open_page(app.address)
    open_file(page, write_quiz(tmp_path))
    map_quiz(page)
    expect(page.locator(f"{DIALOG} .ws-record-refused, {DIALOG} .ws-record")).to_have_count(3)
    assert untranslated(page) == []
    phone = open_page(app.address, size=PHONE)
    phone.locator("#ws-language").select_option("ja")
    open_file(phone, write_quiz(tmp_path))
    map_quiz(phone)
    expect(phone.locator(DIALOG)).to_contain_text("質問の下に並べる選択肢（1）")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    box = phone.locator(f"{DIALOG} .ws-foot .ws-btn-primary").bounding_box()
    assert box["x"] + box["width"] <= 390 and box["y"] + box["height"] <= 844
