"""Rows of every kind in the editor: pairs with what differs, ratings, labels, marked words; typed by hand in both languages."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.data_page import EDITOR, TABLE, button, edit_turn, field, open_dataset, saved, turn_box
from tests.placed_datasets import place_dataset, turn

SENTENCE = "田中さん🍵は Tokyo にいます。"


def shown_spans(page: Page) -> list[str]:
    return page.locator(f"{EDITOR} .ws-spans li").evaluate_all(
        "lines => lines.map(line => ['.ws-span-label', '.ws-span-text', '.ws-key'].map(s => line.querySelector(s).textContent).join(' '))"
    )


def select_words(page: Page, words: str) -> None:
    """Selects words in the text as a person's shift and arrow keys leave them."""
    field(page, "Text").evaluate(
        "(box, words) => { box.focus(); const at = box.value.indexOf(words); box.setSelectionRange(at, at + words.length); }",
        words,
    )


def test_words_that_only_one_reply_has_are_marked_in_it_also_in_japanese(placed):
    said = ("営業時間は10時から19時までです。", "営業時間は10時から20時までです。")
    record = {
        "prompt": [turn("user", "何時まで？")],
        "chosen": [turn("assistant", said[0])],
        "rejected": [turn("assistant", said[1])],
    }
    page = placed([record] * 2, "preference")
    assert page.locator(f"{EDITOR} .ws-section-head .ws-tag").all_inner_texts() == ["Prompt", "Chosen", "Rejected"]
    chosen, rejected = page.locator(f"{EDITOR} .ws-only-chosen"), page.locator(f"{EDITOR} .ws-only-rejected")
    expect(chosen).to_have_text("19")
    expect(rejected).to_have_text("20")
    behind = page.locator(f"{EDITOR} .ws-behind").nth(1).bounding_box()
    box = turn_box(page, 0, "chosen").bounding_box()
    assert all(abs(behind[side] - box[side]) < 1 for side in behind), "the marks lie exactly behind the words"
    turn_box(page, 0, "rejected").fill("営業時間は10時から19時まで。")
    expect(chosen).to_have_text("です")
    expect(rejected).to_have_count(0)
    button(page.locator(EDITOR), "Differences").click()
    expect(chosen).to_have_count(0)
    narrow = page.locator(f"{EDITOR} .ws-section").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().top)"
    )
    button(page.locator(EDITOR), "Wide editor").click()
    wide = page.locator(f"{EDITOR} .ws-section").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
    assert narrow[1] < narrow[2] and wide[1] == wide[2], "side by side where there is room"
    button(page.locator(EDITOR), "Wide editor").click()
    field(page, "Margin").fill("0.5")
    saved(page)
    expect(page.locator(f"{TABLE} tbody tr").first).to_contain_text("10時から19時まで。")


def test_words_are_marked_by_selecting_them_and_the_marks_follow_the_text(placed):
    """Offsets count code points: the cup before Tokyo is one of them and two of the browser's letters."""
    entities = [{"start": 0, "end": 2, "label": "PERSON", "text": "田中"}]
    page = placed([{"text": SENTENCE, "entities": entities}, {"text": "Osaka", "entities": []}], "extraction")
    add = page.locator(f"{EDITOR} .ws-span-deed button")
    expect(add).to_be_disabled()
    select_words(page, "Tokyo")
    field(page, "Label of the selected words").fill("PLACE")
    field(page, "Label of the selected words").press("Enter")
    assert shown_spans(page) == ["PERSON 田中 0–2", "PLACE Tokyo 7–12"]
    expect(page.locator(f"{EDITOR} .ws-behind .ws-mark-2")).to_have_text("Tokyo")
    select_words(page, "田中さん")
    page.keyboard.press("ArrowLeft")
    page.keyboard.type("昨日、")
    assert shown_spans(page) == ["PERSON 田中 3–5", "PLACE Tokyo 10–15"]
    select_words(page, "kyo")
    page.keyboard.press("Delete")
    assert shown_spans(page) == ["PERSON 田中 3–5", "PLACE To 10–12"]
    button(page.locator(EDITOR), "Remove the mark of “田中”").click()
    saved(page)
    page.reload()
    page.locator(f'{EDITOR}[data-row="1"]').wait_for()
    assert shown_spans(page) == ["PLACE To 10–12"]


def test_known_labels_are_offered_and_one_label_becomes_several(placed):
    rows = [{"text": "It broke", "label": "complaint"}, {"text": "Where is it?", "label": ["delivery", "question"]}]
    page = placed(rows, "classification")
    field(page, "Label 1").focus()
    offered = page.locator(f'{EDITOR} [data-name="label"] datalist option')
    expect(offered).to_have_count(3)
    assert offered.evaluate_all("all => all.map(one => one.value)") == ["complaint", "delivery", "question"]
    button(page.locator(EDITOR), "Add label").click()
    field(page, "Label 2").fill("delivery")
    saved(page)
    expect(page.locator(f"{TABLE} tbody tr").first).to_contain_text("complaint · delivery")


LARGE = 12345678901234567
"""A browser's numbers have no digits for it: it would become …568, as would …569."""


