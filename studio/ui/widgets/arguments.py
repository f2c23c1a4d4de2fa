"""What a page sends is checked here before a service sees it: each value of the kind it should be, or refused."""

from __future__ import annotations

import math
from typing import Any

from studio.errors import RequestRefused

_LONGEST_TEXT = 10_000


def text_of(argument: dict, name: str) -> str:
    """A text that must be there, at most 10,000 characters. Raises RequestRefused."""
    value = argument.get(name)
    if not isinstance(value, str) or not value or len(value) > _LONGEST_TEXT:
        raise RequestRefused()
    return value


def find_text(argument: dict, name: str) -> str | None:
    """A text that may be missing or empty, then None. Raises RequestRefused for any other kind of value."""
    return None if argument.get(name) in (None, "") else text_of(argument, name)


def whole_of(argument: dict, name: str) -> int:
    """A whole number that fits a database column. Raises RequestRefused."""
    value = argument.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise RequestRefused()
    return value


def find_whole(argument: dict, name: str) -> int | None:
    """A whole number that may be missing. Raises RequestRefused for any other kind of value."""
    return None if argument.get(name) is None else whole_of(argument, name)


def number_of(argument: dict, name: str) -> float:
    """A finite number. Raises RequestRefused."""
    value = argument.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestRefused()
    return float(value)


def object_of(argument: dict, name: str) -> dict[str, Any]:
    """A JSON object. Raises RequestRefused."""
    value = argument.get(name)
    if not isinstance(value, dict):
        raise RequestRefused()
    return value


def list_of(argument: dict, name: str, most: int) -> list[Any]:
    """A JSON list of at most `most` things of any kind. Raises RequestRefused."""
    value = argument.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise RequestRefused()
    return value


def wholes_of(argument: dict, name: str, most: int) -> list[int]:
    """A list of whole numbers. Raises RequestRefused."""
    return [whole_of({"item": item}, "item") for item in list_of(argument, name, most)]
