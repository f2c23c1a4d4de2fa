"""The editor: what is typed is saved or kept, never lost; every saved change can be taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settle
from tests.browser.data_page import (
    DIALOG,
    EDITOR,
    TABLE,
    button,
    cells,
    conversations,
    edit_turn,
    facts,
    import_rows,
    pick_row,
    turn_box,
)


@pytest.fixture
def rows(page, tmp_path):
    """A page with a dataset of 60 conversations."""
    import_rows(page, tmp_path, conversations(60), tmp_path.name)
    return page


def test_an_edit_is_saved_with_ctrl_s_and_is_there_after_a_reload(rows):
    pick_row(rows, 4)
    edit_turn(rows, 1, "A better answer\nin two lines")
    expect(rows.locator(f"{TABLE} tbody tr").nth(3)).to_contain_text("A better answer⏎in two lines")
    assert facts(rows)[-1] == "1 edit, no version yet"
    rows.reload()
    pick_row(rows, 4)
    expect(turn_box(rows, 1)).to_have_value("A better answer\nin two lines")


def test_a_japanese_conversion_is_neither_saved_nor_broken_by_its_enter_key(rows):
    """The browser's input method composes, Enter ends the composition, and only then the text is there to save."""
    box = turn_box(rows, 0)
    box.fill("")
    box.focus()
    keyboard = rows.context.new_cdp_session(rows)
    keyboard.send("Input.imeSetComposition", {"text": "にほんご", "selectionStart": 4, "selectionEnd": 4})
    composing = """([key, ctrl]) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown',
        { key, keyCode: 229, isComposing: true, ctrlKey: ctrl, bubbles: true, cancelable: true }))"""
    assert rows.evaluate(composing, ["Enter", False]) is True, "the editor leaves the key to the input method"
    assert rows.evaluate(composing, ["s", True]) is True
    expect(rows.locator(f"{EDITOR} [data-unsaved]")).to_be_visible()
    assert box.evaluate("box => box === document.activeElement")
    keyboard.send("Input.insertText", {"text": "日本語"})
    expect(box).to_have_value("日本語")
    rows.keyboard.press("Control+s")
    expect(rows.locator(f"{EDITOR} [data-unsaved]")).to_have_count(0)
    expect(rows.locator(f"{TABLE} tbody tr").first).to_contain_text("日本語")


def test_every_saved_change_is_undone_newest_first(rows):
    edit_turn(rows, 1, "first edit")
    edit_turn(rows, 1, "second edit")
    pick_row(rows, 2)
    button(rows.locator(EDITOR), "Delete row").click()
    expect(rows.locator(f"{TABLE} .ws-bar .ws-key").first).to_have_text("Rows 1–50 of 59")
    assert cells(rows, 2)[0] == "Question 3"
    undo = button(rows.locator(EDITOR), "Undo")
    undo.click()
    expect(rows.locator(f"{TABLE} .ws-bar .ws-key").first).to_have_text("Rows 1–50 of 60")
    expect(turn_box(rows, 0)).to_have_value("Question 2")
    undo.click()
    expect(turn_box(rows, 1)).to_have_value("first edit")
    undo.click()
    expect(turn_box(rows, 1)).to_have_value("Answer 1")
    expect(undo).to_be_disabled()


def test_undo_shows_the_row_on_whatever_page_it_stands(rows):
    edit_turn(rows, 1, "edited on page one")
    rows.locator(f"{TABLE} .ws-pager").get_by_role("button", name="Page 2", exact=True).click()
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 51")
    button(rows.locator(EDITOR), "Undo").click()
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 1")
    expect(turn_box(rows, 1)).to_have_value("Answer 1")
    expect(rows.locator(f"{TABLE} tr.ws-on")).to_have_attribute("data-row", "1")


@pytest.mark.parametrize("wanted", ["another row", "another page"])
def test_a_click_that_overtakes_a_slow_answer_is_not_lost(rows, wanted):
    """A save reads facts and page again; who takes another row or page meanwhile stays where they went."""
    held = []

    def asks_for_the_list(request) -> bool:
        return '"list"' in (request.post_data or "")

    def hold_once(route) -> None:
        if held or not asks_for_the_list(route.request):
            route.continue_()
        else:
            held.append(route)

    rows.route("**/component_server/**", hold_once)
    turn_box(rows, 1).fill("saved slowly")
    with rows.expect_request(asks_for_the_list):
        rows.keyboard.press("Control+s")
    position = 5 if wanted == "another row" else 51
    if wanted == "another page":
        rows.locator(f"{TABLE} .ws-pager").get_by_role("button", name="Page 2", exact=True).click()
    else:
        rows.locator(f"{TABLE} tbody tr").nth(4).click()
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text(f"Row {position}")
    with rows.expect_response(lambda answer: '"page"' in (answer.request.post_data or "")):
        held[0].continue_()
    expect(rows.locator(f"{TABLE} .ws-fine > span").last).to_have_text("1 edit, no version yet")
    settle(rows)
    expect(rows.locator(f"{TABLE} tr.ws-on")).to_have_attribute("data-row", str(position))
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text(f"Row {position}")


