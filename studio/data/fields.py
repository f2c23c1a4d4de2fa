"""Fields of a raw row as a format wants them: a text, a number, yes or no, JSON written as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from studio.errors import RowInvalid

Row = dict[str, Any]

_YES = frozenset({"true", "yes", "1", "good", "desirable", "correct"})
_NO = frozenset({"false", "no", "0", "bad", "undesirable", "incorrect"})


def invalid(field: str, cause: str, **values: Any) -> RowInvalid:
    """The refusal of a row by a format; the row's number is known to whoever reads the file."""
    return RowInvalid(row=None, field=field, cause=cause, **values)


def share_with(rows: Sequence[Row], *names: str) -> float:
    """The share of rows that have every one of the fields; an empty text is a fault of its row, not of the format."""
    return share_where(rows, lambda row: all(row.get(name) is not None for name in names))


def share_where(rows: Sequence[Row], is_so: Callable[[Row], bool]) -> float:
    return sum(bool(is_so(row)) for row in rows) / len(rows) if rows else 0.0


def find_name(row: Row, names: Sequence[str]) -> str | None:
    """The first of the names that the row has a value for."""
    return next((name for name in names if row.get(name) is not None), None)


def best_names(rows: Sequence[Row], choices: Sequence[tuple[str, ...]]) -> tuple[float, tuple[str, ...]]:
    """The names that most rows have, the earlier ones where it is equal; and their share, 0..1."""
    return max(((share_with(rows, *names), names) for names in choices), key=lambda item: item[0])


def read_text(row: Row, field: str) -> str:
    """Raises RowInvalid where it is missing, no text, or empty."""
    value = row.get(field)
    if value is None:
        raise invalid(field, "field_missing")
    if type(value) is not str:
        raise invalid(field, "content_not_text")
    if not value.strip():
        raise invalid(field, "content_empty")
    return value


def find_bool(value: Any) -> bool | None:
    """Yes or no by its many names; None for anything else."""
    if type(value) is bool:
        return value
    if type(value) in (int, float):
        return {0: False, 1: True}.get(value)
    text = value.strip().lower() if type(value) is str else ""
    return True if text in _YES else False if text in _NO else None


def find_number(value: Any) -> float | int | None:
    """A number, or a text of one; None for anything else and for what is not finite."""
    if type(value) in (int, float):
        return value if math.isfinite(value) else None
    if type(value) is not str:
        return None
    try:
        number = float(value.strip().replace(",", ""))
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def with_json(value: Any) -> Any:
    """A list or an object that a table holds as text; anything else as it is."""
    if type(value) is not str or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
