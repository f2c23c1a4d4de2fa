"""Where a JSON text goes on after a value in it that cannot be read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

_TOKEN = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*["\n]?|[{}\[\],]', re.DOTALL)
"""A string, which holds no line end in JSON: one that is never closed ends with its line. Or a mark between values."""
_OPENING_KEY = re.compile(r"""\{\s*["']?([^"':,{}\[\]\s][^"':\n]{0,80}?)["']?\s*:""")
_NEXT_OF_ARRAY = re.compile(r",\s*(\{)")
_NEXT_OBJECT = re.compile(r"\}\s*(\{)")
_KEY_OF_ARRAY = re.compile(r'\]\s*,\s*"([^"\n]*)"\s*:\s*\[')
_BLANKS = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(strict=False)
_MOST_ALIKE = 8
"""So many openings of a row within a row say that a bracket or a quote of it is missing, and depth tells nothing."""
_MOST_TRIES = 200
_UNDECIDED, _LOST = -1, -2


@dataclass(frozen=True)
class Around:
    """What is known of the values around a broken one.

    last: the last one that was read. gap: the blanks that stood before it. in_array: commas divide the values, not
    blanks alone.
    """

    last: Mapping[str, Any] | None
    gap: str
    in_array: bool


def find_end(text: str, start: int, around: Around, is_all: bool) -> int | None:
    """Where the broken value that starts here ends: at the comma, the opening or the closing mark that follows it.

    By its brackets; where they do not add up, before the next object that is like the last one. None where neither
    tells. is_all: there is no more text to be had; without it, None may become a place with more.
    """
    keys = set(around.last) if around.last else _opening_key(text, start)
    opening = _opening(next(iter(around.last or keys), None))
    end = _end_by_depth(text, start, around, keys, opening)
    if end >= 0 or (end == _UNDECIDED and not is_all):
        return end if end >= 0 else None
    return _end_by_likeness(text, start, around, keys)


def _opening_key(text: str, start: int) -> set[str]:
    found = _OPENING_KEY.match(text, start)
    return {found.group(1)} if found else set()


def _opening(key: str | None) -> re.Pattern[str] | None:
    """How a row with this first key begins."""
    if key is None:
        return None
    forms = {re.escape(key), re.escape(json.dumps(key)[1:-1])}
    return re.compile(rf"""\{{\s*(["']?)(?:{"|".join(forms)})\1\s*:""")


def _end_by_depth(text: str, start: int, around: Around, keys: set[str], opening: re.Pattern[str] | None) -> int:
    depth = alike = 0
    line_start = f",{around.gap}"
    for token in _TOKEN.finditer(text, start):
        at, mark = token.start(), token.group()
        if mark == "," and not depth and around.in_array:
            if (next_at := _skip_blanks(text, at + 1)) == len(text):
                return _UNDECIDED
            if text[next_at] == "{":
                return at if _is_alike(text, next_at, keys, opening) else _LOST
        elif mark == "{" and not depth and at > start:
            return at if _is_alike(text, at, keys, opening) else _LOST
        elif mark in "{[":
            if depth and mark == "{" and opening is not None and opening.match(text, at):
                # A quote too many may have taken in the comma, which stands before the line end all the same.
                if "\n" in around.gap and text.startswith(line_start, comma := at - len(line_start)) and comma > start:
                    return comma
                if (alike := alike + 1) > _MOST_ALIKE:
                    return _LOST
            depth += 1
        elif mark == "]" and not depth and around.in_array:
            return at
        elif mark in "}]":
            depth = max(depth - 1, 0)
    return _UNDECIDED


def _end_by_likeness(text: str, start: int, around: Around, keys: set[str]) -> int | None:
    """Before the next object that is like the last one and is followed as a value is."""
    pattern, followers = (_NEXT_OF_ARRAY, (",", "]")) if around.in_array else (_NEXT_OBJECT, ("{", ""))
    for found in islice(pattern.finditer(text, start), _MOST_TRIES):
        end = _end_alike(text, found.start(1), keys)
        if end is None or text[(after := _skip_blanks(text, end)) : after + 1] not in followers:
            continue
        place = found.start() if around.in_array else found.start(1)
        # Rows under another key of the file are no rows of this one.
        return place if set(_KEY_OF_ARRAY.findall(text, start, place)) <= keys else None
    return None


def _is_alike(text: str, at: int, keys: set[str], opening: re.Pattern[str] | None) -> bool:
    """Whether the object that begins here, broken or not, looks like the last one."""
    return opening is None or opening.match(text, at) is not None or _end_alike(text, at, keys) is not None


def _end_alike(text: str, at: int, keys: set[str]) -> int | None:
    """Where the object that begins here ends, if it can be read and has half of the keys."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return end if len(keys & set(value)) * 2 >= len(keys) else None


def _skip_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at
