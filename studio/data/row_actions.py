"""What can be done with many rows at once, as a person asks for it: what each action makes of one record."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from studio.data.checks import CHECKS
from studio.data.kinds import SIDES, record_kind
from studio.data.patterns import LONGEST_PATTERN, RECORD_TIME_S, check_template, compile_pattern
from studio.data.record_texts import with_texts
from studio.data.rows import LONGEST_ROW_BYTES
from studio.data.selection import LONGEST_TAG, MOST_TAGS, is_tag
from studio.data.splits import HELD_OUT, HELD_OUT_BY_HAND, SPLITS, TRAIN_BY_HAND
from studio.errors import OptionsInvalid, PatternTooSlow, RequestRefused

DELETE, TAG, REPLACE, SYSTEM, MOVE = "delete_rows", "tag_rows", "replace_text", "set_system", "move_rows"
FIX = "fix_rows"
"""The names under which changes of many rows are kept."""

LONGEST_SYSTEM = 20_000
LONGEST_MADE = LONGEST_ROW_BYTES
"""Characters of all texts of a row that a replacement has changed: as many as the longest row of a file can have."""

_HALF_LETTER = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair stands in no database."""

Record = dict[str, Any]
Look = Callable[[], None]
"""Called between the texts of a record, which can have thousands; raises where nobody waits for it any more."""


@dataclass(frozen=True)
class Made:
    """A record as an action would have it, and how many places of it differ."""

    record: Mapping[str, Any]
    places: int


@dataclass(frozen=True)
class RowAction:
    """name: under which the change is kept, with its details. make: what becomes of a record, None where it stays; raises
    PatternTooSlow, ReplacementTooLong.

    fix: (check, code) whose fix is to be applied where it stands.
    """

    name: str
    details: Mapping[str, Any]
    make: Callable[[Record, Look], Made] | None = None
    deletes: bool = False
    tags_add: tuple[str, ...] = ()
    tags_remove: tuple[str, ...] = ()
    split_key: float | None = None
    fix: tuple[str, str] | None = None

    @property
    def reads_texts(self) -> bool:
        """Whether what becomes of a row depends on what it says; then working it out takes its time."""
        return self.make is not None or self.fix is not None


def read_action(raw: Any) -> RowAction:
    """{"kind": "delete" | "tag" | "replace" | "system" | "split" | "fix", and what that takes}, as a page sends it.

    Raises RequestRefused for what no page of ours sends, PatternInvalid, OptionsInvalid for a tag's name.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("kind"), str) or raw["kind"] not in _READERS:
        raise RequestRefused()
    return _READERS[raw["kind"]]({name: value for name, value in raw.items() if name != "kind"})


def _delete(_given: dict[str, Any]) -> RowAction:
    return RowAction(DELETE, {}, deletes=True)


def _tag(given: dict[str, Any]) -> RowAction:
    # Whatever a row has been tagged with, by an import of old too, can be taken off again.
    add, remove = _tags(given.get("add"), is_tag), _tags(given.get("remove"), _is_text)
    if not add and not remove:
        raise RequestRefused()
    return RowAction(TAG, {"add": list(add), "remove": list(remove)}, tags_add=add, tags_remove=remove)


def _is_text(tag: object) -> bool:
    return isinstance(tag, str) and 0 < len(tag) <= LONGEST_TAG and not _HALF_LETTER.search(tag)


def _tags(given: Any, is_usable: Callable[[object], bool]) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_TAGS:
        raise RequestRefused()
    if problems := [
        {"field": "tag", "code": "tag_unusable", "found": str(tag)[:80]} for tag in given if not is_usable(tag)
    ]:
        raise OptionsInvalid(problems)
    return tuple(dict.fromkeys(given))


def _replace(given: dict[str, Any]) -> RowAction:
    """find, put, is_regex, ignores_case, role: None for every text. An entity's and a tool call's texts count too."""
    find, put, role = given.get("find"), given.get("put", ""), given.get("role")
    if not isinstance(find, str) or not isinstance(put, str) or not (role is None or isinstance(role, str)):
        raise RequestRefused()
    if not 0 < len(find) <= LONGEST_PATTERN or len(put) > LONGEST_SYSTEM:
        raise RequestRefused()
    is_regex, ignores_case = given.get("is_regex") is True, given.get("ignores_case") is True
    pattern = compile_pattern(("(?i)" if ignores_case else "") + (find if is_regex else re.escape(find)))
    template = put if is_regex else put.replace("\\", "\\\\")
    if is_regex:
        check_template(pattern, put)

    def make(record: Record, look: Look) -> Made:
        places, room, end_s = 0, LONGEST_MADE, time.monotonic() + RECORD_TIME_S

        def change(_path: str, its_role: str, text: str) -> str:
            nonlocal places, room
            if role is not None and role != its_role:
                return text
            look()
            if time.monotonic() > end_s:
                raise PatternTooSlow(pattern=find, seconds=RECORD_TIME_S)
            # A row that is longer already may stay so.
            made, count = pattern.replace(text, template, max(room, len(text)))
            places += count if made != text else 0
            room -= len(made)
            return made

        return Made(with_texts(record, change), places)

    details = {"find": find, "put": put, "is_regex": is_regex, "ignores_case": ignores_case, "role": role}
    return RowAction(REPLACE, details, make)


def _system(given: dict[str, Any]) -> RowAction:
    """text: what every conversation and prompt is to begin with; empty: nothing. Other records stay as they are."""
    text = given.get("text")
    if not isinstance(text, str) or len(text) > LONGEST_SYSTEM:
        raise RequestRefused()

    def make(record: Record, _look: Look) -> Made:
        kind = record_kind(record)
        if kind is None or not SIDES[kind]:
            return Made(record, 0)
        side = SIDES[kind][0]
        rest = [message for message in record[side] if message["role"] != "system"]
        made = [{"role": "system", "content": text}, *rest] if text.strip() else rest
        return Made(record | {side: made}, int(made != record[side]))

    return RowAction(SYSTEM, {"text": text}, make)


def _split(given: dict[str, Any]) -> RowAction:
    if given.get("to") not in SPLITS:
        raise RequestRefused()
    return RowAction(
        MOVE, {"to": given["to"]}, split_key=HELD_OUT_BY_HAND if given["to"] == HELD_OUT else TRAIN_BY_HAND
    )


def _fix(given: dict[str, Any]) -> RowAction:
    check, code = given.get("check"), given.get("code")
    if check not in CHECKS or code not in CHECKS[check].fixable:
        raise RequestRefused()
    return RowAction(FIX, {"check": check, "code": code}, fix=(check, code))


_READERS = {"fix": _fix, "delete": _delete, "tag": _tag, "replace": _replace, "system": _system, "split": _split}
