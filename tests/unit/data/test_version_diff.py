"""What differs between two states of a dataset, row by row and inside a row."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from studio.data.version_diff import compare_records, iterate_differences
from studio.data.versions import FrozenRow


def row(row_id: int, text: str, split: str = "train") -> FrozenRow:
    return FrozenRow(row_id, "document", orjson.dumps({"text": text}).decode(), split, 0.5)


def turn(role: str, content: str, **more) -> dict:
    return {"role": role, "content": content} | more


def found(before: list[FrozenRow], after: list[FrozenRow]) -> list[tuple[int, str]]:
    return [(one.row_id, one.what) for one in iterate_differences(before, after) if one]


def test_rows_are_compared_by_their_permanent_ids():
    before = [row(1, "same"), row(2, "old"), row(3, "gone"), row(5, "stays"), row(6, "both")]
    after = [row(1, "same"), row(2, "new"), row(4, "late"), row(5, "stays", "held_out"), row(6, "x", "held_out")]
    assert found(before, after) == [(2, "changed"), (3, "removed"), (4, "added"), (5, "moved"), (6, "changed")]
    assert found([], after[:2]) == [(1, "added"), (2, "added")] and found(after, []) == [
        (n.row_id, "removed") for n in after
    ]


def test_a_record_written_in_another_order_is_the_same_record():
    one = FrozenRow(1, "x", '{"prompt":"a","completion":"b"}', "train", 0.1)
    assert found([one], [one._replace(record='{"completion": "b", "prompt": "a"}')]) == []


@given(
    st.dictionaries(st.integers(1, 30), st.sampled_from("ab")),
    st.dictionaries(st.integers(1, 30), st.sampled_from("ab")),
)
def test_every_row_of_either_side_is_accounted_for_once(before, after):
    """Ids on one side alone are removed or added; of the others those whose text differs are changed."""
    sides = [[row(key, side[key]) for key in sorted(side)] for side in (before, after)]
    walked = list(iterate_differences(*sides))
    assert len(walked) == len(before.keys() | after.keys())
    told = {one.row_id: one.what for one in walked if one}
    expected = dict.fromkeys(before.keys() - after.keys(), "removed") | dict.fromkeys(
        after.keys() - before.keys(), "added"
    )
    expected |= {key: "changed" for key in before.keys() & after.keys() if before[key] != after[key]}
    assert told == expected


def test_a_turn_put_in_between_leaves_the_others_as_they_are():
    before = {"messages": [turn("user", "a"), turn("assistant", "b"), turn("user", "c"), turn("assistant", "d")]}
    after = {"messages": [turn("system", "s"), *before["messages"][:3], turn("assistant", "D")]}
    parts = [(p["role"], p["before"], p["after"]) for p in compare_records(before, after)]
    assert parts == [
        ("system", None, "s"), ("user", "a", "a"), ("assistant", "b", "b"), ("user", "c", "c"), ("assistant", "d", "D"),
    ]  # fmt: skip


def test_what_is_no_text_is_compared_too():
    call = {"function": {"name": "look", "arguments": {}}}
    before = {"messages": [turn("user", "a"), turn("assistant", "", tool_calls=[call])], "margin": 1}
    after = {"messages": [turn("user", "a"), turn("assistant", "")], "margin": 2}
    parts = compare_records(before, after)
    assert [(p["before"], p["after"]) for p in parts if p["section"] == "margin"] == [("1", "2")]
    assert any(p["after"] is None and "tool_calls" in p["before"] for p in parts)


def test_a_very_long_text_is_cut_and_says_so():
    (part,) = compare_records({"text": "x" * 30_000}, {"text": "x" * 29_999})
    assert part["cut"] and len(part["before"]) == len(part["after"]) == 20_000
