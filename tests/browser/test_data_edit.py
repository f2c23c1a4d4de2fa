"""The editor: what is typed is saved or kept, never lost, whatever the kind of row, the keyboard or the neighbour does."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settle
from tests.browser.data_page import (
    DIALOG,
    EDITOR,
    TABLE,
    button,
    conversations,
    edit_turn,
    facts,
    field,
    open_dataset,
    pick_row,
    saved,
    turn_box,
)
from tests.placed_datasets import turn


@pytest.fixture
def rows(placed):
    """A page with a dataset of 60 conversations."""
    return placed(conversations(60))


# What is typed --------------------------------------------------------------------------------------------------------


def test_an_edit_is_saved_with_ctrl_s_and_is_there_after_a_reload(rows):
    pick_row(rows, 4)
    edit_turn(rows, 1, "A better answer\nin two lines")
    expect(rows.locator(f"{TABLE} tbody tr").nth(3)).to_contain_text("A better answer⏎in two lines")
    assert facts(rows)[-1] == "61 edits, no version yet"
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
    composing = """(given) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown',
        { keyCode: 229, isComposing: true, bubbles: true, cancelable: true, ...given }))"""
    keys = [{"key": "Enter"}, {"key": "s", "ctrlKey": True}, {"key": "f", "code": "KeyF", "altKey": True}]
    for key in [*keys, {"key": "Delete", "altKey": True}, {"key": "ArrowDown", "altKey": True}, {"key": "Escape"}]:
        assert rows.evaluate(composing, key) is True, f"the editor leaves {key} to the input method"
    expect(rows.locator(f"{EDITOR} [data-unsaved]")).to_be_visible()
    assert box.evaluate("box => box === document.activeElement")
    keyboard.send("Input.insertText", {"text": "日本語"})
    expect(box).to_have_value("日本語")
    saved(rows)
    expect(rows.locator(f"{TABLE} tbody tr").first).to_contain_text("日本語")
    expect(rows.locator(f"{TABLE} tbody tr").first).to_contain_text("Answer 1")


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
    saved(rows)
    with rows.expect_event("close"):
        rows.close(run_before_unload=True)
    assert asked == ["beforeunload"]


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
    expect(rows.locator(f"{TABLE} .ws-fine > span").last).to_have_text("61 edits, no version yet")
    settle(rows)
    expect(rows.locator(f"{TABLE} tr.ws-on")).to_have_attribute("data-row", str(position))
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text(f"Row {position}")


def test_a_row_that_cannot_be_used_is_refused_with_every_reason_and_stays(rows):
    turn_box(rows, 0).fill("")
    turn_box(rows, 1).fill(" ")
    rows.keyboard.press("Control+s")
    problem = rows.locator(f"{EDITOR} .ws-problem strong")
    expect(problem).to_contain_text("messages[0]")
    expect(problem).to_contain_text("messages[1]")
    expect(turn_box(rows, 1)).to_have_value(" ")
    turn_box(rows, 0).evaluate("box => { box.value = 'half \\ud83c a letter'; box.dispatchEvent(new Event('input')); }")
    rows.keyboard.press("Control+s")
    expect(problem).to_contain_text("messages[0].content holds half a letter")
    expect(rows.locator(f"{EDITOR} [data-unsaved]")).to_be_visible()


def test_hostile_and_huge_texts_are_texts(rows):
    """A megabyte is shown in parts: laid out as a whole it would hold up the page for twenty seconds."""
    hostile = (
        "<img src=x onerror=\"document.title='gone'\"></textarea><script>document.title='gone'</script>\u0000\u202e"
    )
    put = "(box, text) => { box.value = text; box.dispatchEvent(new Event('input')); }"
    turn_box(rows, 0).evaluate(put, hostile)
    turn_box(rows, 1).evaluate(put, "語 word " * 150_000)
    parts = rows.locator(f"{EDITOR} .ws-parts")
    expect(parts.last).to_contain_text("1–20,000 of 1,050,000")
    button(parts.last, "Next part of the text").click()
    turn_box(rows, 1).press("Control+Home")
    rows.keyboard.type("HERE ")
    saved(rows)
    rows.reload()
    pick_row(rows, 1)
    expect(turn_box(rows, 0)).to_have_value(hostile)
    expect(parts.last).to_contain_text("of 1,050,005")
    button(parts.last, "Next part of the text").click()
    assert turn_box(rows, 1).input_value().startswith("HERE ")
    assert rows.title() != "gone"


# Turns and keys -------------------------------------------------------------------------------------------------------


def test_turns_are_added_moved_given_another_role_and_removed(rows):
    button(rows.locator(EDITOR), "Add turn").click()
    expect(turn_box(rows, 2)).to_be_focused()
    turn_box(rows, 2).fill("One more question")
    rows.locator(f"{EDITOR} .ws-turn").nth(2).hover()
    button(rows.locator(EDITOR), "Move turn 3 up").click()
    expect(turn_box(rows, 1)).to_have_value("One more question")
    expect(turn_box(rows, 1)).to_be_focused()
    rows.locator(f"{EDITOR} .ws-turn").nth(1).get_by_role("combobox").select_option("assistant")
    rows.locator(f"{EDITOR} .ws-turn").first.hover()
    button(rows.locator(EDITOR), "Remove turn 1").click()
    expect(rows.locator(f"{EDITOR} .ws-turn-text:not(.ws-behind)")).to_have_count(2)
    button(rows.locator(EDITOR), "Step back").click()
    expect(rows.locator(f"{EDITOR} .ws-turn-text:not(.ws-behind)")).to_have_count(3)


def test_tool_calls_are_json_that_is_checked_while_it_is_typed(rows):
    assistant = rows.locator(f"{EDITOR} .ws-turn").nth(1)
    assistant.hover()
    button(assistant, "Add tool calls to turn 2").click()
    calls = field(rows, "Tool calls of turn 2")
    wrong = rows.locator(f"{EDITOR} .ws-json-wrong")
    expect(wrong).to_have_text("Call 1 has no function with a name.")
    calls.fill('[{"function": {"name": "price",\n "arguments": {"item": "tea" "size": 1}}}]')
    expect(wrong).to_have_text("Line 2, column 30: a comma or } is expected here.")
    rows.keyboard.press("Control+s")
    expect(rows.locator(f"{EDITOR} .ws-problem")).to_contain_text("messages[1].tool_calls")
    pick_row(rows, 2)
    pick_row(rows, 1)
    expect(calls).to_have_value('[{"function": {"name": "price",\n "arguments": {"item": "tea" "size": 1}}}]')
    wrong.click()
    rows.keyboard.press("ArrowLeft")
    rows.keyboard.type(",")
    expect(wrong).to_be_hidden()
    button(rows.locator(EDITOR), "Add tools").click()
    field(rows, "Tools").fill('[{"type": "function", "function": {"name": "price"}}]')
    saved(rows)
    rows.reload()
    expect(calls).to_contain_text("")
    assert '"size": 1' in calls.input_value() and '"price"' in field(rows, "Tools").input_value()


def test_the_keyboard_alone_reaches_rows_editor_neighbours_flag_and_help(rows):
    rows.locator(f"{TABLE} tbody tr").first.focus()
    rows.keyboard.press("ArrowDown")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 2")
    expect(rows.locator(f"{TABLE} tr.ws-on")).to_be_focused()
    rows.keyboard.press("Enter")
    expect(turn_box(rows, 0)).to_be_focused()
    rows.keyboard.press("Alt+ArrowDown")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("Row 3")
    turn_box(rows, 0).focus()
    rows.keyboard.press("Alt+f")
    expect(rows.locator(f"{EDITOR} .ws-head .ws-tag")).to_have_text("flagged")
    rows.keyboard.press("Alt+f")
    expect(rows.locator(f"{EDITOR} .ws-head .ws-tag")).to_have_count(0)
    rows.keyboard.type("?")
    expect(turn_box(rows, 0)).to_have_value("Question 3?")
    rows.keyboard.press("Escape")
    expect(rows.locator(f"{TABLE} tr.ws-on")).to_be_focused()
    rows.keyboard.type("?")
    expect(rows.locator(DIALOG)).to_contain_text("Keys of the editor")
    rows.keyboard.press("Escape")
    button(rows.locator(EDITOR), "Revert").click()
    rows.keyboard.press("Alt+Delete")
    expect(rows.locator(f"{TABLE} .ws-bar .ws-key").first).to_have_text("Rows 1–50 of 59")
    rows.keyboard.press("Alt+n")
    expect(rows.locator(f"{EDITOR} .ws-title")).to_have_text("New row")


def test_tags_are_set_at_once_and_leave_what_is_typed_alone(rows):
    turn_box(rows, 1).fill("not saved yet")
    field(rows, "Add tag").fill("to check")
    rows.keyboard.press("Enter")
    expect(rows.locator(f'{EDITOR} [data-tag="to check"]')).to_be_visible()
    button(rows.locator(EDITOR), "Flag").click()
    expect(button(rows.locator(EDITOR), "Unflag")).to_be_visible()
    expect(turn_box(rows, 1)).to_have_value("not saved yet")
    saved(rows)
    expect(rows.locator(f"{EDITOR} .ws-problem")).to_have_count(0)
    rows.reload()
    button(rows.locator(f"{EDITOR} [data-tag]"), "Remove the tag to check").click()
    expect(rows.locator(f"{EDITOR} [data-tag]")).to_have_count(0)
    expect(button(rows.locator(EDITOR), "Unflag")).to_be_visible()


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


def test_a_dialogue_of_a_hundred_turns_stays_quick(placed):
    turns = [turn(("user", "assistant")[n % 2], f"Turn {n}\n" + "words " * 40) for n in range(100)]
    page = placed([*conversations(1), {"messages": turns}])
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


# Two people -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(rows, open_page, app_url):
    """Two pages with the fifth row of the same dataset open."""
    other = open_dataset(open_page(app_url), rows.locator(EDITOR).get_attribute("data-dataset"))
    for one in (rows, other):
        pick_row(one, 5)
    return rows, other


def test_the_second_of_two_sees_both_versions_and_chooses_and_both_stay_in_reach(two):
    mine, theirs = two
    edit_turn(theirs, 1, "The answer is five, they say")
    turn_box(mine, 1).fill("The answer is six, I say")
    mine.keyboard.press("Control+s")
    dialog = mine.locator(DIALOG)
    expect(dialog).to_contain_text("Row 5 was changed by someone else")
    assert dialog.locator(".ws-only-mine").all_inner_texts() == ["six", "I"]
    assert dialog.locator(".ws-only-theirs").all_inner_texts() == ["five", "they"]
    mine.keyboard.press("Escape")
    expect(turn_box(mine, 1)).to_have_value("The answer is six, I say")
    button(mine.locator(f"{EDITOR} .ws-problem"), "Compare the versions").click()
    button(dialog, "Show the saved row").click()
    expect(turn_box(mine, 1)).to_have_value("The answer is five, they say")
    button(mine.locator(EDITOR), "Step back").click()
    expect(turn_box(mine, 1)).to_have_value("The answer is six, I say")
    saved(mine)
    expect(mine.locator(f"{TABLE} tbody tr").nth(4)).to_contain_text("six, I say")


def test_two_who_changed_different_turns_can_keep_both_changes(two):
    mine, theirs = two
    edit_turn(theirs, 0, "Their question")
    turn_box(mine, 1).fill("My answer")
    mine.keyboard.press("Control+s")
    button(mine.locator(DIALOG), "Save both changes").click()
    expect(turn_box(mine, 0)).to_have_value("Their question")
    expect(turn_box(mine, 1)).to_have_value("My answer")
    expect(mine.locator(f"{TABLE} tbody tr").nth(4)).to_contain_text("Their question")
    expect(mine.locator(f"{EDITOR} [data-unsaved]")).to_have_count(0)


def test_what_was_typed_into_a_row_that_somebody_deleted_goes_on_as_a_new_row(two):
    mine, theirs = two
    button(theirs.locator(EDITOR), "Delete row").click()
    expect(theirs.locator(f"{TABLE} .ws-bar .ws-key").first).to_have_text("Rows 1–50 of 59")
    turn_box(mine, 1).fill("Still mine")
    mine.keyboard.press("Control+s")
    button(mine.locator(f"{EDITOR} .ws-problem"), "Keep it as a new row").click()
    saved(mine)
    expect(mine.locator(f"{TABLE} tr.ws-on")).to_contain_text("Still mine")


def test_a_row_that_somebody_changed_is_shown_again_before_it_is_deleted(two):
    mine, theirs = two
    edit_turn(theirs, 1, "What they just wrote")
    button(mine.locator(EDITOR), "Delete row").click()
    expect(mine.locator(f"{EDITOR} .ws-problem")).to_contain_text("It was not deleted.")
    expect(turn_box(mine, 1)).to_have_value("What they just wrote")
    button(mine.locator(EDITOR), "Delete row").click()
    expect(mine.locator(f"{TABLE} .ws-bar .ws-key").first).to_have_text("Rows 1–50 of 59")


def test_a_new_row_whose_answer_was_lost_is_added_once_however_often_it_is_saved(rows, faults):
    faults.allowed += ["Failed to load resource", "net::ERR", "component server", "Failed to fetch"]
    lost: list[int] = []

    def lose(route) -> None:
        if '"add_row"' in (route.request.post_data or "") and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    rows.route("**/component_server**", lose)
    button(rows.locator(TABLE), "Add row").click()
    turn_box(rows, 0).fill("Asked once")
    turn_box(rows, 1).fill("Answered once")
    button(rows.locator(EDITOR), "Save row").click()
    expect(rows.locator(f"{EDITOR} .ws-problem")).to_be_visible()
    assert lost == [200]
    button(rows.locator(EDITOR), "Save row").click()
    saved(rows)
    expect(rows.locator(f"{TABLE} .ws-fine > span").first).to_have_text("61 rows")
