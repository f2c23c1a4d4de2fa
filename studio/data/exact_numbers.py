"""Numbers that a browser would round, as marked texts that it shows and sends back with all their digits."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isinf
from typing import Any

MARK = "\ufdd0"
"""No character, and so the beginning of no text that anybody writes; one that begins with it all the same gets another."""

FIRST_ROUNDED = 2**53
"""From here on a 64-bit float is not every whole number, and JavaScript writes it with digits that may be none of it."""

_NUMBER = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?")


class Exact(int):
    """A whole number that came with all its digits: it is what the person saw or typed, not what a browser made of it."""


def mark_numbers(value: Any) -> Any:
    """JSON with each number that a browser would round as MARK and its digits. What `read_marked` reads."""
    return _made_anew(value, _marked)


def read_marked(value: Any) -> Any:
    """What was marked as it was: whole numbers as `Exact`. Texts without a mark, and all other numbers, stay as they are."""
    return _made_anew(value, _read)


def has_exact(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return any(map(has_exact, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Exact)


def _made_anew(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with all that it holds changed, names of fields too."""
    if isinstance(value, dict):
        return {change(name): _made_anew(inner, change) for name, inner in value.items()}
    return [_made_anew(inner, change) for inner in value] if isinstance(value, list) else change(value)


def _marked(value: Any) -> Any:
    if isinstance(value, str):
        return MARK + value if value.startswith(MARK) else value
    is_rounded = isinstance(value, (int, float)) and FIRST_ROUNDED <= abs(value) < float("inf")
    return MARK + repr(value) if is_rounded else value


def _read(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(MARK):
        return value
    digits = value.removeprefix(MARK)
    if not _NUMBER.fullmatch(digits):
        return digits if digits.startswith(MARK) else value
    if digits.lstrip("-").isdigit():
        return Exact(digits)
    return value if isinf(float(digits)) else float(digits)
