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
    button,
    conversations,
    edit_turn,
    import_rows,
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
    expect(foot(page)).to_have_text(re.compile(r"^\d+ tokens\d+ trained$"))
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


def test_without_a_version_lengths_offer_to_save_one_and_versions_come_into_view_when_saved(page, tmp_path):
    import_rows(page, tmp_path, conversations(12), "lengths")
    show(page, "lengths")
    button(page.locator(XRAY), "Save version").click()
    button(page.locator(DIALOG), "Save version").click()
    expect(page.locator(f"{VERSIONS} [data-version]")).to_be_visible()
    expect(page.locator(f'{XRAY} button[data-view="versions"]')).to_have_text("Versions 1")
    pick_row(page, 2)
    expect(page.locator(TOKENS)).to_be_visible()


def test_rows_that_would_train_nothing_open_in_the_table(page, tmp_path):
    long = talk("word " * 60, "Too late.")
    import_rows(page, tmp_path, [*conversations(60), long, *conversations(3), long], "lost")
    save_version(page)
    button(page.locator(VERSIONS), "Lengths of version 1").click()
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
    expect(page.locator(f"{TABLE} .ws-lost")).to_contain_text("Rows of v1 that train nothing at 40 tokens")
    expect(page.locator(f"{EDITOR} .ws-title")).to_have_text("Row 61")
    expect(page.locator(f"{XRAY} [data-problem=cut_entirely]")).to_be_visible()
    page.locator(f"{TABLE} tbody tr").nth(1).click()
    expect(page.locator(f"{EDITOR} .ws-title")).to_have_text("Row 65")
    edit_turn(page, 0, "short")
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(2)
    page.get_by_label("Show all rows again").click()
    expect(page.locator(f"{TABLE} .ws-bar")).to_contain_text("51–65 of 65")
    expect(page.locator(f"{TABLE} tbody tr.ws-on .ws-col-number")).to_have_text("65")


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
    page.locator(f"{TABLE} .ws-data-empty .ws-btn").last.click()
    page.locator(f"{DIALOG} input[type=file]").set_input_files(path)
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    page.locator(f"{DIALOG} .ws-report").wait_for(timeout=60_000)
    page.keyboard.press("Escape")
    expect(page.locator(TOKENS)).to_have_count(2)
    page.locator(f"{XRAY} .ws-xray-base").select_option(label="stories260K")
    set_most(page, 4)
    expect(page.locator(f"{TOKENS} .ws-tokens-cut")).to_have_count(2)
    page.locator(f"{TOKENS} .ws-piece").first.hover()
    assert untranslated(page) == []
    show(page, "lengths")
    settle(page)
    assert untranslated(page) == []
    page.evaluate("whetstone.send('data:save_version', {})")
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    expect(page.locator(f"{VERSIONS} [data-version]")).to_be_visible()
    assert untranslated(page) == []
    show(page, "lengths")
    page.locator(f"{XRAY} .ws-xray-nothing .ws-btn").click(timeout=60_000)
    expect(page.locator(f"{TABLE} .ws-lost")).to_be_visible()
    assert untranslated(page) == []
