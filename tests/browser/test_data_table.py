"""The table of the Data tab under a person's hands: found, ordered, changed as a whole, taken back and done again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.data_page import (
    DIALOG,
    EDITOR,
    TABLE,
    button,
    cells,
    conversations,
    edit_turn,
    import_rows,
    pick_row,
    turn_box,
)


@pytest.fixture
def rows(page, tmp_path) -> Page:
    """A page with a dataset of 60 conversations."""
    import_rows(page, tmp_path, conversations(60), tmp_path.name)
    return page


def search(page: Page, text: str) -> None:
    page.locator(f"{TABLE} .ws-search").fill(text)


def shown(page: Page) -> Locator:
    return page.locator(f"{TABLE} .ws-bar .ws-key").first


def bulk(page: Page, kind: str) -> None:
    page.locator(f'{TABLE} [data-bulk="{kind}"]').click()
    expect(page.locator(DIALOG)).to_be_visible()


def finish(page: Page, act: str) -> None:
    button(page.locator(f"{DIALOG} .ws-foot"), act).click()
    expect(page.locator(DIALOG)).to_have_count(0)


def tick(page: Page, position: int) -> None:
    page.locator(f"{TABLE} tbody tr").nth(position - 1).locator(".ws-col-pick input").click()


def test_words_are_replaced_after_a_look_undone_by_key_and_done_again_after_a_reload(rows):
    search(rows, "question 1")
    expect(rows.locator(f"{TABLE} .ws-bulk-count")).to_have_text("11 rows:")
    bulk(rows, "replace")
    expect(rows.locator(f"{DIALOG} .ws-head h2")).to_have_text("Find and replace in 11 rows")
    expect(rows.locator(f'{DIALOG} [data-field="find"]')).to_have_value("question 1")
    rows.locator(f'{DIALOG} [data-field="is_regex"]').check()
    rows.locator(f'{DIALOG} [data-field="find"]').fill("(question) (")
    expect(rows.locator(f"{DIALOG} .ws-problem")).to_contain_text("is not a regular expression")
    rows.locator(f'{DIALOG} [data-field="find"]').fill(r"(question|answer) (\d+)")
    rows.locator(f'{DIALOG} [data-field="put"]').fill(r"\2: \1")
    expect(rows.locator(f"{DIALOG} .ws-bulk-told")).to_have_text("11 rows would change, in 22 places.")
    expect(rows.locator(f"{DIALOG} .ws-bulk-row").first.locator("ins").first).to_contain_text(": Question")
    finish(rows, "Replace")
    expect(shown(rows)).to_have_text("No row matches")
    search(rows, "/^1\\d: question$/i")
    expect(shown(rows)).to_have_text("Rows 1–10 of 10")
    assert cells(rows, 1)[:2] == ["10: Question", "10: Answer"]
    undo = rows.locator(f'{TABLE} [data-step="undo"]')
    expect(undo).to_have_attribute("title", re.compile(r"^Undo: “\(question\|answer\) .* in 11 rows$"))
    rows.locator(f"{TABLE} tbody tr").first.focus()
    rows.keyboard.press("Control+z")
    expect(shown(rows)).to_have_text("No row matches")
    rows.reload()
    pick_row(rows, 10)
    expect(turn_box(rows, 0)).to_have_value("Question 10")
    rows.locator(f"{TABLE} tbody tr").nth(9).focus()
    rows.keyboard.press("Control+Shift+z")
    expect(turn_box(rows, 0)).to_have_value("10: Question")
    expect(rows.locator(f'{TABLE} [data-step="redo"]')).to_be_disabled()


def test_ticked_rows_are_tagged_found_by_their_tag_moved_and_deleted(rows):
    tick(rows, 2)
    rows.locator(f"{TABLE} tbody tr").nth(4).locator(".ws-col-pick input").click(modifiers=["Shift"])
    expect(rows.locator(f"{TABLE} .ws-bulk-count")).to_have_text("4 rows picked")
    tick(rows, 3)
    bulk(rows, "tag")
    rows.locator(f'{DIALOG} [data-field="tag"]').fill("look again")
    finish(rows, "Change tags")
    expect(rows.locator(f"{TABLE} td.ws-col-tags .ws-tag")).to_have_count(3)
    expect(rows.locator(f"{TABLE} .ws-bulk")).to_be_hidden()
    button(rows.locator(TABLE), "More").click()
    rows.locator(f"{DIALOG} .ws-tag-boxes input").check()
    rows.locator(f'{DIALOG} [data-field="sort"]').select_option("position true")
    finish(rows, "Show rows")
    expect(shown(rows)).to_have_text("Rows 1–3 of 3")
    assert [cells(rows, n)[0] for n in (1, 2, 3)] == ["Question 5", "Question 4", "Question 2"]
    expect(rows.locator(f"{TABLE} .ws-chip")).to_have_text(["Tag: look again×", "Last row first×"])
    bulk(rows, "split")
    rows.locator(f'{DIALOG} [data-field="to"]').select_option("held_out")
    finish(rows, "Move rows")
    expect(rows.locator(f"{TABLE} td.ws-col-split .ws-tag")).to_have_count(3)
    bulk(rows, "delete")
    finish(rows, "Delete rows")
    expect(shown(rows)).to_have_text("No row matches")
    button(rows.locator(TABLE), "Show all rows again").click()
    expect(shown(rows)).to_have_text("Rows 1–50 of 57")
    rows.evaluate("whetstone.send('data:history', {})")
    expect(rows.locator(f"{DIALOG} .ws-history-words")).to_have_text(
        ["3 rows deleted", "3 rows moved to “held out”", "3 rows tagged “look again”"]
    )
    rows.keyboard.press("Escape")
    for left in (60, 60, 60):
        rows.locator(f'{TABLE} [data-step="undo"]').click()
        expect(shown(rows)).to_have_text(f"Rows 1–50 of {left}")
    expect(rows.locator(f'{TABLE} [data-step="undo"]')).to_be_disabled()


def test_all_rows_are_taken_and_what_somebody_changed_meanwhile_is_left_alone(rows, open_page, app_url):
    other = open_page(app_url)
    name = rows.locator(f"{TABLE} .ws-dataset option:checked").inner_text()
    other.locator(f"{TABLE} .ws-dataset").select_option(label=name)
    pick_row(other, 7)
    rows.locator(f"{TABLE} thead .ws-col-pick input").click()
    button(rows.locator(TABLE), "Take all 60 rows").click()
    expect(rows.locator(f"{TABLE} .ws-bulk-count")).to_have_text("60 rows:")
    bulk(rows, "system")
    edit_turn(other, 1, "theirs")
    rows.locator(f'{DIALOG} [data-field="system"]').fill("親切に答えてください。")
    expect(rows.locator(f"{DIALOG} .ws-bulk-told")).to_have_text("60 rows would change.")
    finish(rows, "Set system prompt")
    told = "59 rows were changed. 1 row was left alone because somebody changed them in the meantime."
    expect(rows.locator("#ws-toasts")).to_contain_text(told)
    expect(turn_box(rows, 0)).to_have_value("親切に答えてください。")
    assert cells(rows, 7)[:2] == ["Question 7", "theirs"]
    other.locator(f'{TABLE} [data-step="undo"]').click()
    expect(other.locator("#ws-toasts")).to_contain_text("Somebody changed the dataset in the meantime.")
    expect(other.locator(f'{TABLE} [data-step="undo"]')).to_have_attribute(
        "title", "Undo: system prompt set in 59 rows"
    )


def test_heads_order_the_rows_columns_are_hidden_and_a_bad_pattern_is_told_at_the_box(rows):
    head = rows.locator(f"{TABLE} th.ws-col-length")
    expect(head).to_have_text("Tokens")
    lengths = rows.locator(f"{TABLE} td.ws-col-length")
    expect(lengths.first).to_have_text(re.compile(r"^\d+$"))
    short = int(lengths.first.inner_text())
    edit_turn(rows, 1, "The longest answer of them all")
    expect(lengths.first).to_have_text(re.compile(rf"^(?!{short}$)\d+$"))
    assert int(lengths.first.inner_text()) > short
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(rows.locator(f"{TABLE} tbody tr").first).to_contain_text("The longest answer")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(rows.locator(f"{TABLE} tbody tr").first).to_contain_text("Question 2")
    head.get_by_role("button").click()
    expect(rows.locator(f"{TABLE} tbody tr").first).to_contain_text("The longest answer")
    longest = int(lengths.first.inner_text())
    button(rows.locator(TABLE), "More").click()
    expect(rows.locator(f'{DIALOG} [data-field="length_unit"]')).to_have_value("tokens")
    rows.get_by_label("from", exact=True).fill(str(longest))
    finish(rows, "Show rows")
    expect(shown(rows)).to_have_text("Rows 1–1 of 1")
    expect(rows.locator(f"{TABLE} .ws-chip").first).to_contain_text("tokens")
    rows.locator(f"{TABLE} .ws-chip button").first.click()
    button(rows.locator(TABLE), "Columns").click()
    rows.get_by_label("Turns", exact=True).uncheck()
    rows.keyboard.press("Escape")
    expect(rows.locator(f"{TABLE} th.ws-col-turns")).to_have_count(0)
    rows.reload()
    expect(rows.locator(f"{TABLE} tbody tr")).to_have_count(50)
    expect(rows.locator(f"{TABLE} th.ws-col-turns")).to_have_count(0)
    search(rows, "/[/")
    expect(rows.locator(f"{TABLE} .ws-filter-problem")).to_contain_text("“[” is not a regular expression")
    expect(shown(rows)).to_have_text("Rows 1–50 of 60")
    search(rows, "/[56]0$/")
    expect(rows.locator(f"{TABLE} .ws-filter-problem")).to_be_hidden()
    expect(shown(rows)).to_have_text("Rows 1–2 of 2")


def test_rows_that_another_panel_asks_for_are_shown_with_a_chip_and_in_japanese(rows):
    rows.locator("#ws-language").select_option("ja")
    rows.evaluate("whetstone.send('data:filter', { row_ids: [3, 9, 59] })")
    expect(rows.locator(f"{TABLE} .ws-chip")).to_have_text(["選ばれた 3 行×"])
    expect(shown(rows)).to_have_text("全 3 行中 1–3 行目")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("3 行目")
    bulk(rows, "replace")
    expect(rows.locator(f"{DIALOG} .ws-head h2")).to_have_text("3 行を対象に検索と置換")
    rows.locator(f'{DIALOG} [data-field="find"]').fill("Question")
    rows.locator(f'{DIALOG} [data-field="put"]').fill("質問")
    expect(rows.locator(f"{DIALOG} .ws-bulk-told")).to_have_text("3 行が変わります。")
    finish(rows, "置換する")
    expect(turn_box(rows, 0)).to_have_value("質問 3")
    expect(rows.locator(f'{TABLE} [data-step="undo"]')).to_have_attribute(
        "title", "元に戻す：3 行で「Question」を「質問」に置換"
    )
    button(rows.locator(f"{TABLE} .ws-chip"), "「選ばれた 3 行」を外す").click()
    expect(shown(rows)).to_have_text("全 60 行中 1–50 行目")
