"""Imbalance: labels and biases are told with numbers, and not before there are enough rows to tell."""

from __future__ import annotations

import pytest

from studio.data.checks import CheckContext, example_row
from studio.data.checks.imbalance import LENGTH, LISTS, OUTNUMBERED, PLUG, RARE, SIDED


def found(records: list[dict]) -> dict[str, dict]:
    rows = [example_row(number, record) for number, record in enumerate(records, 1)]
    return {finding.code: dict(finding.values) for finding in PLUG.find(lambda: iter(rows), CheckContext())}


def pair(chosen: str, rejected: str) -> dict:
    sides = {
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }
    return {"prompt": [{"role": "user", "content": "Well?"}]} | sides


def pairs(longer: int, shorter: int) -> list[dict]:
    return [pair("long", "no")] * longer + [pair("no", "long")] * shorter


@pytest.mark.parametrize(("longer", "shorter", "is_told"), [(60, 40, False), (66, 34, True), (34, 66, True), (50, 50, False), (29, 0, False), (560, 440, False), (590, 410, True)])  # fmt: skip
def test_a_length_bias_is_told_where_the_interval_leaves_out_one_half_by_five_points(longer, shorter, is_told):
    """Wilson at 66 of 100: 0.563 to 0.745; at 60: 0.502 to 0.691; at 590 of 1,000: 0.559 to 0.620."""
    assert (LENGTH in found(pairs(longer, shorter))) is is_told


def test_replies_of_the_same_length_say_nothing_about_length():
    assert found([pair("no", "on")] * 100) == {}


def test_a_bias_to_lists_is_told_apart_from_length():
    """The rejected replies are as long; only the form differs."""
    told = found([pair("- a\n- b", "a and b"), pair("a", "b")] * 40)
    assert told == {LISTS: {"share": 100, "rows": 40, "low": 91, "high": 100}}


def test_labels_that_are_rare_and_outnumbered_are_named():
    told = found([{"text": "x", "label": "much"}] * 80 + [{"text": "y", "label": "little"}] * 4)
    assert told[RARE] == {"label": "little", "count": 4, "least": 5}
    assert told[OUTNUMBERED] == {"most": "much", "fewest": "little", "times": 20, "many": 80, "few": 4}


def test_several_labels_of_a_row_and_entities_count_each():
    two = [{"text": "x", "label": ["a", "b"]}] * 40
    entity = {"start": 0, "end": 1, "text": "x", "label": "c"}
    assert found([*two, {"text": "x", "entities": [entity]}])[RARE]["label"] == "c"


def test_labels_that_are_texts_of_their_own_are_no_classes():
    assert found([{"text": "x", "label": f"summary {number}"} for number in range(100)]) == {}


@pytest.mark.parametrize(("good", "bad", "is_told"), [(50, 50, False), (85, 15, True), (10, 90, True), (25, 4, False)])
def test_good_and_bad_in_unequal_numbers_are_told(good, bad, is_told):
    asked = {"prompt": [{"role": "user", "content": "Well?"}], "completion": [{"role": "assistant", "content": "Yes."}]}
    told = found([asked | {"label": True}] * good + [asked | {"label": False}] * bad)
    assert (SIDED in told) is is_told


def test_human_edits_of_machine_translations_are_shorter(shared_rows):
    """396 Japanese pairs: the edited reply is the longer one in 22 % of those that differ in length."""
    (finding,) = PLUG.find(shared_rows("pref_ja/preference_a.jsonl"), CheckContext())
    assert finding.code == LENGTH
    assert finding.values["share"] == 22
    assert finding.row_id is None
