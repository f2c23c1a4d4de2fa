"""What differs between two states of one dataset: rows added, removed, changed or moved, and what changed inside a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import orjson

from studio.data.versions import FrozenRow

ADDED = "added"
REMOVED = "removed"
CHANGED = "changed"
MOVED = "moved"
DIFFERENCES = (ADDED, REMOVED, CHANGED, MOVED)

MOST_MATCHED = 400
"""Parts of a record that are matched by what they say; in a longer one they are matched by their place."""

LONGEST_SHOWN = 20_000
"""Characters of a text that are shown on each side."""


class Difference(NamedTuple):
    """One row that is not the same on both sides. what: one of DIFFERENCES; `moved` where only its split differs."""

    row_id: int
    what: str
    before: FrozenRow | None
    after: FrozenRow | None


class Part(NamedTuple):
    """One text of a record. section: the field; role: of a message, else empty."""

    section: str
    role: str
    text: str


def iterate_differences(before: Iterable[FrozenRow], after: Iterable[FrozenRow]) -> Iterator[Difference | None]:
    """The two sides walked together by the rows' permanent ids, which both have in order; None for a row without a difference.

    Holds one row of each side at a time.
    """
    old, new = iter(before), iter(after)
    one, other = next(old, None), next(new, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.row_id < other.row_id):
            yield Difference(one.row_id, REMOVED, one, None)  # type: ignore[union-attr]
            one = next(old, None)
        elif one is None or other.row_id < one.row_id:
            yield Difference(other.row_id, ADDED, None, other)
            other = next(new, None)
        else:
            what = _find_difference(one, other)
            yield Difference(one.row_id, what, one, other) if what else None
            one, other = next(old, None), next(new, None)


def _find_difference(one: FrozenRow, other: FrozenRow) -> str | None:
    # An edit may write the fields in another order: the texts are only compared further where they differ.
    if one.record != other.record and (
        one.kind != other.kind or orjson.loads(one.record) != orjson.loads(other.record)
    ):
        return CHANGED
    return MOVED if one.split != other.split else None


def list_parts(record: Mapping[str, Any]) -> list[Part]:
    """Every text of a record of whichever kind; what is no text as JSON."""
    return [part for section, value in record.items() for part in _iterate_parts(section, value)]


def _iterate_parts(section: str, value: Any) -> Iterator[Part]:
    if not _is_messages(value):
        yield Part(section, "", value if isinstance(value, str) else _json(value))
        return
    for message in value:
        content = message.get("content")
        yield Part(section, message["role"], content if isinstance(content, str) else _json(content))
        more = {name: item for name, item in message.items() if name not in ("role", "content")}
        if more:
            yield Part(section, message["role"], _json(more))


def _is_messages(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(message, dict) and isinstance(message.get("role"), str) for message in value)
    )


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def compare_records(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The parts of both in order: {section, role, before, after}, texts; None where a side has no such part.

    Texts are cut to LONGEST_SHOWN characters, then `cut` is true.
    """
    old, new = list_parts(before or {}), list_parts(after or {})
    return [_shown(one, other) for one, other in _match(old, new)]


def _match(old: list[Part], new: list[Part]) -> Iterator[tuple[Part | None, Part | None]]:
    if len(old) + len(new) > MOST_MATCHED:
        yield from _match_block(old, new)
        return
    for tag, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(old[start:end], new[first:last], strict=True)
        else:
            yield from _match_block(old[start:end], new[first:last])


def _match_block(old: list[Part], new: list[Part]) -> Iterator[tuple[Part | None, Part | None]]:
    """Parts of the same section and role are taken for one that was rewritten, in their order."""
    at = 0
    for one in old:
        found = next((n for n in range(at, len(new)) if new[n][:2] == one[:2]), None)
        if found is None:
            yield one, None
            continue
        yield from ((None, other) for other in new[at:found])
        yield one, new[found]
        at = found + 1
    yield from ((None, other) for other in new[at:])


def _shown(one: Part | None, other: Part | None) -> dict[str, Any]:
    named = one or other
    texts = {
        side: None if part is None else part.text[:LONGEST_SHOWN] for side, part in (("before", one), ("after", other))
    }
    cut = any(part is not None and len(part.text) > LONGEST_SHOWN for part in (one, other))
    return {"section": named.section, "role": named.role} | texts | ({"cut": True} if cut else {})  # type: ignore[union-attr]
