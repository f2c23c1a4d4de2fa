"""The X-ray under the editor: tokens of the open row, the cut, both sides of a pair, the lengths of a version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, open_tab, settle, started_app
from tests.browser.data_page import (
    DIALOG,
    EDITOR,
    TABLE,
    VERSIONS,
    begin_import,
    button,
    conversations,
    edit_turn,
    import_rows,
    open_import,
    pick_row,
    turn_box,
    write_jsonl,
)
from tests.browser.test_crawl import untranslated

XRAY = '[data-widget="xray"]'
TOKENS = f"{XRAY} .ws-tokens"


def talk(question: str, reply: str) -> dict:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, shared_data: Path):
    """An app that has stories260K, a base without a chat template, beside Pocket."""
    root = tmp_path_factory.mktemp("app") / "root"
    with started_app(root, "--models", str(shared_data / "model")) as running:
        yield running


def show(page: Page, view: str) -> None:
    page.locator(f'{XRAY} button[data-view="{view}"]').click()


def texts(place: Page | Locator, state: str) -> str:
    """The text of all tokens of a kind, as it is shown."""
    return "".join(place.locator(f"{TOKENS} .ws-piece-{state}").all_inner_texts())


def set_most(page: Page, most: int) -> None:
    page.locator(f"{XRAY} .ws-xray-most").fill(str(most))
    page.keyboard.press("Enter")


def foot(page: Page) -> Locator:
    return page.locator(f"{XRAY} .ws-xray-foot")


def save_version(page: Page, save: str = "Save version") -> None:
    button(page.locator(TABLE), save).click()
    button(page.locator(DIALOG), save).click()
    expect(page.locator(DIALOG)).to_have_count(0)


def test_the_open_row_is_shown_as_tokens_with_its_reply_marked(page, tmp_path):
    import_rows(page, tmp_path, [talk("Where is the shop?", "In 猫 street."), *conversations(3)])
    expect(page.locator(f"{TOKENS} .ws-piece-special").first).to_have_text("<|im_start|>")
    assert texts(page, "trained").replace("·", " ") == "In 猫 street.<|im_end|>"
    assert "Where" in texts(page, "prompt")
    expect(foot(page).locator(".ws-xray-counts")).to_have_text(re.compile(r"^\d+ tokens\d+ trained$"))
    assert page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]") == [768, 1366]
    pick_row(page, 3)
    expect(page.locator(TOKENS)).to_contain_text("Answer")


def test_a_token_tells_its_id_and_place_under_the_pointer_and_by_arrow_keys(page, tmp_path):
    import_rows(page, tmp_path, [talk("cat", "é")], "ids")
    page.locator(f"{TOKENS} .ws-piece").first.hover()
    expect(foot(page)).to_contain_text("<|im_start|>id 1")
    expect(foot(page)).to_contain_text(re.compile(r"1 of \d+"))
    page.locator(f"{TOKENS} .ws-piece-trained", has_text="é").hover()
    expect(foot(page)).to_contain_text("2 tokens together")
    page.locator(f"{XRAY} .ws-xray-head").hover(position={"x": 2, "y": 2})
    expect(foot(page)).to_contain_text("trained")
    page.locator(TOKENS).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(foot(page)).to_contain_text(re.compile(r"^userid \d+.*2 of"))


def test_unsaved_edits_are_shown_and_reverted(page, tmp_path):
    import_rows(page, tmp_path, conversations(3), "edits")
    expect(page.locator(TOKENS)).to_contain_text("Answer")
    turn_box(page, 1).fill("Something else")
    expect(page.locator(TOKENS)).to_contain_text(re.compile("Some"))
    assert texts(page, "trained").replace("·", " ") == "Something else<|im_end|>"
    button(page.locator(EDITOR), "Revert").click()
    expect(page.locator(TOKENS)).to_contain_text("Answer")


def test_the_cut_is_shown_where_it_falls_and_a_row_that_trains_nothing_says_so(page, tmp_path):
    import_rows(page, tmp_path, [talk("one two three four five six", "seven eight nine " * 8)], "cut")
    expect(page.locator(f"{TOKENS} .ws-tokens-cut")).to_have_count(0)
    set_most(page, 30)
    expect(page.locator(f"{TOKENS} .ws-tokens-cut")).to_contain_text("Cut here")
    expect(foot(page)).to_contain_text("the first 30 of")
    assert page.locator(f"{TOKENS} .ws-piece-cut").count() and texts(page, "trained")
    set_most(page, 5)
    expect(page.locator(f"{XRAY} [data-problem=cut_entirely]")).to_contain_text("It trains nothing.")
    expect(foot(page)).to_contain_text("0 trained")
    page.reload()
    expect(page.locator(f"{XRAY} .ws-xray-most")).to_have_value("5")
    set_most(page, 0)
    expect(page.locator(f"{XRAY} .ws-xray-most")).to_have_value("512")
    expect(page.locator(f"{TOKENS} .ws-tokens-cut")).to_have_count(0)


def test_a_base_without_template_says_what_is_used_and_bytes_are_one_piece(page, tmp_path):
    import_rows(page, tmp_path, [talk("Q", "猫🍵")], "bytes")
    page.locator(f"{XRAY} .ws-xray-base").select_option(label="stories260K")
    expect(page.locator(f"{XRAY} .ws-xray-body")).to_contain_text("This base has no chat template.")
    cat = page.locator(f"{TOKENS} .ws-piece-trained", has_text="猫")
    expect(cat).to_have_count(1)
    cat.hover()
    expect(foot(page)).to_contain_text("3 tokens together")
    page.locator(f"{XRAY} .ws-xray-base").select_option(label="Pocket")
    expect(page.locator(f"{XRAY} .ws-xray-body")).not_to_contain_text("no chat template")


def test_hostile_text_stays_text_and_special_tokens_in_it_are_named(page, tmp_path):
    hostile = "<img src=x onerror=\"document.title='taken'\"> <|im_end|> \u202eevil\u202c \u200b"
    import_rows(page, tmp_path, [talk(hostile, "<script>document.title='taken'</script>")], "hostile")
    expect(page.locator(f"{XRAY} [data-problem=special_in_text]")).to_contain_text("<|im_end|> 1 time.")
    expect(page.locator(TOKENS)).to_contain_text("U+202E")
    assert "\u202e" not in page.locator(TOKENS).inner_text()
    assert page.locator(f"{TOKENS} img, {TOKENS} script").count() == 0
    assert page.title() != "taken"


def test_a_very_long_row_is_shown_in_parts_and_the_page_stays_quick(page, tmp_path):
    import_rows(page, tmp_path, [talk("word " * 60_000, "At last."), *conversations(2)], "long")
    expect(page.locator(f"{TOKENS} .ws-tokens-gap")).to_have_count(1)
    expect(page.locator(f"{XRAY} [data-problem=cut_entirely]")).to_be_visible()
    assert page.locator(f"{TOKENS} .ws-piece").count() < 5000
    assert page.locator(f"{TOKENS} .ws-piece").last.inner_text() == "⏎"
    assert page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]") == [768, 1366]
    pick_row(page, 2)
    expect(page.locator(TOKENS)).to_contain_text("Answer")


def test_both_sides_of_a_pair_are_shown(page, tmp_path):
    pair = {"prompt": "Where?", "chosen": "Here, thank you.", "rejected": "There."}
    import_rows(page, tmp_path, [pair], "pairs")
    expect(page.locator(TOKENS)).to_have_count(2)
    assert texts(page, "trained").replace("·", " ") == "Here, thank you.<|im_end|>"
    assert texts(page, "rejected").replace("·", " ") == "There.<|im_end|>"
    expect(page.locator(f"{XRAY} .ws-xray-side").nth(1)).to_contain_text("to avoid")


def dialogue(count: int) -> dict:
    """A system turn and so many exchanges of about 30 tokens of the pocket model each."""
    exchanges = [talk(f"Question {n}: " + "word " * 10, f"Reply {n}.")["messages"] for n in range(1, count + 1)]
    return {"messages": [{"role": "system", "content": "Be kind."}, *(turn for pair in exchanges for turn in pair)]}


def deed(page: Page, name: str) -> Locator:
    """A button in the foot of the X-ray; there while no token is pointed at."""
    page.locator(f"{XRAY} .ws-xray-head").hover(position={"x": 2, "y": 2})
    return page.locator(f"{XRAY} [data-deed={name}]")


def test_lengths_are_those_of_the_rows_as_they_stand_and_filter_the_table_and_sort_it(page, tmp_path):
    """Without any version. Cut to 60 tokens the dialogue of 5 exchanges is cut, and row 14 trains nothing."""
    import_rows(page, tmp_path, [*conversations(12), dialogue(5), talk("word " * 60, "Too late.")], "stand")
    show(page, "lengths")
    expect(page.locator(f"{XRAY} .ws-xray-bar > span").first).to_be_attached(timeout=60_000)
    expect(foot(page)).to_contain_text("14 rows")
    set_most(page, 60)
    expect(page.locator(f"{XRAY} .ws-xray-nothing")).to_contain_text("1 row would train nothing")
    deed(page, "cut").click()
    numbers = page.locator(f"{TABLE} tbody td.ws-col-number")
    expect(numbers).to_have_text(["13", "14"])
    deed(page, "longest").click()
    expect(numbers.first).to_have_text("13")
    expect(numbers).to_have_count(14)
    deed(page, "nothing").click()
    expect(numbers).to_have_text(["14"])
    expect(page.locator(TABLE)).to_contain_text("1 row that trains nothing at 60 tokens")
    expect(page.locator(f"{XRAY} [data-problem=cut_entirely]")).to_be_visible()
    show(page, "lengths")
    edit_turn(page, 0, "short")
    expect(page.locator(f"{XRAY} .ws-xray-nothing")).to_contain_text("0 rows would train nothing", timeout=60_000)


def test_padding_is_shown_for_batches_as_rows_come_sorted_and_packed(page, tmp_path):
    import_rows(page, tmp_path, [talk("word " * (n % 30), f"Reply {n}.") for n in range(1, 61)], "batches")
    show(page, "lengths")
    expect(page.locator(f"{XRAY} .ws-xray-bar > span").first).to_be_attached(timeout=60_000)
    page.locator("[data-shown=batches]").click()
    cards = page.locator(f"{XRAY} .ws-batch")
    expect(cards).to_have_count(3)

    def shares() -> list[float]:
        return [float(re.search(r"[\d.]+", words)[0]) for words in cards.locator("strong").all_inner_texts()]

    mixed, by_length, packed = shares()
    assert mixed > by_length and packed < mixed
    assert cards.nth(0).locator(".ws-batch-row").count() == 8
    page.locator(f"{XRAY} .ws-batch-size").fill("2")
    page.keyboard.press("Enter")
    expect(cards.nth(0).locator(".ws-batch-row")).to_have_count(2)
    assert shares()[0] < mixed, "of two rows the longer one is less far from the other than of eight"


def test_a_row_that_is_cut_is_shortened_as_it_was_shown_and_undo_takes_it_back(page, tmp_path):
    import_rows(page, tmp_path, [dialogue(6), *conversations(5)], "shorten")
    set_most(page, 100)
    deed(page, "shorten").click()
    dialog = page.locator(DIALOG)
    expect(dialog).to_contain_text(re.compile(r"Row 1 has \d+ tokens; 100 are read"))
    expect(dialog.locator("[data-part=gone]").first).to_contain_text("Question 1")
    expect(dialog.locator("[data-part=same]").first).to_contain_text("Be kind.")
    dialog.locator("[data-way=drop]").click()
    dialog.locator(".ws-shorten-turn").select_option("3")
    expect(dialog.locator("[data-part=gone]")).to_have_count(1)
    expect(dialog.locator("[data-part=gone]")).to_have_text(re.compile("Question 2"))
    expect(dialog).to_contain_text("too long")
    dialog.locator("[data-way=windows]").click()
    expect(dialog.locator("[data-record='1']")).to_contain_text("a new row")
    windows = dialog.locator("[data-record]").count()
    button(dialog, "Apply").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(f"{TABLE} .ws-bar")).to_contain_text(f"of {6 + windows - 1}")
    expect(page.locator(f"{TOKENS} .ws-tokens-cut")).to_have_count(0)
    expect(turn_box(page, 0)).to_have_value("Be kind.")
    page.locator(f"{TABLE} [data-step=undo]").click()
    expect(page.locator(f"{TABLE} .ws-bar")).to_contain_text("of 6")
    expect(page.locator(f"{TOKENS} .ws-tokens-cut")).to_have_count(1)
    turn_box(page, 0).fill("Be very kind.")
    deed(page, "shorten").click()
    expect(page.locator("#ws-toasts")).to_contain_text("edits that are not saved")


def test_two_bases_and_two_templates_read_the_same_row_side_by_side(page, tmp_path):
    call = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": "find_weather", "arguments": {"city": "Kyoto"}}}],
    }
    turns = [
        {"role": "user", "content": "Weather?"},
        call,
        {"role": "tool", "content": "sunny"},
        {"role": "assistant", "content": "Sunny."},
    ]
    import_rows(page, tmp_path, [{"messages": turns}], "compare")
    unseen = page.locator(f"{XRAY} [data-problem=tool_call_unseen]")
    expect(unseen).to_contain_text("the first to find_weather, is not read and not learned")
    deed(page, "compare").click()
    columns = page.locator(f"{DIALOG} .ws-compare-column")
    expect(columns.nth(1)).to_contain_text("This base has no chat template.")
    expect(columns.nth(1).locator("[data-problem=tool_reply_as_user]")).to_be_visible()
    columns.nth(1).locator("select").nth(0).select_option("pocket")
    columns.nth(1).locator("select").nth(1).select_option("hermes")
    expect(columns.nth(1)).to_contain_text("tool_call")
    expect(columns.nth(1).locator("[data-problem]")).to_have_count(0)
    tokens = [int(column.locator(".ws-compare-facts").inner_text().split()[0]) for column in columns.all()]
    assert tokens[0] < tokens[1]
    columns.nth(1).locator("select").nth(1).select_option("gemma")
    expect(columns.nth(1).locator("[data-problem=template_refused]")).to_contain_text(
        "This family knows no tool turns."
    )


def test_rows_that_would_train_nothing_open_in_the_table(page, tmp_path):
    long = talk("word " * 60, "Too late.")
    import_rows(page, tmp_path, [*conversations(60), long, *conversations(3), long], "lost")
    save_version(page)
    page.get_by_role("button", name="More for version 1").click()
    page.get_by_role("menuitem", name="Lengths of its rows").click()
    bars = page.locator(f"{XRAY} .ws-xray-bar > span")
    expect(bars.first).to_be_attached(timeout=60_000)
    set_most(page, 40)
    expect(page.locator(f"{XRAY} .ws-xray-nothing")).to_contain_text("2 rows would train nothing")
    expect(page.locator(f"{XRAY} [data-number=cut]")).to_contain_text("3.1 %")
    expect(page.locator(f"{XRAY} [data-number=longest]")).to_contain_text(re.compile(r"\d\d"))
    assert sum(int(t.split(": ")[1].split()[0]) for t in [b.get_attribute("title") for b in bars.all()]) == 65
    button(page.locator(XRAY), "Show them").click()
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(2)
    assert page.locator(f"{TABLE} tbody td.ws-col-number").all_inner_texts() == ["61", "65"]
    expect(page.locator(TABLE)).to_contain_text("Rows of v1 that train nothing at 40 tokens")
    expect(page.locator(f"{EDITOR} .ws-title")).to_have_text("Row 61")
    expect(page.locator(f"{XRAY} [data-problem=cut_entirely]")).to_be_visible()
    page.locator(f"{TABLE} tbody tr").nth(1).click()
    expect(page.locator(f"{EDITOR} .ws-title")).to_have_text("Row 65")
    edit_turn(page, 0, "short")
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(2)
    page.locator(f"{TABLE} .ws-chips .ws-icon").click()
    expect(page.locator(f"{TABLE} .ws-bar")).to_contain_text("of 65")


def test_the_train_tab_leads_to_the_rows_that_would_train_nothing(page, tmp_path):
    import_rows(page, tmp_path, [*conversations(20), talk("word " * 60, "Too late.")], "from-train")
    save_version(page)
    import_rows(page, tmp_path, conversations(2), "another")
    open_tab(page, "train")
    page.locator("#train-level").get_by_text("Advanced").click()
    page.locator("#train-version input").click()
    page.get_by_role("option", name=re.compile("from-train")).click()
    page.locator("#train-form").get_by_label("Maximum length").fill("40")
    page.keyboard.press("Tab")
    link = page.locator("#start").get_by_role("button", name="Show them")
    expect(link).to_be_visible(timeout=60_000)
    assert "dropped." not in page.locator("#start").inner_text()
    link.click()
    expect(page.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text("from-train")
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(1)
    expect(page.locator(f"{EDITOR} .ws-title")).to_have_text("Row 21")
    expect(page.locator(f"{XRAY} .ws-xray-most")).to_have_value("40")
    expect(page.locator(f"{XRAY} [data-problem=cut_entirely]")).to_be_visible()


def test_in_japanese_and_on_a_phone_everything_is_said_and_fits(open_page, app_url, page, tmp_path):
    import_rows(page, tmp_path, [talk("営業時間は？", "十時から\u3000です🍵。"), *conversations(5)], "ja")
    save_version(page)
    for size, scheme in ((DESKTOP, "dark"), (PHONE, "light")):
        seen = open_page(app_url, locale="ja-JP", scheme=scheme, size=size)
        seen.locator(f"{TABLE} tbody tr").first.click()
        expect(seen.locator(TOKENS)).to_contain_text("十時")
        expect(seen.locator(TOKENS)).to_contain_text("□")
        expect(foot(seen)).to_contain_text(re.compile(r"\d+ トークン学習対象 \d+"))
        show(seen, "lengths")
        expect(seen.locator(f"{XRAY} .ws-xray-nothing")).to_contain_text("何も学習しない行：0 行", timeout=60_000)
        assert seen.evaluate("document.documentElement.scrollWidth") <= size[0]
        for place in (f"{XRAY} .ws-xray-head", f"{XRAY} .ws-xray-numbers"):
            assert seen.locator(place).evaluate("n => n.scrollWidth <= n.clientWidth"), place


def test_every_word_around_the_x_ray_is_translated(make_app, open_page, tmp_path, shared_data):
    page = open_page(make_app(lang="en-XA", arguments=("--models", str(shared_data / "model"))).address)
    pair = {"prompt": "Where?", "chosen": "Here <|im_end|>.", "rejected": "There."}
    path = write_jsonl(tmp_path / "pairs.jsonl", [pair | {"prompt": f"{n}?"} for n in range(12)])
    open_import(page)
    page.locator(f"{DIALOG} input[type=file]").set_input_files(path)
    begin_import(page)
    page.locator(f"{DIALOG} .ws-report").wait_for(timeout=60_000)
    page.keyboard.press("Escape")
    expect(page.locator(TOKENS)).to_have_count(2)
    page.locator(f"{XRAY} .ws-xray-base").select_option(label="stories260K")
    set_most(page, 4)
    expect(page.locator(f"{TOKENS} .ws-tokens-cut")).to_have_count(2)
    page.locator(f"{TOKENS} .ws-piece").first.hover()
    assert untranslated(page) == []
    deed(page, "compare").click()
    expect(page.locator(".ws-compare-column")).to_have_count(2)
    page.locator(".ws-compare-column select").nth(1).select_option("gemma")
    settle(page)
    assert untranslated(page) == []
    page.keyboard.press("Escape")
    deed(page, "shorten").click()
    settle(page)
    assert untranslated(page) == []
    page.keyboard.press("Escape")
    show(page, "lengths")
    page.locator(f"{XRAY} .ws-xray-bars").wait_for(timeout=60_000)
    assert untranslated(page) == []
    page.locator("[data-shown=batches]").click()
    settle(page)
    assert untranslated(page) == []
    page.locator("[data-shown=lengths]").click()
    page.evaluate("whetstone.send('data:save_version', {})")
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    expect(page.locator(f"{VERSIONS} [data-version]")).to_be_visible()
    assert untranslated(page) == []
    show(page, "lengths")
    deed(page, "nothing").click(timeout=60_000)
    expect(page.locator(f"{TABLE} .ws-chips")).to_be_visible()
    assert untranslated(page) == []
