"""JSON from its text, strictly: what no JSON is, and what would be lost in silence, is named."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

_KEY_END = re.compile(rb'"\s*:')
_LEAST, _MOST = -(2**63), 2**64 - 1
"""What orjson reads and writes as a whole number; what lies beyond becomes a float, its last digits lost."""
_SHOWN_DIGITS = 40
_DEEPEST = 200
"""orjson reads 1,024 levels and writes 254, of which a record or a row's meta around the value takes a few."""

LOSSES = frozenset({"json_key_twice", "json_not_finite", "json_half_surrogate", "json_number_too_long"})
"""Why a whole JSON value is refused all the same: something in it could not be kept as it stands."""


class JsonRefused(ValueError):
    """Why a text is not one JSON object: a cause code with its values."""

    def __init__(self, cause: str, field: str | None = None, **values: Any) -> None:
        super().__init__(cause)
        self.cause = cause
        self.field = field
        self.values = values


def read_object(text: bytes) -> dict[str, Any]:
    """The object in a UTF-8 text. Raises JsonRefused: as `read_value`, and where it is no object."""
    value = read_value(text)
    if type(value) is not dict:
        raise JsonRefused("json_not_object", found=_kind(value))
    return value


def read_value(text: bytes) -> Any:
    """The value in a UTF-8 text. Raises JsonRefused: not JSON, too deep, a key twice, NaN, half a surrogate,
    a number that cannot be held."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise _diagnosed(text, problem) from None
    # Only where so many open can so many lie within one another.
    if text.count(b"[") + text.count(b"{") > _DEEPEST and _depth(value) > _DEEPEST:
        raise JsonRefused("json_too_deep")
    keys, is_large = _looked_through(value)
    # Each key ends in a quote and a colon. As many as keys were kept: none came twice. More: look closely, since
    # such a pair may stand inside a string. A large float may have been written as a whole number.
    if is_large or len(_KEY_END.findall(text)) != keys:
        _refuse_losses(text.decode("utf-8"))
    return value


def _looked_through(value: Any) -> tuple[int, bool]:
    """How many keys there are, and whether a float lies where whole numbers are too long to be held."""
    count, is_large, left = 0, False, [[value]]
    while left:
        items = left.pop()
        if type(items) is dict:
            count += len(items)
            items = items.values()
        for item in items:
            kind = type(item)
            if kind is dict or kind is list:
                left.append(item)
            elif kind is float and not _LEAST < item < _MOST:
                is_large = True
    return count, is_large


def _depth(value: Any) -> int:
    """How many lists and objects lie within one another."""
    depth, level = 0, [value]
    while level := [item for item in level if type(item) is dict or type(item) is list]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if type(item) is dict else item)]
    return depth


def _refuse_losses(text: str) -> Any:
    """The value as Python reads it. Raises JsonRefused for what it names, and Python's own errors."""
    return json.loads(
        text,
        object_pairs_hook=_object_of_single_keys,
        parse_constant=_refuse_constant,
        parse_float=_finite,
        parse_int=_held,
    )


def _object_of_single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise JsonRefused("json_key_twice", field=key)
            seen.add(key)
    return made


def _refuse_constant(name: str) -> None:
    raise JsonRefused("json_not_finite", found=name)


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise JsonRefused("json_not_finite", found=digits[:_SHOWN_DIGITS])
    return number


def _held(digits: str) -> int:
    if len(digits) > _SHOWN_DIGITS or not _LEAST <= (number := int(digits)) <= _MOST:
        raise JsonRefused("json_number_too_long", found=digits[:_SHOWN_DIGITS])
    return number


def _diagnosed(text: bytes, problem: orjson.JSONDecodeError) -> JsonRefused:
    """Why orjson refused: it is stricter than Python's reader, whose answer tells the reasons apart."""
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as bad:
        return JsonRefused("undecodable", byte=f"0x{text[bad.start]:02x}", position=bad.start + 1)
    try:
        _refuse_losses(decoded)
    except JsonRefused as refused:
        return refused
    except json.JSONDecodeError as error:
        return JsonRefused("json_syntax", position=error.pos + 1)
    except RecursionError:
        return JsonRefused("json_too_deep")
    if "surrogate" in problem.msg or "\\ud" in decoded.lower():
        return JsonRefused("json_half_surrogate")
    return JsonRefused("json_too_deep")


def _kind(value: Any) -> str:
    """The JSON name of a value's kind."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true/false"
    return {str: "string", int: "number", float: "number", list: "array", dict: "object"}[type(value)]
