"""Which rows of several datasets go into one: by weight or number, drawn with a seed, counted where they stand twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.blends import BlendPart, count_shared, draw_rows, same_key
from studio.data.conversions import can_become, convert_record
from studio.data.records import KINDS, check_record, record_kind

DATASET = "d-0123456789abcdef"


@given(rows=st.integers(1, 300), wanted=st.integers(0, 900), seed=st.integers(0, 2**31 - 1))
def test_as_many_rows_are_drawn_as_are_wanted_and_each_as_often_as_any_other_give_or_take_once(rows, wanted, seed):
    ids = np.arange(5, 5 + 3 * rows, 3)
    drawn, counts = draw_rows(ids, wanted, seed, part=0)
    assert counts.sum() == wanted and set(drawn) <= set(ids) and list(drawn) == sorted(set(drawn))
    assert wanted < rows or (counts.max() - counts.min() <= 1 and len(drawn) == rows)


def test_the_same_seed_draws_the_same_rows_and_another_seed_or_place_draws_others():
    ids = range(1, 1001)
    first = draw_rows(ids, 100, seed=7, part=0)[0].tolist()
    assert draw_rows(ids, 100, seed=7, part=0)[0].tolist() == first
    assert draw_rows(ids, 100, seed=8, part=0)[0].tolist() != first
    assert draw_rows(ids, 100, seed=7, part=1)[0].tolist() != first


def test_nothing_is_drawn_of_nothing():
    assert draw_rows([], 10, 0, 0)[0].size == 0
    assert BlendPart(dataset_id=DATASET, rows=10).wanted(0) == 0


@pytest.mark.parametrize(
    ("part", "wanted"), [({"times": 1}, 40), ({"times": 0.25}, 10), ({"times": 2.5}, 100), ({"rows": 7}, 7)]
)
def test_a_weight_counts_in_times_and_a_number_in_rows(part, wanted):
    assert BlendPart(dataset_id=DATASET, **part).wanted(40) == wanted


@pytest.mark.parametrize(
    "part", [{}, {"times": 1, "rows": 1}, {"times": 0}, {"times": float("inf")}, {"rows": 0}, {"rows": 10**9}]
)
def test_a_part_that_says_no_amount_or_an_impossible_one_is_none(part):
    with pytest.raises(ValueError):
        BlendPart(dataset_id=DATASET, **part)


def test_rows_that_stand_in_an_earlier_dataset_are_counted_once_for_each_later_one():
    """Of (1 2 3), (3 4 4) and (1 4): 3 stands in the first, then 1 and 4 in earlier ones; a 4 beside a 4 is no other."""
    assert count_shared([np.array([1.0, 2, 3]), np.array([3.0, 4, 4]), np.array([1.0, 4])]) == 3
    assert count_shared([]) == count_shared([np.array([1.0, 1.0])]) == 0


def test_the_same_text_under_another_label_is_another_row():
    one, other = {"text": "It rains.", "label": "yes"}, {"text": "It rains.", "label": "no"}
    assert same_key(one) != same_key(other) and same_key(one) == same_key(dict(one))
    assert same_key({"text": "It  rains."}) == same_key({"text": "It rains."})


def turn(role: str, content: str) -> dict:
    return {"role": role, "content": content}


ASKED, SAID, LESS = [turn("user", "How much?")], [turn("assistant", "500 yen.")], [turn("assistant", "500.")]


@pytest.mark.parametrize(
    ("record", "wanted", "made"),
    [
        ({"prompt": ASKED, "completion": SAID}, "conversation", {"messages": ASKED + SAID}),
        ({"messages": ASKED + SAID}, "prompt_completion", {"prompt": ASKED, "completion": SAID}),
        ({"prompt": ASKED, "chosen": SAID, "rejected": LESS, "margin": 2}, "conversation", {"messages": ASKED + SAID}),
        (
            {"prompt": ASKED, "chosen": SAID, "rejected": LESS, "tools": []},
            "prompt_completion",
            {"prompt": ASKED, "completion": SAID, "tools": []},
        ),
        ({"messages": ASKED + SAID + ASKED}, "prompt_completion", None),
        ({"text": "A page."}, "conversation", None),
    ],
)
def test_a_record_becomes_another_kind_where_that_keeps_what_is_learned(record, wanted, made):
    before = repr(record)
    assert convert_record(record, wanted) == made and repr(record) == before
    if made is not None:
        assert record_kind(made) == wanted and check_record(made) == []
        assert can_become(str(record_kind(record)), wanted)


def test_every_kind_is_itself():
    assert all(can_become(kind, kind) for kind in KINDS)
    assert not can_become("document", "preference")
