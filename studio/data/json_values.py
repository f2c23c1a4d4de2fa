"""One JSON object from its text, strictly: what no JSON is, and what would be lost in silence, is named."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_KEY_END = re.compile(rb'"\s*:')


class JsonRefused(ValueError):
    """Why a text is not one JSON object: a cause code with its values."""

    def __init__(self, cause: str, field: str | None = None, **values: Any) -> None:
        super().__init__(cause)
        self.cause = cause
        self.field = field
        self.values = values


def read_object(text: bytes) -> dict[str, Any]:
    """The object in a UTF-8 text. Raises JsonRefused: not JSON, not an object, a key twice, NaN, half a surrogate."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise _diagnosed(text, problem) from None
    if type(value) is not dict:
        raise JsonRefused("json_not_object", found=_kind(value))
    # Each key ends in a quote and a colon. As many as keys were kept: none came twice. More: look closely, since
    # such a pair may stand inside a string.
    if len(_KEY_END.findall(text)) != _count_keys(value):
        _refuse_repeated_keys(text)
    return value


def _count_keys(value: Any) -> int:
    if type(value) is dict:
        count = len(value)
        for item in value.values():
            if type(item) is dict or type(item) is list:
                count += _count_keys(item)
        return count
    count = 0
    for item in value:
        if type(item) is dict or type(item) is list:
            count += _count_keys(item)
    return count


def _refuse_repeated_keys(text: bytes) -> None:
    json.loads(text, object_pairs_hook=_object_of_single_keys)


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


def _diagnosed(text: bytes, problem: orjson.JSONDecodeError) -> JsonRefused:
    """Why orjson refused: it is stricter than Python's reader, whose answer tells the reasons apart."""
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as bad:
        return JsonRefused("undecodable", byte=f"0x{text[bad.start]:02x}", position=bad.start + 1)
    try:
        value = json.loads(decoded, object_pairs_hook=_object_of_single_keys, parse_constant=_refuse_constant)
    except JsonRefused as refused:
        return refused
    except json.JSONDecodeError as error:
        return JsonRefused("json_syntax", position=error.pos + 1)
    except RecursionError:
        return JsonRefused("json_too_deep")
    except ValueError:  # an integer of more digits than Python converts
        return JsonRefused("json_number_too_long")
    if type(value) is not dict:
        return JsonRefused("json_not_object", found=_kind(value))
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