def test_every_digit_of_a_large_number_is_seen_and_saved(app, page, tmp_path):
    calls = [{"type": "function", "function": {"name": "find", "arguments": {"id": LARGE, "share": 1.0}}}]
    record = {
        "prompt": [turn("user", "Which order?")],
        "chosen": [turn("assistant", "", tool_calls=calls)],
        "rejected": [turn("assistant", "None.")],
        "margin": LARGE,
        "tools": [{"type": "function", "function": {"name": "find", "parameters": {"maximum": 2**53 + 1}}}],
    }
    dataset = place_dataset(app.root, tmp_path.name, [record], "preference")
    (path,) = app.root.rglob(f"{dataset}.db")

    def stored() -> dict:
        with closing(sqlite3.connect(path)) as connection:
            return json.loads(connection.execute("SELECT record FROM rows").fetchone()[0])

    open_dataset(page, dataset)
    json_box, margin = field(page, "Tool calls of turn 1"), field(page, "Margin")
    expect(json_box).to_have_value(re.compile(f'"id": {LARGE},'))
    expect(field(page, "Tools")).to_have_value(re.compile(f'"maximum": {2**53 + 1}\n'))
    expect(margin).to_have_value(str(LARGE))
    assert margin.evaluate("box => box.scrollWidth <= box.clientWidth"), "none of them is cut off"
    edit_turn(page, 0, "Which of the orders?", "prompt")
    expect(page.locator(f'{EDITOR}[data-revision="2"]')).to_have_count(1)
    record["prompt"][0]["content"] = "Which of the orders?"
    assert json.dumps(stored()) == json.dumps(record)
    json_box.fill(json_box.input_value().replace(str(LARGE), str(LARGE + 2)))
    margin.fill(str(LARGE + 1))
    saved(page)
    page.reload()
    page.locator(f'{EDITOR}[data-row="1"]').wait_for()
    expect(json_box).to_have_value(re.compile(f'"id": {LARGE + 2},'))
    expect(margin).to_have_value(str(LARGE + 1))
    calls[0]["function"]["arguments"]["id"], record["margin"] = LARGE + 2, LARGE + 1
    assert json.dumps(stored()) == json.dumps(record)
    expect(page.locator(f"{EDITOR} .ws-tag", has_text="Unsaved")).to_have_count(0)


HANDS = {
    "会話": ["お茶はいくら？", "800 円です。"],
    "選好ペア": ["開いてる？", "はい、開いています。", "うん。"],
    "良い・悪いの付いた応答": ["開いてる？", "知りません。"],
    "正解のある課題": ["500 円を 3 つでは？", "1500"],
    "文書": ["砥石には粗さがあります。"],
    "ラベル付きテキスト": ["壊れていました。"],
}
"""What is typed into the boxes of a new row of each kind, in order; then comes what is no box of text."""


def test_rows_of_every_kind_are_typed_into_a_new_dataset_in_japanese(open_page, app_url):
    page = open_page(app_url, locale="ja-JP")
    empty = page.get_by_role("button", name="新しいデータセット", exact=True)
    more = page.locator(f"{TABLE} .ws-more")
    expect(empty.or_(more).first).to_be_visible()
    if more.is_visible():
        more.click()
        page.get_by_role("menuitem", name="新しいデータセット…", exact=True).click()
    else:
        empty.click()
    page.locator("dialog [data-field=name]").fill("手書き")
    page.locator("dialog .ws-btn-primary").click()
    expect(page.locator(f"{EDITOR} .ws-title")).to_have_text("新しい行")
    for number, (kind, texts) in enumerate(HANDS.items(), 1):
        if number > 1:
            page.keyboard.press("Alt+n")
        page.locator(f"{EDITOR} .ws-kind").select_option(label=kind)
        boxes = page.locator(f"{EDITOR} .ws-boxes textarea:not(.ws-json)")
        expect(boxes).to_have_count(len(texts))
        for index, text in enumerate(texts):
            boxes.nth(index).fill(text)
        if kind.startswith("良い"):
            page.locator(EDITOR).get_by_role("radio", name="悪い").click()
        if kind.startswith("ラベル"):
            field(page, "ラベル 1").fill("苦情")
        page.keyboard.press("Control+s")
        expect(page.locator(f"{EDITOR} .ws-title")).to_have_text(f"{number} 行目")
        expect(page.locator(f"{TABLE} tr.ws-on")).to_contain_text(texts[0])
    expect(page.locator(f"{TABLE} .ws-fine > span").first).to_have_text("6 行")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editor_fits_a_phone(app, open_page, app_url, scheme, tmp_path):
    dataset = place_dataset(app.root, tmp_path.name, [{"text": SENTENCE, "entities": []}], "extraction")
    page = open_page(app_url, size=PHONE, scheme=scheme)
    page.evaluate("id => localStorage.setItem('whetstone.data.open', id)", dataset)
    page.reload()
    page.locator(f"{TABLE} tbody tr").first.click()
    page.locator(f'{EDITOR}[data-dataset="{dataset}"][data-row="1"]').wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    expect(button(page.locator(EDITOR), "Save row")).to_be_in_viewport()
