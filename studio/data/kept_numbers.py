"""Numbers that came back from a browser, put back as they were: there every number is a 64-bit float."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from studio.data.exact_numbers import MARK, Exact, has_exact, mark_numbers, read_marked

LARGEST_EXACT = 2**53
"""Whole numbers beyond it come back as a neighbour: 12345678901234567 as …568."""


def keep_numbers(old: Any, new: Any) -> Any:
    """`new` with the numbers of `old` wherever the two are the same float, so that 1.0 stays 1.0 and no digit is lost.

    old: the record before; new: the record that a browser made of it. Numbers are looked for in the same place, list
    items also where they were moved to; large ones anywhere, as long as only one number of `old` can be meant. `Exact`
    ones are what the person saw, and stay what they are.
    """
    if has_exact(new):
        old = read_marked(mark_numbers(old))
    large: dict[float, Any] = {}
    for number in _iterate_numbers(old):
        if abs(number) > LARGEST_EXACT and large.setdefault(float(number), number) != number:
            large[float(number)] = None
    return _kept(old, new, {seen: number for seen, number in large.items() if number is not None})


def _kept(old: Any, new: Any, large: dict[float, Any]) -> Any:
    if isinstance(new, Exact):
        return new
    if _is_number(new):
        if _is_number(old) and float(old) == float(new):
            return old
        return large.get(float(new), new)
    if isinstance(new, dict):
        before = old if isinstance(old, dict) else {}
        return {name: _kept(before.get(name), value, large) for name, value in new.items()}
    if isinstance(new, list):
        return _kept_items(old if isinstance(old, list) else [], new, large)
    return new


def _kept_items(old: list[Any], new: list[Any], large: dict[float, Any]) -> list[Any]:
    """An item that was moved is the old one; any other is compared with the one that stood in its place."""
    known = [_seen(item) for item in old]
    moved = dict(zip(reversed(known), reversed(old), strict=True))
    kept = []
    for index, item in enumerate(new):
        seen, there = _seen(item), index < len(old)
        if seen in moved:
            kept.append(old[index] if there and known[index] == seen else moved[seen])
        else:
            kept.append(_kept(old[index] if there else None, item, large))
    return kept


def _seen(value: Any) -> bytes:
    """What a browser makes of it; the order of names counts, since a person may have changed it."""
    return orjson.dumps(_as_floats(value))


def _as_floats(value: Any) -> Any:
    if isinstance(value, Exact):
        return {MARK: str(value)}
    if _is_number(value):
        return float(value) + 0.0  # no -0.0, which a browser writes as 0
    if isinstance(value, dict):
        return {name: _as_floats(inner) for name, inner in value.items()}
    return [_as_floats(inner) for inner in value] if isinstance(value, list) else value


def _iterate_numbers(value: Any) -> Iterator[int | float]:
    if _is_number(value):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _iterate_numbers(inner)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
