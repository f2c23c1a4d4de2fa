"""Shingles and MinHash: hashed pieces give exact similarities, and signatures find what is alike."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.minhash import PERMUTATIONS, Signatures
from studio.data.shingles import CHARACTERS, jaccard, shingle


def similarity(one: str, other: str) -> float:
    found = shingle([one, other])
    return jaccard(found.of(0), found.of(1))


def test_english_is_compared_by_pairs_of_words():
    """a b c d → ab bc cd; a b x d → ab bx xd: one of five is shared."""
    assert similarity("a b c d", "a b x d") == 1 / 5


def test_japanese_is_compared_by_five_characters():
    """Seven characters are three windows; the last character differs: two of four are shared."""
    assert similarity("返品できますか", "返品できますよ") == 2 / 4


def test_what_is_said_twice_is_not_what_is_said_once():
    """ab; then ab, ba and ab again, which counts as another piece: one of three is shared."""
    assert similarity("one two", "one two one two") == 1 / 3


def test_a_short_text_is_one_piece_and_an_empty_one_has_none():
    assert shingle(["", "one", "返品", "...", "😀"]).counts().tolist() == [0, 1, 1, 0, 1]
    assert similarity("one", "one") == 1
    assert similarity("", "") == 0


def test_signs_of_a_formula_make_a_difference():
    assert similarity("what is 3 + 4", "what is 3 * 4") < 0.5


words = st.lists(st.sampled_from(["one", "two", "three", "four"]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(words, words)
def test_the_similarity_of_words_is_that_of_counted_pairs(one, other):
    """The oracle counts pairs with the standard library; min and max of counts are a multiset's and and or."""
    if len(one) < 2 or len(other) < 2:
        return
    first, second = Counter(pairwise(one)), Counter(pairwise(other))
    expected = (first & second).total() / (first | second).total()
    assert similarity(" ".join(one), " ".join(other)) == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=6))
def test_a_text_has_the_same_pieces_alone_and_among_others(texts):
    together = shingle(texts)
    for number, text in enumerate(texts):
        alone = shingle([text])
        assert np.array_equal(together.of(number), alone.of(0))
        assert len(set(alone.values.tolist())) == len(alone.values)


def varied_texts(count: int) -> list[str]:
    """Half English, half Japanese; each of the second half is one of the first with more and more of it changed."""
    source = random.Random(5)
    base = [
        " ".join(source.choices([f"word{n}" for n in range(900)], k=90))
        if number % 2
        else "".join(source.choices([chr(0x4E00 + n) for n in range(900)], k=150))
        for number in range(count)
    ]
    changed = []
    for number, text in enumerate(base):
        units = text.split() if number % 2 else list(text)
        for _ in range(1 + number % 12):
            units[source.randrange(len(units))] = "新"
        changed.append((" " if number % 2 else "").join(units))
    return base + changed


def test_the_estimate_is_as_good_as_that_of_datasketch():
    """128 permutations: the standard error at J is sqrt(J (1 - J) / 128), at 0.8 0.035."""
    texts = varied_texts(60)
    found = shingle(texts)
    pairs = np.array([(number, number + 60) for number in range(60)])
    exact = np.array([jaccard(found.of(i), found.of(j)) for i, j in pairs])
    signatures = Signatures()
    signatures.add(found)
    ours = np.sqrt(np.mean((signatures.similarity(pairs) - exact) ** 2))
    theirs = np.sqrt(np.mean([(_datasketch(found, i, j) - e) ** 2 for (i, j), e in zip(pairs, exact, strict=True)]))
    print(f"error of the estimate: ours {ours:.4f}, datasketch {theirs:.4f}")
    assert ours < 0.045
    assert ours < 1.5 * theirs


def _datasketch(found, one: int, other: int) -> float:
    made = []
    for index in (one, other):
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([int(value).to_bytes(4, "little") for value in found.of(index)])
        made.append(sketch)
    return made[0].jaccard(made[1])


def test_every_pair_that_is_alike_is_a_candidate():
    texts = varied_texts(300)
    found = shingle(texts)
    signatures = Signatures()
    for first in range(0, len(texts), 97):
        signatures.add(shingle(texts[first : first + 97]))
    there = {tuple(pair) for pair in signatures.candidates(0.68).tolist()}
    alike = {(i, j) for i, j in combinations(range(len(texts)), 2) if jaccard(found.of(i), found.of(j)) >= 0.8}
    print(f"{len(alike)} pairs alike, {len(alike - there)} missed, {len(there)} candidates")
    assert len(alike) > 100
    assert len(alike - there) <= len(alike) // 100
    assert all(i < j for i, j in there)


def test_texts_that_are_all_alike_make_few_candidates():
    """A bucket with everything in it is no reason to compare everything with everything."""
    signatures = Signatures()
    signatures.add(shingle(["the same old words again and again and once more"] * 5000))
    pairs = signatures.candidates(0.68)
    assert len(pairs) == 4999
    assert set(pairs[:, 0].tolist()) == {0}


def test_a_row_left_out_and_an_empty_one_resemble_nothing():
    signatures = Signatures()
    signatures.add(shingle(["", "one two three", "", "one two three", "one two three"]))
    signatures.leave_out(np.array([3]))
    assert signatures.candidates(0.68).tolist() == [[1, 4]]
    assert Signatures().candidates(0.68).tolist() == []


def test_a_huge_text_is_one_text_like_any_other():
    text = "a long story " * 80_000
    signatures = Signatures()
    signatures.add(shingle([text, "short", text + "end"]))
    assert signatures.candidates(0.68).tolist() == [[0, 2]]
    assert len(shingle([text]).values) > CHARACTERS
