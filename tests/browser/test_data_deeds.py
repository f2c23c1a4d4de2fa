"""Whole datasets on the page: merged with a look at what comes of it, exported as a file, duplicated."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.data_page import (
    DIALOG,
    EDITOR,
    TABLE,
    button,
    cells,
    close_dialog,
    conversations,
    import_file,
    open_dataset,
    write_jsonl,
)
from tests.placed_datasets import place_dataset, turn

JOB_MS = 60_000


def choose_deed(page: Page, name: str) -> None:
    page.locator(f"{TABLE} .ws-more").click()
    page.get_by_role("menuitem", name=name, exact=True).click()


@pytest.fixture
def two(page, app, tmp_path) -> Page:
    """A page with 40 conversations, beside eight pairs whose chosen replies repeat two of them."""
    pairs = [
        {
            "prompt": [turn("user", f"Question {n}")],
            "chosen": [turn("assistant", f"Answer {n}")],
            "rejected": [turn("assistant", "=no()")],
        }
        for n in range(39, 47)
    ]
    place_dataset(app.root, f"{tmp_path.name} pairs", pairs, "preference")
    return open_dataset(page, place_dataset(app.root, f"{tmp_path.name} talks", conversations(40)))


def exported(page: Page, into: Path) -> str:
    with page.expect_download(timeout=JOB_MS) as download:
        button(page.locator(DIALOG), "Export").click()
    target = into / download.value.suggested_filename
    download.value.save_as(target)
    return target.read_text("utf-8")


def test_datasets_are_merged_after_a_look_at_what_comes_of_it(two, tmp_path):
    choose_deed(two, "Merge with others …")
    dialog = two.locator(DIALOG)
    lines = dialog.locator("tbody tr")
    lines.nth(1).locator("select").first.select_option(label=f"{tmp_path.name} pairs")
    expect(dialog).to_contain_text("The new dataset has up to 48 rows.")
    expect(dialog).to_contain_text("2 rows stand in an earlier dataset too.")
    expect(dialog).to_contain_text("the rejected reply is lost")
    lines.first.locator("input").fill("0")
    expect(dialog.locator(".ws-problem")).to_contain_text("A weight must be above 0 and at most 20.")
    lines.first.locator("input").fill("0.5")
    expect(lines.first.locator("[data-drawn]")).to_have_text("20 of 40")
    expect(lines.first.locator("[data-share]")).to_have_text("71 %")
    lines.first.locator("input").fill("1")
    dialog.locator("[data-field=name]").fill(f"{tmp_path.name} all")
    expect(dialog).to_contain_text("up to 48 rows")
    button(dialog, "Merge").click()
    expect(two.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text(f"{tmp_path.name} all", timeout=JOB_MS)
    expect(two.locator(f"{TABLE} .ws-fine > span").first).to_have_text("46 rows")
    expect(two.locator(f"{EDITOR} .ws-origin")).to_contain_text(f"From row 1 of {tmp_path.name} talks")


def test_what_is_shown_leaves_as_a_file_and_a_format_says_first_what_it_cannot_say(two, app, tmp_path):
    two.locator(f"{TABLE} .ws-search").fill("Question 4")
    expect(two.locator(f"{TABLE} .ws-bar .ws-key").first).to_contain_text("of 2")
    choose_deed(two, "Export rows …")
    dialog = two.locator(DIALOG)
    expect(dialog).to_contain_text("What is shown (2)")
    expect(dialog).to_contain_text("All 2 rows can be written in this format and read back as they are.")
    rows = [json.loads(line) for line in exported(two, tmp_path).splitlines()]
    assert [row["messages"][0]["content"] for row in rows] == ["Question 4", "Question 40"]
    calls = turn("assistant", "", tool_calls=[{"type": "function", "function": {"name": "price", "arguments": {}}}])
    talks = [*conversations(1), {"messages": [turn("user", "=1+1"), calls, turn("assistant", "2")]}]
    page = open_dataset(two, place_dataset(app.root, f"{tmp_path.name} tools", talks))
    choose_deed(page, "Export rows …")
    dialog.locator("[data-value=csv]").click()
    dialog.locator("[data-field=format]").select_option("alpaca")
    expect(dialog).to_contain_text("1 of 2 rows cannot be said in this format and will be left out.")
    text = exported(page, tmp_path)
    assert text.startswith("\ufeff") and "Question 1" in text and "1+1" not in text
    expect(page.locator("#ws-toasts")).to_contain_text("1 row could not be said in this format.")


def test_a_dataset_is_duplicated_once_however_often_the_button_is_pressed(two, tmp_path):
    choose_deed(two, "Duplicate …")
    two.locator(f"{DIALOG} .ws-btn-primary").dblclick()
    copy = f"{tmp_path.name} talks (2)"
    expect(two.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text(copy, timeout=JOB_MS)
    expect(two.locator(f"{TABLE} .ws-fine > span").first).to_have_text("40 rows")
    names = two.locator(f"{TABLE} .ws-dataset option").all_inner_texts()
    assert sum(name.startswith(f"{tmp_path.name} talks") for name in names) == 2


def test_a_refused_row_is_mended_in_the_duplicate_that_is_open_also_when_the_original_is_gone(page, tmp_path):
    """One good row and two without a reply; the first of those is mended in the copy, whose table shows it at once."""
    path = write_jsonl(tmp_path / f"{tmp_path.name}.jsonl", conversations(1))
    with path.open("a") as file:
        for asked in ("Hello", "Are you there?"):
            file.write(json.dumps({"messages": [turn("user", asked), turn("assistant", "")]}) + "\n")
    import_file(page, path)
    close_dialog(page)
    choose_deed(page, "Duplicate …")
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    original, copy = tmp_path.name, f"{tmp_path.name} (2)"
    opened = page.locator(f"{TABLE} .ws-dataset option:checked")
    expect(opened).to_have_text(copy, timeout=JOB_MS)
    choose_deed(page, "Import report …")
    rows = page.locator(f"{DIALOG} .ws-refused tbody tr")
    button(rows.first, "Mend").click()
    box = page.locator(f"{DIALOG} .ws-mend-text")
    expect(box).to_have_value(re.compile("Hello"))
    box.fill(box.input_value().replace('""', '"Good day"'))
    button(page.locator(DIALOG).last, "Mend row").click()
    expect(rows.first).to_have_attribute("data-state", "mended")
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(2)
    close_dialog(page)
    assert cells(page, 2)[:2] == ["Hello", "Good day"]
    page.locator(f"{TABLE} .ws-dataset").select_option(label=original)
    expect(page.locator(f"{TABLE} .ws-fine > span").first).to_have_text("1 row")
    choose_deed(page, "Delete dataset …")
    button(page.locator(DIALOG), "Delete dataset").click()
    expect(opened).not_to_have_text(original)
    page.locator(f"{TABLE} .ws-dataset").select_option(label=copy)
    choose_deed(page, "Import report …")
    button(rows.nth(1), "Leave out").click()
    expect(rows.nth(1)).to_contain_text("Left out by local")
