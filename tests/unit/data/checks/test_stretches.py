"""The stretches of texts against a plain count with a regular expression, over every character there is."""

from __future__ import annotations

import random
import re
import sys

import numpy as np

from studio.data.checks._folding import fold
from studio.data.checks._stretches import UNITS, hash_stretches

ALONE = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
UNIT = re.compile(rf"[{ALONE}]|[^\W{ALONE}]+")
ALPHABETS = ("ab \t", "abc É_-1", "あい、ア々〇 ", "가나 다", "𠮟 ß ﬁ 🙂", "\ud800\udfff e\u0301 ", "\x1f\x85\u2028\na")


def _runs(text: str) -> set[tuple[str, ...]]:
    units = UNIT.findall(text)
    return {tuple(units[at : at + UNITS]) for at in range(len(units) - UNITS + 1)}


def test_stretches_are_those_of_a_plain_count_and_equal_ones_have_equal_hashes():
    drawn = random.Random(3)
    for _ in range(200):
        letters = "".join(drawn.sample(ALPHABETS, 2))
        texts = [fold("".join(drawn.choices(letters, k=drawn.choice((0, 1, 14, 60, 200))))) for _ in range(6)]
        found = hash_stretches(texts)
        runs = [_runs(text) for text in texts]
        assert np.bincount(found.owners, minlength=len(texts)).tolist() == list(map(len, runs)), texts
        assert len(set(found.hashes.tolist())) == len(set().union(*runs)), texts
        units = [UNIT.findall(text) for text in texts]
        assert found.units.tolist() == list(map(len, units))
        assert found.characters.tolist() == [
            sum(len(unit) == 1 and not unit.isascii() for unit in one) for one in units
        ]


def test_every_character_is_taken_for_what_the_expression_takes_it_for():
    """Between two letters a character of a word makes one unit of them, one that stands alone three, any other two."""
    characters = list(map(chr, range(sys.maxunicode + 1)))
    found = hash_stretches([f"a{character}a" for character in characters])
    whole = "\n".join(characters)
    alone, word = set(re.findall(f"[{ALONE}]", whole)), set(re.findall(r"\w", whole))
    expected = [3 if one in alone else 1 if one in word else 2 for one in characters]
    assert np.flatnonzero(found.units != np.array(expected)).tolist() == []


def test_no_text_an_empty_text_and_a_word_of_a_million_letters_have_no_stretch():
    assert len(hash_stretches([]).hashes) == len(hash_stretches([""]).hashes) == 0
    found = hash_stretches(["", "a" * 1_000_000, "", " ".join("bcdefghijklmn")])
    assert (found.owners.tolist(), found.units.tolist()) == ([3], [0, 1, 0, 13])


def test_a_stretch_counts_once_in_a_text_and_again_in_the_next():
    stretch = " ".join("abcdefghijklm")
    found = hash_stretches([f"{stretch} {stretch}", stretch, stretch])
    assert found.owners.tolist() == [0] * 13 + [1, 2], (
        "26 units begin 14 stretches, of which the last is the first again"
    )
    assert len(set(found.hashes.tolist())) == 13
