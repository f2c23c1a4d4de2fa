"""Numbers after a way through a browser: nobody's edit changes a digit that nobody touched."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from studio.data.kept_numbers import keep_numbers

ID = 12345678901234567
"""The next float to it ends in 568."""


def called(**arguments: Any) -> dict[str, Any]:
    call = {"type": "function", "function": {"name": "find", "arguments": arguments}}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def through_browser(value: Any) -> Any:
    """As JSON.parse and JSON.stringify do it: every number a float, and whole ones written without a point."""
    if isinstance(value, dict):
        return {name: through_browser(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [through_browser(inner) for inner in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    value = float(value)
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def as_text(record: Any) -> str:
    return orjson.dumps(record).decode()


RECORD = {"messages": [{"role": "user", "content": "Find it."}, called(id=ID, share=1.0, zero=-0.0, ok=True, n=None)]}


@pytest.mark.parametrize(
    "record", [RECORD, {"a": [1, 1.0, ID, 2**63 + 1, 1 - 2**63, 1e300, 0.1]}, {"a": [ID, ID - 1, ID + 1]}]
)
def test_what_nobody_touched_comes_back_to_the_letter(record):
    seen = through_browser(copy.deepcopy(record))
    assert as_text(seen) != as_text(record)
    assert as_text(keep_numbers(record, seen)) == as_text(record)


def test_numbers_that_were_changed_are_the_new_ones():
    seen = through_browser({"a": 1.0, "b": ID, "c": 2, "d": True, "e": 1}) | {"a": 2, "b": ID + 10, "d": 1, "e": True}
    assert as_text(keep_numbers({"a": 1.0, "b": ID, "c": 2, "d": True, "e": 1}, seen)) == as_text(
        {"a": 2, "b": ID + 10, "c": 2, "d": 1, "e": True}
    )


def test_a_turn_that_moved_keeps_its_numbers_and_its_new_order_of_names():
    seen = through_browser(RECORD)
    seen["messages"].insert(0, {"role": "system", "content": "Be brief."})
    assert as_text(keep_numbers(RECORD, seen)["messages"][1:]) == as_text(RECORD["messages"])
    turned = {"messages": [dict(reversed(turn.items())) for turn in through_browser(RECORD)["messages"]]}
    assert list(keep_numbers(RECORD, turned)["messages"][1]) == ["tool_calls", "content", "role"]


def test_a_large_number_is_found_where_its_turn_was_moved_and_edited_at_once():
    seen = through_browser(RECORD)
    seen["messages"].insert(0, {"role": "system", "content": "Be brief."})
    seen["messages"][2]["content"] = "I look."
    arguments = keep_numbers(RECORD, seen)["messages"][2]["tool_calls"][0]["function"]["arguments"]
    assert arguments["id"] == ID


def test_of_two_large_numbers_that_a_browser_cannot_tell_apart_neither_is_put_elsewhere():
    seen = through_browser({"a": [ID], "b": [ID + 1], "c": {"d": ID}})
    assert keep_numbers({"a": [ID], "b": [ID + 1]}, seen) == {"a": [ID], "b": [ID + 1], "c": {"d": ID + 1}}
