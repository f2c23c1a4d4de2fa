"""A selection: which rows of a dataset are meant, and in which order they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from studio.data.kinds import KINDS
from studio.data.patterns import LONGEST_PATTERN, compile_pattern
from studio.data.splits import SPLITS
from studio.errors import RequestRefused

FLAG = "flag"
"""A flag is a tag like any other, with a sign of its own."""

ANY, NONE = "any", "none"
"""Instead of a check's name: rows with whatever finding, rows without one."""

LONGEST_TAG = 80
MOST_TAGS = 20
MOST_ROW_IDS = 100_000
_LONGEST_NAME = 80
_LARGEST = 2**63

Sort = Literal["position", "length", "tokens", "edited", "findings"]
LengthUnit = Literal["characters", "tokens"]


@dataclass(frozen=True)
class Selection:
    """Rows that meet every condition that is given; without one, all rows.

    query: what a row's texts must hold, read as a regular expression where is_regex (else ASCII letters in either
    case). role: only texts of that role, or of the field of that name, are searched. tags: all of them. is_edited:
    whether the row differs from what was imported. check: a check's name, "any" or "none"; check_code: only that
    finding. min_length, max_length: inclusive, in characters of the texts or in tokens as `base` was measured.
    row_ids: at most these. Rows with an equal sort value keep the order of the table; of equal length, the sort's own;
    the order of edits is turned as a whole.
    """

    split: str | None = None
    query: str | None = None
    is_regex: bool = False
    role: str | None = None
    tags: tuple[str, ...] = ()
    is_flagged: bool | None = None
    is_edited: bool | None = None
    check: str | None = None
    check_code: str | None = None
    kind: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    length_unit: LengthUnit = "characters"
    base: str | None = None
    row_ids: tuple[int, ...] | None = None
    sort: Sort = "position"
    descending: bool = False

    @classmethod
    def from_json(cls, raw: Any) -> Selection:
        """Raises RequestRefused for what no page of ours sends, PatternInvalid for a query that is no pattern."""
        if not isinstance(raw, Mapping) or not raw.keys() <= _NAMES:
            raise RequestRefused()
        made = cls(**{name: _READERS[name](value) for name, value in raw.items() if value is not None})
        if made.is_regex and made.query:
            compile_pattern(made.query)
        if "tokens" in (made.sort, made.length_unit) and made.base is None:
            raise RequestRefused()
        return made

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads, without what is not asked for."""
        return {
            field.name: _plain(value) for field in fields(self) if (value := getattr(self, field.name)) != field.default
        }

    @property
    def has_conditions(self) -> bool:
        """False where every row is meant, in whatever order."""
        return any(
            getattr(self, field.name) != field.default
            for field in fields(self)
            if field.name not in ("sort", "descending", "length_unit", "base", "is_regex")
        )


def is_tag(text: object) -> bool:
    """Whether a text may be the name of a tag: 1 to 80 characters that can be seen, no space around them."""
    return isinstance(text, str) and 0 < len(text) <= LONGEST_TAG and text == text.strip() and text.isprintable()


def _text(value: Any, longest: int = _LONGEST_NAME) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise RequestRefused()
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise RequestRefused()
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -_LARGEST < value < _LARGEST:
        raise RequestRefused()
    return value


def _one_of(choices: tuple[str, ...]) -> Any:
    def read(value: Any) -> str:
        if value not in choices:
            raise RequestRefused()
        return value

    return read


def _many(value: Any, read: Any, most: int) -> tuple:
    if not isinstance(value, list | tuple) or len(value) > most:
        raise RequestRefused()
    return tuple(read(item) for item in value)


_READERS = {
    "split": _one_of(SPLITS),
    "query": lambda value: _text(value, LONGEST_PATTERN),
    "is_regex": _flag,
    "role": _text,
    "tags": lambda value: _many(value, _text, MOST_TAGS),
    "is_flagged": _flag,
    "is_edited": _flag,
    "check": _text,
    "check_code": _text,
    "kind": _one_of(KINDS),
    "min_length": _whole,
    "max_length": _whole,
    "length_unit": _one_of(get_args(LengthUnit)),
    "base": lambda value: _text(value, 500),
    "row_ids": lambda value: _many(value, _whole, MOST_ROW_IDS),
    "sort": _one_of(get_args(Sort)),
    "descending": _flag,
}
_NAMES = frozenset(_READERS)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
