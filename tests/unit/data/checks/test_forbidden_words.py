"""Forbidden words: found in every way to write them, and inside no other word of an alphabet."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.checks import CheckContext, example_row
from studio.data.checks.forbidden_words import PLUG


def found(text: str, *words: str) -> dict[str, int]:
    rows = [example_row(1, {"text": text})]
    return {f.values["word"]: f.values["count"] for f in PLUG.find(lambda: iter(rows), CheckContext(forbidden=words))}


@pytest.mark.parametrize(
    ("text", "word", "count"),
    [
        ("DAMN it, damn it", "damn", 2),
        ("ｄａｍｎ", "Damn", 1),
        ("バカとばかとﾊﾞｶ", "バカ", 3),
        ("バカとばかとﾊﾞｶ", "「バカ」", 2),
        ("馬鹿野郎", "馬鹿", 1),
        ("a  bad\nword here", "bad word", 1),
        ("C++ is not C", "c++", 1),
        ("Straße", "STRASSE", 1),
        ("彼はNGです", "NG", 1),
    ],
)
def test_a_word_is_found_however_it_is_written(text, word, count):
    assert found(text, word) == {word: count}


@pytest.mark.parametrize(
    ("text", "word"),
    [("classic assassins", "ass"), ("Scunthorpe", "cunt"), ("", "x"), ("anything", ""), ("any.thing", "any thing")],
)
def test_a_word_inside_another_is_none(text, word):
    assert found(text, word) == {}


def test_of_two_words_the_longer_is_counted():
    assert found("馬鹿野郎と馬鹿", "馬鹿", "馬鹿野郎") == {"馬鹿野郎": 1, "馬鹿": 1}


def test_signs_in_a_word_are_no_pattern():
    assert found("a.c abc (x) [y]", "a.c", "(x)", "[y]", ".*", "\\w+") == {"a.c": 1, "(x)": 1, "[y]": 1}


@settings(max_examples=200, deadline=None)
@given(
    st.text("abcBC ", max_size=30),
    st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=3, unique=True),
)
def test_the_count_is_that_of_whole_words(text, words):
    tokens = re.findall("[a-z]+", text.lower())
    assert found(text, *words) == {word: tokens.count(word) for word in words if word in tokens}


def test_a_thousand_words_and_a_long_text_take_about_a_second():
    words = [f"wort{number}" for number in range(1000)]
    for text in ("wort" * 100_000, "wort 999 " * 50_000, "わ" * 400_000, "\ud800" * 400_000):
        began = time.process_time()
        found(text, *words)
        assert time.process_time() - began < 3.0
