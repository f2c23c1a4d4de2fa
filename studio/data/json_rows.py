"""Rows of a JSON text as it comes: of arrays, and of objects one after another, each understood or refused."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from studio.data.json_scanner import Scanner, ValueBroken, ValueTooLong
from studio.data.json_values import JsonRefused, read_object
from studio.data.lines import find_undecodable
from studio.data.rows import LONGEST_ROW_BYTES, RawRow

_RESTS = ("json_torn", "json_broken")
"""Causes of a row that is all the rest of its file."""


def read_element(number: int, text: str) -> RawRow:
    """A row of one value's text."""
    if bad := find_undecodable(text):
        return RawRow(number, None, text, "undecodable", None, {"byte": bad[0], "position": bad[1]})
    try:
        return RawRow(number, read_object(text.encode("utf-8", "surrogatepass")), text)
    except JsonRefused as refused:
        return RawRow(number, None, text, refused.cause, refused.field, refused.values)


def iterate_array(scanner: Scanner, before: int = 0) -> Iterator[RawRow]:
    """Elements one by one up to the closing bracket, counted on from `before`."""
    scanner.take("[")
    if scanner.peek() == "]":
        scanner.take("]")
        return
    yield from iterate_elements(scanner, before, is_next=True)


def iterate_elements(scanner: Scanner, before: int, is_next: bool) -> Iterator[RawRow]:
    """The elements from here to the closing bracket. One that is broken is refused and the next ones are read; where
    nothing tells where it ends, the rest of the file is one refused row with its position, and the text is at its end.

    is_next: a value may stand here; False: a comma is missing.
    """
    last: dict[str, Any] | None = None
    for number in count(before + 1):
        row = _read_next(scanner, number, last, in_array=True, is_next=is_next)
        yield row
        if row.cause in _RESTS:
            return
        last = row.fields or last
        following = scanner.peek()
        if following == "]":
            scanner.take("]")
            return
        if is_next := following == ",":
            scanner.take(",")


def iterate_objects(scanner: Scanner, first: str) -> Iterator[RawRow]:
    """Objects without commas between them, of which the first was taken already."""
    row = read_element(1, first)
    yield row
    last = row.fields
    for number in count(2):
        if not scanner.peek():
            return
        row = _read_next(scanner, number, last, in_array=False)
        yield row
        if row.cause in _RESTS:
            return
        last = row.fields or last


def _read_next(
    scanner: Scanner, number: int, last: dict[str, Any] | None, *, in_array: bool, is_next: bool = True
) -> RawRow:
    """last: the fields of the row before it."""
    try:
        if not is_next:
            raise ValueBroken(scanner.position, "Expecting ',' delimiter")
        return read_element(number, scanner.value_text())
    except ValueBroken as broken:
        return _broken(scanner, number, broken, last, in_array=in_array)


def _broken(
    scanner: Scanner, number: int, broken: ValueBroken, last: dict[str, Any] | None, *, in_array: bool
) -> RawRow:
    """The value that could not be read, alone where its end can be told, else with all that comes after it."""
    if isinstance(broken, ValueTooLong):
        shown, start = scanner.rest_shown(), scanner.position
        cause = "row_too_long" if scanner.pass_long() else "json_torn"
        values = {"limit_bytes": LONGEST_ROW_BYTES, "characters": scanner.position - start}
        return RawRow(number, None, shown, cause, None, values)
    text = scanner.pass_broken(last, in_array=in_array)
    if text is None:
        return refuse_rest(scanner, number, broken)
    return RawRow(number, None, text, "json_element_broken", None, {"position": broken.position + 1})


def refuse_rest(scanner: Scanner, number: int, broken: ValueBroken) -> RawRow:
    """All that is still to come, as one row that is refused."""
    shown = scanner.rest_shown()
    values = {"position": broken.position + 1, "characters": scanner.skip_rest()}
    torn = broken.position >= scanner.position or broken.found.startswith("Unterminated")
    return RawRow(number, None, shown, "json_torn" if torn else "json_broken", None, values)
