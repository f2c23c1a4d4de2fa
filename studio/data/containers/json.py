"""JSON: an array of objects, an object of arrays, rows nested under a key, or objects one after another."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from studio.data.containers import ContainerExample
from studio.data.json_columns import read_columns
from studio.data.json_places import (
    BETWEEN,
    TOP,
    TURN_FIELDS,
    find_places,
    find_streamed_place,
    iterate_arrays,
    keys_beside,
    value_at,
)
from studio.data.json_rows import iterate_array, iterate_elements, iterate_objects, read_element, refuse_rest
from studio.data.json_scanner import Scanner, ValueBroken, ValueTooLong
from studio.data.json_values import JsonRefused, read_object
from studio.data.lines import open_text
from studio.data.rows import LONGEST_ROW_BYTES, Guess, RawRow
from studio.words import Text

if TYPE_CHECKING:
    from studio.data.files import Head, Source

_USUAL_CHARACTERS = 1024 * 1024


class Json:
    name = "json"
    title = Text(en="JSON", ja="JSON")
    summary = Text(
        en="An array of objects, an object of arrays, or rows nested under a key such as data.",
        ja="オブジェクトの配列、配列のオブジェクト、または data などのキーの下にある行。",
    )
    example = ContainerExample(
        "greetings.json",
        '[{"prompt": "Hello", "completion": "Good morning"},\n {"prompt": "こんにちは", "completion": "おはよう"}]'.encode(),
        ({"prompt": "Hello", "completion": "Good morning"}, {"prompt": "こんにちは", "completion": "おはよう"}),
    )
    choices = ("rows_under",)

    def guess(self, head: Head) -> Guess:
        text = head.text.lstrip()
        if text.startswith("[") and text[1:].lstrip()[:1] in ("{", "]"):
            return Guess(self.name, 0.97, "container_array", {})
        if text.startswith("{") and text[1:].lstrip()[:1] in ('"', "}"):
            return Guess(self.name, 0.9, "container_object", {})
        return Guess(self.name, 0.8 if head.suffix == ".json" else 0.0, "container_name", {"suffix": head.suffix})

    def guess_choice(self, name: str, head: Head, source: Source) -> Guess:
        """Where the rows stand; of several places the one with the most."""
        if not head.text.lstrip().startswith("{"):
            return Guess(TOP, 1.0, "rows_array", {}, (TOP,))
        text, found = _held(source)
        if found is not None:
            places = find_places(found)
            arrays = [place for place in places if isinstance(value_at(found, place), list)]
            is_nested = all(isinstance(value, (dict, list)) for value in found.values())
            best = max(arrays or (places if is_nested else ()), key=lambda place: places[place], default=None)
            if best is None or set(found) & TURN_FIELDS:
                return Guess(TOP, 0.8, "rows_top", {}, (TOP, *places))
            return Guess(best, 0.9, "rows_most", {"count": places[best], "places": len(places)}, (*places, TOP))
        try:
            place = find_streamed_place(Scanner(io.StringIO(text), LONGEST_ROW_BYTES))
        except ValueBroken:
            place = None
        if place is None or _is_objects(text):
            return Guess(TOP, 0.6, "rows_top", {}, (TOP,))
        return Guess(place, 0.7, "rows_first", {}, (place, TOP))

    def read(self, source: Source) -> Iterator[RawRow]:
        if (place := source.choices.get("rows_under", TOP)) != TOP:
            yield from _read_under(source, place)
            return
        with open_text(source, newline="") as file:
            scanner = Scanner(file, LONGEST_ROW_BYTES)
            opening = scanner.peek()
            if opening == "[":
                yield from _read_arrays(source, scanner)
            elif opening == "{":
                yield from _read_object_file(source, scanner)
            else:
                raise source.unreadable("json_not_rows", found=opening)


def _held(source: Source) -> tuple[str, dict[str, Any] | None]:
    """As much of the text as may be held, and the object it is; None where it goes on or is none."""
    with open_text(source, newline="") as file:
        text = file.read(LONGEST_ROW_BYTES)
        if file.read(1):
            return text, None
    try:
        return text, read_object(text.encode("utf-8", "surrogatepass"))
    except JsonRefused:
        return text, None


def _is_objects(text: str) -> bool:
    """Whether a text is objects one after another, of which the first is whole and of a row's usual length."""
    scanner = Scanner(io.StringIO(text[:_USUAL_CHARACTERS]), _USUAL_CHARACTERS)
    try:
        scanner.value_text()
    except ValueBroken:
        return False
    return scanner.peek() == "{"


