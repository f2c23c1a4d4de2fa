"""Personal data: found where it is, in both languages and both widths, and not where numbers only look like it."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.checks.personal_data import PLUG
from studio.data.personal import KINDS, find_personal
from studio.data.personal.numbers import passes_luhn, passes_my_number
from tests.contracts.test_checks import Placeholders
from tests.unit.data.checks.labelled_personal import NEGATIVE, POSITIVE


def found_in(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for span in find_personal(text):
        found[span.kind] = (*found.get(span.kind, ()), text[span.start : span.end])
    return found


def test_labelled_lines_are_found_and_others_left_alone():
    """Precision: what was found and is right, by all that was found; recall: by all that is there. To the letter."""
    right, wrong, missed = Counter(), Counter(), Counter()
    for text, expected in [*POSITIVE, *((text, {}) for text in NEGATIVE)]:
        found = found_in(text)
        there = {(kind, part) for kind, parts in expected.items() for part in parts}
        said = {(kind, part) for kind, parts in found.items() for part in parts}
        right.update(kind for kind, _ in there & said)
        wrong.update(kind for kind, _ in said - there)
        missed.update(kind for kind, _ in there - said)
        if there != said:
            print(f"{text!r}: too much {sorted(said - there)}, missed {sorted(there - said)}")
    precision = right.total() / (right + wrong).total()
    recall = right.total() / (right + missed).total()
    print(f"{len(POSITIVE)} lines with and {len(NEGATIVE)} without: precision {precision:.3f}, recall {recall:.3f}")
    print({kind: (right[kind], wrong[kind], missed[kind]) for kind in KINDS}, "(right, wrong, missed)")
    assert len(POSITIVE) + len(NEGATIVE) >= 150
    assert precision >= 0.98
    assert recall >= 0.98


def test_a_number_with_one_digit_changed_fails_its_check():
    """Both checks notice any single wrong digit; My Number's lets 0 and 1 share a remainder, so one swap in ten passes."""
    assert passes_luhn("4539148803436467") and passes_my_number("123456789018")
    changed = [f"453914880343646{digit}" for digit in "012345689"]
    assert not any(map(passes_luhn, changed))
    assert not any(passes_my_number(f"12345678901{digit}") for digit in "012345679")


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=80))
def test_any_text_is_read_and_the_places_lie_apart_within_it(text):
    end = 0
    for span in find_personal(text):
        assert end <= span.start < span.end <= len(text)
        assert span.kind in KINDS
        end = span.end


parts = st.sampled_from(
    [text for text, _ in POSITIVE] + list(NEGATIVE) + ["\n", " ", "。", "：", "@", "-", "電話", "0", "１", "⟨EMAIL_1⟩"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(parts, max_size=4).map("".join))
def test_masked_once_a_text_holds_no_more_of_the_kind(text):
    """In every mixture of the labelled lines: a placeholder must never look like personal data itself."""
    fixer = Placeholders()
    record = {"text": text}
    for kind in KINDS:
        record = PLUG.fix(record, {"kind": kind}, fixer)
        assert all(span.kind != kind for span in find_personal(record["text"])), record["text"]


def test_the_same_value_gets_the_same_placeholder_however_it_is_written():
    fixer = Placeholders()
    asked = {"text": "090-1234-5678、０９０１２３４５６７８、+81 90 1234 5678、090-1234-5679"}
    masked = PLUG.fix(asked, {"kind": "phone"}, fixer)
    assert masked == {"text": "⟨PHONE_1⟩、⟨PHONE_1⟩、⟨PHONE_1⟩、⟨PHONE_2⟩"}


def test_an_entity_moves_with_the_text_that_is_masked_before_it():
    text = "lena@posthaus.de wohnt in Bonn"
    record = {"text": text, "entities": [{"start": 26, "end": 30, "label": "place", "text": "Bonn"}]}
    masked = PLUG.fix(record, {"kind": "email"}, Placeholders())
    assert masked["text"] == "⟨EMAIL_1⟩ wohnt in Bonn"
    assert masked["entities"] == [{"start": 19, "end": 23, "label": "place", "text": "Bonn"}]


HOSTILE = {
    "letters": "a" * 100_000,
    "at signs": "@" * 100_000,
    "addresses without an end": "a@a." * 25_000,
    "digits": "0" * 100_000,
    "groups of digits": "03-1234-" * 12_500,
    "plus signs": "+1" * 50_000,
    "prefectures": "東京都" * 33_000,
    "towns": "東京都市区町村" * 14_000,
    "streets": "1 Aa Aa Aa " * 9_000,
    "names": "氏名：" * 33_000,
    "capitals": "Aa " * 33_000,
    "keys": "eyJ" * 33_000,
    "keys with dots": "eyJaaaaaaaaaaa.eyJ" * 5_500,
    "passwords": "password " * 11_000,
    "colons": "1:" * 50_000,
    "logins": "://" * 33_000,
    "private keys": "-----BEGIN PRIVATE KEY-----" * 3_700,
    "pictures": "😀" * 50_000,
    "surrogates": "\ud800" * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_made_to_be_slow_takes_no_longer_for_its_length(name):
    """Eight times the text takes eight times as long, what is quadratic 64 times; 40 leaves room for a busy machine."""
    text = HOSTILE[name]
    short, long = text[: len(text) // 8], text
    find_personal(short)
    least = min(timed(short) for _ in range(3))
    assert min(timed(long) for _ in range(2)) < 40 * least + 0.05


def timed(text: str) -> float:
    began = time.process_time()
    find_personal(text)
    return time.process_time() - began
