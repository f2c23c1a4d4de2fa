"""Garbled text: every usual way to misread Japanese and French is undone, and what is written rightly stays."""

from __future__ import annotations

import time

import ftfy.bad_codecs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.checks import CheckContext, example_row
from studio.data.checks.garbled import CONTROL, HTML, INVISIBLE, PLUG, REPLACED
from studio.data.mojibake import looks_misread, restore

JAPANESE = "返品は三十日までにお願いします。カタカナも混ざる"
FRENCH = "It’s a café – “naïve” résumé"
WAYS = [
    (JAPANESE, "utf-8", "cp932"),
    (JAPANESE, "utf-8", "sloppy-windows-1252"),
    (JAPANESE, "utf-8", "latin-1"),
    (JAPANESE, "cp932", "sloppy-windows-1252"),
    (JAPANESE, "cp932", "latin-1"),
    (JAPANESE, "euc_jp", "latin-1"),
    (JAPANESE, "iso2022_jp", "ascii"),
    (FRENCH, "utf-8", "sloppy-windows-1252"),
    (FRENCH, "utf-8", "latin-1"),
    (FRENCH, "utf-8", "cp437"),
    (FRENCH, "utf-8", "mac_roman"),
]


@pytest.mark.parametrize(("text", "right", "wrong"), WAYS, ids=lambda value: value if len(value) < 20 else "text")
def test_a_text_read_in_the_wrong_encoding_is_restored_to_the_letter(text, right, wrong):
    ftfy.bad_codecs.ok()
    misread = text.encode(right).decode(wrong)
    assert misread != text and looks_misread(misread)
    assert restore(misread) == text
    assert restore(f"前の文です。\n{misread}\nThe next line.") == f"前の文です。\n{text}\nThe next line."


def test_a_dash_whose_first_byte_became_a_blank_is_restored():
    """As 55 questions of MMLU's professional law have it."""
    assert restore("Section 20 \x80\x9421, the garage") == "Section 20—21, the garage"
    assert restore("a\x80\x83b") == "a\u2003b"


RIGHT = [
    "縺れる糸を縺れないように", "繧繝という模様", "ＡＢＣ　１２３　ｱｲｳ", "～〜－‐“”‘’…", "café déjà vu naïve", "¥1,000 と ¤5",
    "ÄÖÜ äöü ß", "Привет, как дела?", "½ × ¼ = ⅛", "«Bonjour»", "$B$ and f(B)", "中文繁體字測試", "Łódź Gdańsk",
    "ƒ(x) = ‚a‘", "한국어 문장입니다", "شكرا جزيلا", "🇯🇵👨‍👩‍👧 ☕", "Ångström, façade, ñandú, İstanbul", "α β γ → ∞ ≤ ≥ ≠",
]  # fmt: skip


@pytest.mark.parametrize("text", RIGHT)
def test_a_text_that_is_right_is_left_as_it_is(text):
    """Wide letters and Japanese signs as well: nothing is folded."""
    assert restore(text) == text
    assert not looks_misread(text)


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        st.sampled_from("ぁあいうえおかきくけこアイウエオ漢字仮名交文日本語々。、「」！？ー〜ＡＢ１２abc ,.\n"),
        max_size=60,
    )
)
def test_no_japanese_is_taken_for_misread(text):
    assert restore(text) == text


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=60))
def test_any_text_is_read_and_mended(text):
    row = example_row(1, {"text": text})
    for finding in PLUG.find(lambda: iter([row]), CheckContext()):
        if finding.code in PLUG.fixable:
            assert isinstance(PLUG.fix(row.record, finding.values, None)["text"], str)


def mended(text: str, what: str) -> str:
    return PLUG.fix({"text": text}, {"what": what}, None)["text"]


def test_marks_that_letters_need_are_no_invisible_rests():
    """A joiner between pictures or Persian letters, direction marks in Hebrew, the flag of Wales."""
    for text in (
        "👩\u200d🚀",
        "می\u200cخواهم",
        "שלום\u200f",
        "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
    ):
        assert list(PLUG.find(lambda text=text: iter([example_row(1, {"text": text})]), CheckContext())) == []
        assert mended(text, INVISIBLE) == text
    assert mended("in\u200bvi\u200dsi\ufeffble", INVISIBLE) == "invisible"


def test_html_is_turned_into_text_and_code_is_left_alone():
    text = "Tea&nbsp;&amp;&#32;cake<br/>one<p>two</p>`<b>x</b>`\n```\n<br>&amp;\n```"
    assert mended(text, HTML) == "Tea & cake\none" + "two\n`<b>x</b>`\n```\n<br>&amp;\n```"
    assert mended("各文字は&lt;子音+母音&gt;です。&amp;lt;br&amp;gt;次", HTML) == "各文字は<子音+母音>です。\n次"
    assert mended("HTML: <br>", HTML) == "HTML: <br>"


def test_real_mojibake_is_found_and_nothing_else_in_japanese(shared_rows):
    """MMLU's professional law holds misread dashes; the Japanese dialogues hold none of all this."""
    law = [f.code for f in PLUG.find(shared_rows("mmlu/test/professional_law_test.csv"), CheckContext())]
    assert law.count("mojibake") >= 50
    assert list(PLUG.find(shared_rows("instruct_ja/messages_a.jsonl"), CheckContext())) == []


HOSTILE = {
    "misread Japanese": "縺ゅ＞" * 40_000,
    "half misread": "縺" * 100_000,
    "misread French": "Ã©" * 60_000,
    "C1": "\x80\x94" * 50_000,
    "tags": "<p " * 40_000,
    "entities": "&amp" * 30_000,
    "code": "`" * 100_000,
    "JIS": "$B" * 50_000,
    "flags": "\U0001f3f4\U000e0067" * 30_000,
    "pictures": "😀" * 60_000,
    "surrogates": "\ud800" * 60_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_made_to_be_slow_takes_no_longer_for_its_length(name):
    text = HOSTILE[name]
    timed(text[:100])
    least = min(timed(text[: len(text) // 8]) for _ in range(3))
    assert min(timed(text) for _ in range(2)) < 40 * least + 0.05


def timed(text: str) -> float:
    row = example_row(1, {"text": text})
    began = time.process_time()
    for finding in PLUG.find(lambda: iter([row]), CheckContext()):
        assert finding.code != REPLACED
        if finding.code in (CONTROL, INVISIBLE, HTML, "mojibake"):
            PLUG.fix(row.record, finding.values, None)
    return time.process_time() - began