def _read_arrays(source: Source, scanner: Scanner) -> Iterator[RawRow]:
    """The rows of an array, and of what follows it in the file: of further arrays, and of elements that stand outside."""
    number, arrays = 0, 0
    while following := scanner.peek():
        if following == "[":
            arrays += 1
            rows = iterate_array(scanner, number)
        else:
            rows = iterate_elements(scanner, number, is_next=False)
        for row in rows:
            number = row.number
            yield row
    if arrays > 1:
        source.notices.append(("arrays_in_turn", {"count": arrays}))


def _read_object_file(source: Source, scanner: Scanner) -> Iterator[RawRow]:
    """A file that opens with an object: columns, one row alone, or the first of many objects."""
    try:
        first = scanner.value_text()
    except ValueTooLong:
        yield from read_columns(source, LONGEST_ROW_BYTES)
        return
    except ValueBroken as broken:
        raise source.unreadable("json_broken", position=broken.position + 1) from None
    if scanner.peek():
        yield from iterate_objects(scanner, first)
        return
    element = read_element(1, first)
    rows = None if element.fields is None else _column_rows(source, element.fields)
    yield from iter([element]) if rows is None else rows


def _column_rows(source: Source, whole: dict[str, Any]) -> Iterator[RawRow] | None:
    """The rows of an object of arrays; None where it is one row itself."""
    arrays = {key: value for key, value in whole.items() if isinstance(value, list)}
    if not arrays or len(arrays) != len(whole) or _is_one_row(arrays):
        return None
    lengths = {len(value) for value in arrays.values()}
    if len(lengths) != 1:
        raise source.unreadable("json_columns_uneven", shortest=min(lengths), longest=max(lengths))
    source.notices.append(("columns_of_arrays", {"columns": len(arrays), "count": lengths.pop()}))
    return (
        RawRow(number, dict(zip(arrays, cells, strict=True)))
        for number, cells in enumerate(zip(*arrays.values(), strict=True), 1)
    )


def _is_one_row(arrays: dict[str, list[Any]]) -> bool:
    """{"messages": [{…}, …]} is one conversation; {"messages": [[{…}], [{…}]]} is a column of them."""
    return any(key in TURN_FIELDS and value and isinstance(value[0], dict) for key, value in arrays.items())


def _value_row(number: int, value: Any) -> RawRow:
    if isinstance(value, dict):
        return RawRow(number, value)
    found = "array" if isinstance(value, list) else type(value).__name__
    return RawRow(number, None, json.dumps(value, ensure_ascii=False), "json_not_object", None, {"found": found})


def _read_under(source: Source, place: str) -> Iterator[RawRow]:
    """The rows at a place of an object: of one that can be held, else as the text comes."""
    _, whole = _held(source)
    if whole is None:
        yield from _read_streamed(source, place)
        return
    rows = value_at(whole, place)
    if rows is None:
        raise source.unreadable("json_place_missing", place=place)
    source.notices.append(("rows_under_key", {"key": place, "count": len(rows)}))
    if left := keys_beside(whole, place):
        source.notices.append(("keys_beside_rows", {"keys": ", ".join(left)[:200]}))
    if isinstance(rows, dict):
        field = _name_field(rows)
        rows = [{field: name} | row for name, row in rows.items()]
    yield from (_value_row(number, item) for number, item in enumerate(rows, 1))


def _name_field(rows: dict[str, dict[str, Any]]) -> str:
    """Where each row's own name goes: a field that none of the rows has."""
    taken = {field for row in rows.values() for field in row}
    return next(name for name in chain(("name", "key"), (f"key {n}" for n in count(2))) if name not in taken)


def _read_streamed(source: Source, place: str) -> Iterator[RawRow]:
    """A long or torn object: the array at the place is read as it comes, without the whole."""
    number = 0
    passed: list[str] = []
    broken: ValueBroken | None = None
    with open_text(source, newline="") as file:
        scanner = Scanner(file, LONGEST_ROW_BYTES)
        try:
            for path, passed in iterate_arrays(scanner):
                if BETWEEN.join(path) != place:
                    passed.append(path[-1])
                    scanner.value_text()
                    continue
                source.notices.append(("rows_read_under_key", {"key": place}))
                for row in iterate_array(scanner):
                    number = row.number
                    yield row
        except ValueBroken as found:
            broken = found
        if not number and broken:
            raise source.unreadable("json_broken", position=broken.position + 1)
        if not number:
            raise source.unreadable("json_place_missing", place=place)
        if passed:
            source.notices.append(("keys_beside_rows", {"keys": ", ".join(passed)[:200]}))
        if scanner.peek():
            yield refuse_rest(scanner, number + 1, ValueBroken(scanner.position, "Extra data"))


PLUG = Json()
