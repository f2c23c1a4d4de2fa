"""Padding and packing, worked out by hand and against a plain simulation."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.training.batches import compare_batches
from studio.training.measures import Lengths


def lengths_of(rows: list[int], first: int = 0) -> Lengths:
    side = Lengths()
    for length in rows:
        side.add(length, [(min(first, length - 1), length)])
    return side


def pack(rows: list[int], most: int) -> list[int]:
    """Tokens in each slot: best fit, longest first, one row after the other."""
    room: list[int] = []
    for length in sorted((min(row, most) for row in rows), reverse=True):
        fitting = [index for index, free in enumerate(room) if free >= length]
        if fitting:
            room[min(fitting, key=lambda index: room[index])] -= length
        else:
            room.append(most - length)
    return [most - free for free in room]


def test_padding_is_what_the_longest_row_of_a_batch_leaves():
    """10, 10, 20, 40 in twos. Sorted: (10, 10) and (20, 40): 20 of 100 are padding. Packed into 40: 20+10+10 and 40: none."""
    found = compare_batches(lengths_of([10, 40, 10, 20]), 40, 2)
    assert found["sorted"]["padding"] == pytest.approx(0.2) and found["sorted"]["width"] == 25
    assert (found["packed"]["padding"], found["packed"]["slots"], found["packed"]["tokens"]) == (0, 2, 40)
    assert sorted(map(sorted, found["packed"]["example"])) == [[10, 10, 20], [40]]
    # Two of four drawn with each equally likely: 40 with 7/16, 20 with 5/16, 10 with 4/16.
    width = 40 * 7 / 16 + 20 * 5 / 16 + 10 * 4 / 16
    assert found["mixed"]["padding"] == pytest.approx(1 - 20 / width)


@settings(deadline=None)
@given(st.lists(st.integers(1, 120), min_size=1, max_size=80), st.integers(1, 100), st.integers(1, 9))
def test_sorting_and_packing_are_those_of_the_rows(rows, most, batch):
    found = compare_batches(lengths_of(rows), most, batch)
    cut = sorted(min(row, most) for row in rows)
    groups = [cut[at : at + batch] for at in range(0, len(cut), batch)]
    padded = sum(group[-1] * len(group) for group in groups)
    assert found["rows"] == len(rows)
    assert found["sorted"]["padding"] == pytest.approx(1 - sum(cut) / padded)
    slots = pack(rows, most)
    assert found["packed"]["slots"] == len(slots)
    assert found["packed"]["tokens"] == pytest.approx(sum(slots) / len(slots))
    assert all(0 < sum(held) <= most for held in found["packed"]["example"])


def test_rows_that_train_nothing_are_in_no_batch_and_a_pair_is_two_rows():
    side = lengths_of([10, 20])
    side.add(90, [(60, 90)])
    assert compare_batches(side, 50, 2)["rows"] == 2
    assert compare_batches(lengths_of([90], first=60), 50, 2)["packed"] is None
    pairs = Lengths()
    pairs.add(30, [(10, 30), (10, 20)], 12, 20)
    found = compare_batches(pairs, 50, 8)
    assert (found["rows"], found["packed"]["tokens"], found["mixed"]["width"]) == (2, 50, pytest.approx(27.5))


def test_a_long_context_with_many_lengths_is_packed_in_a_moment():
    source = random.Random(1)
    rows = [source.randint(20, 30_000) for _ in range(4000)]
    found = compare_batches(lengths_of(rows), 32_768, 8)
    exact = len(pack(rows[:], 32_768))
    assert exact <= found["packed"]["slots"] <= exact * 1.05