def test_a_conflict_says_so_and_keeps_the_text(rows, open_page, app_url):
    pick_row(rows, 5)
    other = open_page(app_url)
    other.locator(f"{TABLE} .ws-dataset").select_option(
        label=rows.locator(f"{TABLE} .ws-dataset option:checked").inner_text()
    )
    pick_row(other, 5)
    edit_turn(other, 1, "theirs")
    turn_box(rows, 1).fill("mine")
    rows.keyboard.press("Control+s")
    problem = rows.locator(f"{EDITOR} .ws-problem")
    expect(problem).to_contain_text("Row 5 was changed in the meantime.")
    expect(turn_box(rows, 1)).to_have_value("mine")
    button(problem, "Show the saved row").click()
    expect(turn_box(rows, 1)).to_have_value("theirs")
    button(rows.locator(EDITOR), "Undo").click()
    expect(turn_box(rows, 1)).to_have_value("mine")
    rows.keyboard.press("Control+s")
    expect(rows.locator(f"{TABLE} tbody tr").nth(4)).to_contain_text("mine")
    button(rows.locator(EDITOR), "Undo").click()
    expect(turn_box(rows, 1)).to_have_value("theirs")


def test_a_conflict_can_be_decided_for_ones_own_text(rows, open_page, app_url):
    other = open_page(app_url)
    other.locator(f"{TABLE} .ws-dataset").select_option(
        label=rows.locator(f"{TABLE} .ws-dataset option:checked").inner_text()
    )
    pick_row(other, 1)
    edit_turn(other, 1, "theirs")
    turn_box(rows, 1).fill("mine")
    rows.keyboard.press("Control+s")
    button(rows.locator(f"{EDITOR} .ws-problem"), "Save mine over it").click()
    expect(rows.locator(f"{TABLE} tbody tr").first).to_contain_text("mine")
    expect(rows.locator(f"{EDITOR} .ws-problem")).to_have_count(0)


def test_leaving_a_row_keeps_what_was_typed_and_marks_the_row(rows):
    turn_box(rows, 1).fill("half a sentence")
    pick_row(rows, 3)
    expect(rows.locator(f"{TABLE} tr.ws-unsaved")).to_have_attribute("data-row", "1")
    pick_row(rows, 1)
    expect(turn_box(rows, 1)).to_have_value("half a sentence")
    button(rows.locator(EDITOR), "Revert").click()
    expect(turn_box(rows, 1)).to_have_value("Answer 1")
    expect(rows.locator(f"{TABLE} tr.ws-unsaved")).to_have_count(0)


def test_closing_the_page_warns_while_something_is_not_saved(rows):
    asked = []
    box = turn_box(rows, 1)
    box.click()
    box.press_sequentially(" more")
    with rows.expect_event("dialog") as warning:
        rows.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
        rows.close(run_before_unload=True)
    assert warning.value.type == "beforeunload"
    rows.keyboard.press("Control+s")
    expect(rows.locator(f"{EDITOR} [data-unsaved]")).to_have_count(0)
    with rows.expect_event("close"):
        rows.close(run_before_unload=True)
    assert asked == ["beforeunload"]


def test_turns_are_added_moved_given_another_role_and_removed(rows):
    button(rows.locator(EDITOR), "Add turn").click()
    expect(turn_box(rows, 2)).to_be_focused()
    turn_box(rows, 2).fill("One more question")
    assert rows.locator(f"{EDITOR} .ws-role").evaluate_all("all => all.map((menu) => menu.value)") == [
        "user",
        "assistant",
        "user",
    ]
    button(rows.locator(EDITOR), "Move turn 3 up").click()
    rows.locator(f"{EDITOR} .ws-role").nth(0).select_option("system")
    rows.keyboard.press("Control+s")
    expect(rows.locator(f"{EDITOR} [data-unsaved]")).to_have_count(0)
    rows.reload()
    pick_row(rows, 1)
    assert rows.locator(f"{EDITOR} .ws-role").evaluate_all("all => all.map((menu) => menu.value)") == [
        "system",
        "user",
        "assistant",
    ]
    expect(turn_box(rows, 1)).to_have_value("One more question")
    rows.locator(f"{EDITOR} .ws-turn").first.hover()
    button(rows.locator(EDITOR), "Remove turn 1").click()
    expect(rows.locator(f"{EDITOR} textarea")).to_have_count(2)
    button(rows.locator(EDITOR), "Undo").click()
    expect(rows.locator(f"{EDITOR} textarea")).to_have_count(3)


