"""JSON: an array of objects, an object of arrays, rows nested under a key, or objects one after another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from studio.data.containers import ContainerExample
from studio.data.json_scanner import Scanner, ValueBroken
from studio.data.json_values import JsonRefused, read_object
from studio.data.lines import find_undecodable, open_text
from studio.data.rows import LONGEST_ROW_BYTES, Guess, RawRow
from studio.words import Text

if TYPE_CHECKING:
    from studio.data.files import Head, Source

_TURN_FIELDS = frozenset(
    {"messages", "conversations", "conversation", "history", "prompt", "completion", "chosen", "rejected", "tools"}
)
"""Fields of one row that hold an array of objects: not rows nested under a key."""


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
    choices = ()

    def guess(self, head: Head) -> Guess:
        text = head.text.lstrip()
        if text.startswith("[") and text[1:].lstrip()[:1] in ("{", "]"):
            return Guess(self.name, 0.97, "container_array", {})
        if text.startswith("{") and text[1:].lstrip()[:1] in ('"', "}"):
            return Guess(self.name, 0.9, "container_object", {})
        return Guess(self.name, 0.8 if head.suffix == ".json" else 0.0, "container_name", {"suffix": head.suffix})

    def guess_choice(self, name: str, head: Head, source: Source) -> Guess:
        raise KeyError(name)  # there is none

    def read(self, source: Source) -> Iterator[RawRow]:
        with open_text(source, newline="") as file:
            scanner = Scanner(file, LONGEST_ROW_BYTES)
            opening = scanner.peek()
            if opening == "[":
                yield from _numbered_to_the_end(scanner, _read_array(scanner))
            elif opening == "{":
                yield from _read_object_file(source, scanner)
            else:
                raise source.unreadable("json_not_rows", found=opening)


def _read_array(scanner: Scanner) -> Iterator[RawRow]:
    """Elements one by one up to the closing bracket. After a break the rest of the file is one refused row with its
    position, and the text is at its end."""
    scanner.take("[")
    if scanner.peek() == "]":
        scanner.take("]")
        return
    for number in count(1):
        try:
            text = scanner.value_text()
        except ValueBroken as broken:
            yield _rest(scanner, number, broken)
            return
        yield _element(number, text)
        following = scanner.peek()
        if following == "]":
            scanner.take("]")
            return
        if following != ",":
            yield _rest(scanner, number + 1, ValueBroken(scanner.position, "Expecting ',' delimiter"))
            return
        scanner.take(",")


def _numbered_to_the_end(scanner: Scanner, rows: Iterator[RawRow]) -> Iterator[RawRow]:
    """The rows, and what follows them in the file as one more, refused."""
    number = 0
    for row in rows:
        number = row.number
        yield row
    if scanner.peek():
        yield _rest(scanner, number + 1, ValueBroken(scanner.position, "Extra data"))


def _read_array_within(scanner: Scanner) -> Iterator[RawRow]:
    """An array that is a value of an object: the other keys after it are stepped over, with the closing brace."""
    yield from _read_array(scanner)
    try:
        while scanner.peek() == ",":
            scanner.take(",")
            scanner.value_text()
            scanner.take(":")
            scanner.value_text()
        if scanner.peek():
            scanner.take("}")
    except ValueBroken:
        return  # what is left is refused as one row


def _rest(scanner: Scanner, number: int, broken: ValueBroken) -> RawRow:
    shown = scanner.rest_shown()
    values = {"position": broken.position + 1, "characters": scanner.skip_rest()}
    torn = broken.position >= scanner.position or broken.found.startswith("Unterminated")
    return RawRow(number, None, shown, "json_torn" if torn else "json_broken", None, values)


def _element(number: int, text: str) -> RawRow:
    if bad := find_undecodable(text):
        return RawRow(number, None, text, "undecodable", None, {"byte": bad[0], "position": bad[1]})
    try:
        return RawRow(number, read_object(text.encode("utf-8", "surrogatepass")), text)
    except JsonRefused as refused:
        return RawRow(number, None, text, refused.cause, refused.field, refused.values)


def _read_object_file(source: Source, scanner: Scanner) -> Iterator[RawRow]:
    """A file that opens with an object: rows under a key, columns, one row alone, or the first of many objects."""
    try:
        first = scanner.value_text()
    except ValueBroken as broken:
        yield from _read_nested_stream(source, broken)
        return
    if scanner.peek():
        yield from _read_objects(scanner, first)
        return
    element = _element(1, first)
    if element.fields is None:
        yield element
        return
    rows = _nested_rows(source, element.fields)
    yield from rows if rows is not None else iter([element])


def _read_objects(scanner: Scanner, first: str) -> Iterator[RawRow]:
    yield _element(1, first)
    for number in count(2):
        if not scanner.peek():
            return
        try:
            text = scanner.value_text()
        except ValueBroken as broken:
            yield _rest(scanner, number, broken)
            return
        yield _element(number, text)


def _nested_rows(source: Source, whole: dict[str, Any]) -> Iterator[RawRow] | None:
    arrays = {key: value for key, value in whole.items() if isinstance(value, list)}
    of_objects = {
        key: value
        for key, value in arrays.items()
        if key not in _TURN_FIELDS and value and sum(isinstance(item, dict) for item in value) * 2 >= len(value)
    }
    if of_objects:
        key = max(of_objects, key=lambda name: len(of_objects[name]))
        left = ", ".join(name for name in whole if name != key)
        source.notices.append(("rows_under_key", {"key": key, "count": len(of_objects[key])}))
        if left:
            source.notices.append(("keys_beside_rows", {"keys": left[:200]}))
        return (_value_row(number, item) for number, item in enumerate(of_objects[key], 1))
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
    return any(key in _TURN_FIELDS and value and isinstance(value[0], dict) for key, value in arrays.items())


def _value_row(number: int, value: Any) -> RawRow:
    if isinstance(value, dict):
        return RawRow(number, value)
    found = "array" if isinstance(value, list) else type(value).__name__
    return RawRow(number, None, json.dumps(value, ensure_ascii=False), "json_not_object", None, {"found": found})


def _read_nested_stream(source: Source, broken: ValueBroken) -> Iterator[RawRow]:
    """A long or torn object that holds its rows under a key: the array is read as it comes, without the whole."""
    with open_text(source, newline="") as file:
        scanner = Scanner(file, LONGEST_ROW_BYTES)
        scanner.take("{")
        try:
            while True:
                key = json.loads(scanner.value_text(), strict=False)
                scanner.take(":")
                if key not in _TURN_FIELDS and scanner.opens_array_of_objects():
                    source.notices.append(("rows_read_under_key", {"key": str(key)}))
                    yield from _numbered_to_the_end(scanner, _read_array_within(scanner))
                    return
                scanner.value_text()
                scanner.take(",")
        except ValueBroken:
            raise source.unreadable("json_broken", position=broken.position + 1) from None


PLUG = Json()
