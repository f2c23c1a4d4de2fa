"""Numbers that a browser would round, marked on their way to it and back."""

from __future__ import annotations

import orjson
import pytest

from studio.data.exact_numbers import MARK, Exact, mark_numbers, read_marked
from studio.data.kept_numbers import keep_numbers
from tests.unit.data.test_kept_numbers import through_browser

ID = 12345678901234567
"""The next float to it ends in 568."""


@pytest.mark.parametrize(
    "value",
    [
        {"a": [ID, -ID, 2**53, 2**53 - 1, 2**64 - 1, -(2**63)], "b": [1e20, 1e300, 0.1, 1.0, True, None, "x", str(ID)]},
        {f"{MARK}{ID}": [MARK, MARK + MARK, f"{MARK}{ID}", f"{MARK}no number", f"{MARK}{MARK}1"]},
        [],
    ],
)
def test_what_is_marked_goes_through_a_browser_and_comes_back_to_the_letter(value):
    sent = orjson.loads(orjson.dumps(through_browser(mark_numbers(value))))
    assert orjson.dumps(keep_numbers({"record": value}, {"record": read_marked(sent)})) == orjson.dumps(
        {"record": value}
    )


def test_only_what_a_browser_would_round_is_marked():
    assert mark_numbers([2**53 - 1, 2**53, 1 - 2**53, 1.5, True]) == [2**53 - 1, f"{MARK}{2**53}", 1 - 2**53, 1.5, True]
    for hostile in (f"{MARK}1e9999", f"{MARK}1e999", f"{MARK}{'9' * 5000}", f"{MARK}1; 2", f"{MARK}١٢٣"):
        assert read_marked({"a": hostile}) == {"a": hostile}


def test_digits_that_were_typed_stand_also_where_a_browser_takes_the_old_ones_for_the_same():
    record = {"a": [{"id": ID, "share": 1.0}], "b": ID}
    seen = through_browser(mark_numbers(record))
    seen["a"][0]["id"] = f"{MARK}{ID + 1}"
    kept = keep_numbers(record, read_marked(seen))
    assert orjson.dumps(kept) == orjson.dumps({"a": [{"id": ID + 1, "share": 1.0}], "b": ID})
    seen["a"][0]["id"], seen["b"] = str(ID), ID
    kept = keep_numbers(record, read_marked(seen) | {"c": Exact(1)})
    assert orjson.dumps(kept["a"]) == orjson.dumps([{"id": str(ID), "share": 1.0}]), "a text with the digits is a text"