def test_a_row_that_cannot_be_used_is_refused_with_every_reason_and_stays(rows):
    turn_box(rows, 0).fill("")
    turn_box(rows, 1).fill(" ")
    rows.keyboard.press("Control+s")
    problem = rows.locator(f"{EDITOR} .ws-problem strong")
    expect(problem).to_contain_text("messages[0]")
    expect(problem).to_contain_text("messages[1]")
    expect(turn_box(rows, 1)).to_have_value(" ")
    expect(rows.locator(f"{EDITOR} [data-unsaved]")).to_be_visible()


def test_a_row_is_added_by_hand(rows):
    button(rows.locator(TABLE), "Add row").click()
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("New row")
    expect(turn_box(rows, 0)).to_be_focused()
    turn_box(rows, 0).fill("Where is the shop?")
    pick_row(rows, 2)
    button(rows.locator(TABLE), "Add row").click()
    expect(turn_box(rows, 0)).to_have_value("Where is the shop?")
    turn_box(rows, 1).fill("In front of the station.")
    button(rows.locator(EDITOR), "Save row").click()
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 61")
    expect(rows.locator(f"{TABLE} tr.ws-on")).to_contain_text("Where is the shop?")
    button(rows.locator(EDITOR), "Undo").click()
    expect(rows.locator(f"{TABLE} .ws-bar .ws-key").first).to_have_text("Rows 51–60 of 60")


def test_the_keyboard_alone_reaches_rows_editor_and_neighbours(rows):
    rows.locator(f"{TABLE} tbody tr").first.focus()
    rows.keyboard.press("ArrowDown")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 2")
    expect(rows.locator(f"{TABLE} tr.ws-on")).to_be_focused()
    rows.keyboard.press("End")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 50")
    rows.keyboard.press("ArrowDown")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 51")
    rows.keyboard.press("PageUp")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 1")
    rows.keyboard.press("Enter")
    expect(turn_box(rows, 0)).to_be_focused()
    rows.keyboard.press("Alt+ArrowDown")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 2")
    rows.keyboard.press("Alt+ArrowUp")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 1")
    rows.locator(f"{EDITOR} textarea").first.focus()
    rows.keyboard.press("Escape")
    expect(rows.locator(f"{TABLE} tr.ws-on")).to_be_focused()


def test_a_pair_is_edited_side_by_side_with_its_prompt(page, tmp_path):
    pair = {"prompt": "How much?", "chosen": "It costs 500 yen.", "rejected": "500."}
    import_rows(page, tmp_path, [pair] * 3, "pairs")
    assert page.locator(f"{EDITOR} .ws-section-head .ws-tag").all_inner_texts() == ["Prompt", "Chosen", "Rejected"]
    edit_turn(page, 0, "Five hundred.", "rejected")
    expect(page.locator(f"{TABLE} tbody tr").first).to_contain_text("Five hundred.")
    assert cells(page, 1) == ["How much?", "It costs 500 yen.", "Five hundred."]


def test_a_dialogue_of_a_hundred_turns_stays_quick(page, tmp_path):
    turns = [{"role": ("user", "assistant")[n % 2], "content": f"Turn {n}\n" + "words " * 40} for n in range(100)]
    import_rows(page, tmp_path, [*conversations(1), {"messages": turns}], "long")
    pick_row(page, 2)
    expect(page.locator(f"{EDITOR} textarea")).to_have_count(100)
    slowest_ms = page.evaluate(
        """async () => {
            const box = document.querySelector('[data-widget="editor"] [data-index="0"] textarea');
            box.focus();
            let slowest = 0;
            for (const letter of 'sharpened') {
                const began = performance.now();
                document.execCommand('insertText', false, letter);
                await new Promise(requestAnimationFrame);
                slowest = Math.max(slowest, performance.now() - began);
            }
            return slowest;
        }"""
    )
    assert slowest_ms < 500, slowest_ms
    edit_turn(page, 99, "The last word.")
    expect(page.locator(f"{TABLE} tbody tr").nth(1)).to_contain_text("100")


def test_deleting_an_edited_row_asks_first(rows):
    turn_box(rows, 1).fill("not saved")
    button(rows.locator(EDITOR), "Delete row").click()
    button(rows.locator(DIALOG), "Cancel").click()
    expect(turn_box(rows, 1)).to_have_value("not saved")
    button(rows.locator(EDITOR), "Delete row").click()
    button(rows.locator(DIALOG), "Delete row").click()
    expect(rows.locator(f"{TABLE} .ws-bar .ws-key").first).to_have_text("Rows 1–50 of 59")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 1")
    expect(turn_box(rows, 0)).to_have_value("Question 2")
