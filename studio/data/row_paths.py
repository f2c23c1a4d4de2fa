"""Where a value stands in a raw row: `title`, `answers.text[0]`; found, listed for a person to choose from, and filled
into texts such as `{title}: {body}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

MOST_PATHS = 80
_DEEPEST = 4
_EXAMPLE_CHARACTERS = 80
_VALUE_CHARACTERS = 60
_MOST_VALUES = 12
_INDEX = re.compile(r"\[(\d{1,6})\]")
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")

MISSING = object()
"""What `find_value` answers where nothing stands; a null does stand there."""


def find_value(row: Any, path: str) -> Any:
    """The value at a path, or MISSING. Names may hold dots and brackets themselves: the longest one that fits counts."""
    if type(row) is dict and path in row:
        return row[path]
    if not path:
        return row
    if isinstance(row, Mapping):
        rest = path.removeprefix(".")
        for name in sorted((key for key in row if rest.startswith(key) and key), key=len, reverse=True):
            following = rest[len(name) :]
            if following[:1] in ("", ".", "[") and (found := find_value(row[name], following)) is not MISSING:
                return found
        return MISSING
    if isinstance(row, list) and (match := _INDEX.match(path)) and int(match[1]) < len(row):
        return find_value(row[int(match[1])], path[match.end() :])
    return MISSING


@dataclass
class Place:
    """What stands at a path in the first rows. values: its texts and numbers, where they are few; None: many, or other
    things. speakers: of a list of turns, the few values of each of their fields."""

    path: str
    example: str = ""
    values: list[str] | None = field(default_factory=list)
    speakers: dict[str, list[str]] = field(default_factory=dict)

    def see(self, value: Any) -> None:
        self.example = self.example or _example(value)
        if isinstance(value, list):
            turns = [turn for turn in value if isinstance(turn, Mapping)]
            for name, said in ((str(name), said) for turn in turns for name, said in turn.items()):
                if (known := _with(self.speakers.get(name, []), said)) is not None:
                    self.speakers[name] = known
        if value is not None and self.values is not None:
            self.values = _with(self.values, value)


def find_places(rows: Iterable[Mapping[str, Any]]) -> list[Place]:
    """What stands in the rows, in order, each path once and at most MOST_PATHS: columns, and what is nested in them
    down to the first element of a list."""
    found: dict[str, Place] = {}
    for row in rows:
        for path, value in _walk("", row, 0):
            if path in found or len(found) < MOST_PATHS:
                found.setdefault(path, Place(path)).see(value)
    return list(found.values())


def _with(values: list[str], value: Any) -> list[str] | None:
    """The values and one more; None where they become too many, or it is no short text or number."""
    text = (
        value if isinstance(value, str) else orjson.dumps(value).decode() if isinstance(value, (int, float)) else None
    )
    if text is None or len(text) > _VALUE_CHARACTERS:
        return None
    if text in values:
        return values
    return [*values, text] if len(values) < _MOST_VALUES else None


def _walk(path: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if path:
        yield path, value
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _walk(f"{path}.{name}" if path else str(name), item, depth + 1)
    elif isinstance(value, list) and value:
        yield from _walk(f"{path}[0]", value[0], depth + 1)


def _example(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else orjson.dumps(value, default=str).decode()
    return " ".join(text[: 4 * _EXAMPLE_CHARACTERS].split())[:_EXAMPLE_CHARACTERS]


def top_column(path: str, columns: Iterable[str]) -> str | None:
    """The column in which a path begins; None where it begins in none of them."""
    fitting = [name for name in columns if path == name or (path.startswith(name) and path[len(name)] in ".[")]
    return max(fitting, key=len, default=None)


def places_of(text: str) -> list[str]:
    """The paths that a text names in braces; `{{` and `}}` stand for braces themselves."""
    return [match[1].strip() for match in _PLACE.finditer(text) if match[1]]


def fill_places(text: str, said: Mapping[str, str]) -> str:
    """said: what stands in place of each path of `places_of`."""

    def fill(match: re.Match[str]) -> str:
        return said[match[1].strip()] if match[1] else match[0][0]

    return _PLACE.sub(fill, text)
