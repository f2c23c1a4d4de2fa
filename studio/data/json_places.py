"""Where the rows of a JSON file stand: at its top, or under a key, or under a key of a key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from studio.data.json_scanner import Scanner, ValueBroken
from studio.data.lines import without_bytes

TOP = "$"
"""The file as it stands: an array, objects one after another, an object of columns, or one object."""

BETWEEN = " › "
"""Between the keys of a place, as it is shown."""

TURN_FIELDS = frozenset(
    {"messages", "conversations", "conversation", "history", "prompt", "completion", "chosen", "rejected", "tools"}
)
"""Fields of one row that hold an array of objects: not rows nested under a key."""

_DEEPEST = 3


def find_places(whole: Mapping[str, Any]) -> dict[str, int]:
    """The places in an object under which rows stand, with their number: arrays of objects, objects by name."""
    return {BETWEEN.join(path): len(value) for path, value in _walk(whole, ())}


def value_at(whole: Mapping[str, Any], place: str) -> Any:
    """What stands at a place; None where it is not there."""
    return next((value for path, value in _walk(whole, ()) if BETWEEN.join(path) == place), None)


def keys_beside(whole: Mapping[str, Any], place: str) -> list[str]:
    """The keys on the way to a place that lead elsewhere."""
    left: list[str] = []
    value: Any = whole
    for key in next((path for path, _ in _walk(whole, ()) if BETWEEN.join(path) == place), ()):
        left += [name for name in value if name != key]
        value = value[key]
    return left


def find_streamed_place(scanner: Scanner) -> str | None:
    """The first array of objects in a text too long to be held, or broken; the text is read up to it."""
    return next((BETWEEN.join(path) for path, _ in iterate_arrays(scanner)), None)


def iterate_arrays(scanner: Scanner) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Arrays of objects as the text comes to them, each with the keys passed over on the way.

    Whoever asks for the next has read the array. Raises ValueBroken.
    """
    passed: list[str] = []
    path: list[str] = []
    scanner.take("{")
    while True:
        if scanner.peek() == "}":
            scanner.take("}")
            if not path:
                return
            path.pop()
        else:
            key = without_bytes(str(json.loads(scanner.value_text(), strict=False)))
            scanner.take(":")
            if key not in TURN_FIELDS and scanner.opens_array_of_objects():
                yield (*path, key), passed
            elif scanner.peek() == "{" and len(path) + 1 < _DEEPEST:
                scanner.take("{")
                path.append(key)
                continue
            else:
                passed.append(key)
                scanner.value_text()
        if scanner.peek() == ",":
            scanner.take(",")
        elif scanner.peek() != "}":
            raise ValueBroken(scanner.position, "Expecting ',' delimiter")


def _walk(value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, item in value.items():
        if key in TURN_FIELDS:
            continue
        if (isinstance(item, list) and _holds_objects(item)) or (isinstance(item, dict) and is_by_name(item)):
            yield (*path, key), item
        elif isinstance(item, dict) and len(path) + 1 < _DEEPEST:
            yield from _walk(item, (*path, key))


def _holds_objects(items: list[Any]) -> bool:
    return bool(items) and sum(isinstance(item, dict) for item in items) * 2 >= len(items)


def is_by_name(value: Mapping[str, Any]) -> bool:
    """Whether an object holds rows under their names: several objects that have their keys in common."""
    items = list(value.values())
    if len(items) < 2 or not all(isinstance(item, dict) and item for item in items):
        return False
    return all(item.keys() & items[0].keys() for item in items)
