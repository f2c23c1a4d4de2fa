"""Fields of a raw row as a format wants them: a text, a number, yes or no, JSON written as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from studio.data.json_values import LOSSES, JsonRefused, read_value
from studio.errors import RowInvalid

Row = dict[str, Any]

_YES = frozenset({"true", "yes", "1", "good", "desirable", "correct"})
_NO = frozenset({"false", "no", "0", "bad", "undesirable", "incorrect"})


def invalid(field: str, cause: str, **values: Any) -> RowInvalid:
    """The refusal of a row by a format; the row's number is known to whoever reads the file."""
    return RowInvalid(row=None, field=field, cause=cause, **values)


def beside(first: Row, *others: Row) -> Row:
    """Several rows as one. What others hold under a name that is taken by another value comes under `name (2)`."""
    made = dict(first)
    for name, value in (item for other in others for item in other.items()):
        free, number = name, 2
        while free in made and made[free] != value:
            free, number = f"{name} ({number})", number + 1
        made[free] = value
    return made


def share_with(rows: Sequence[Row], *names: str) -> float:
    """The share of rows that have every one of the fields; an empty text is a fault of its row, not of the format."""
    return share_where(rows, lambda row: all(row.get(name) is not None for name in names))


def share_where(rows: Sequence[Row], is_so: Callable[[Row], bool]) -> float:
    return sum(bool(is_so(row)) for row in rows) / len(rows) if rows else 0.0


def find_name(row: Row, names: Sequence[str]) -> str | None:
    """The first of the names that the row has a value for."""
    for name in names:  # asked of every row, some of them ten times: a loop is three times as fast as a generator
        if row.get(name) is not None:
            return name
    return None


def best_names(rows: Sequence[Row], choices: Sequence[tuple[str, ...]]) -> tuple[float, tuple[str, ...]]:
    """The names that most rows have, the earlier ones where it is equal; and their share, 0..1."""
    return max(((share_with(rows, *names), names) for names in choices), key=lambda item: item[0])


def plain_text(value: Any) -> str | None:
    """A text, or a number or yes and no as a table's cell is written: 1.0 is 1. None for anything else."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else str(value)
    return str(value) if type(value) is int else None


def read_text(row: Row, field: str) -> str:
    """Raises RowInvalid where it is missing, neither text nor number, or empty."""
    value = row.get(field)
    if value is None:
        raise invalid(field, "field_missing")
    text = plain_text(value)
    if text is None:
        raise invalid(field, "content_not_text")
    if not text.strip():
        raise invalid(field, "content_empty")
    return text


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


def with_json(value: Any, field: str | None = None) -> Any:
    """A list or an object that a table holds as text; anything else as it is.

    Raises RowInvalid where JSON would lose something as it is read, if the field is named; else such a text stays one.
    """
    if type(value) is not str or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return read_value(value.encode("utf-8", "surrogatepass"))
    except JsonRefused as refused:
        if field is None or refused.cause not in LOSSES:
            return value
        raise _json_invalid(field, refused) from None


def read_json(field: str, text: str, cause: str) -> Any:
    """Raises RowInvalid: with the cause, or by name where something would be lost in silence."""
    try:
        return read_value(text.encode("utf-8", "surrogatepass"))
    except JsonRefused as refused:
        raise (_json_invalid(field, refused) if refused.cause in LOSSES else invalid(field, cause)) from None


def _json_invalid(field: str, refused: JsonRefused) -> RowInvalid:
    place = field if refused.field is None else f"{field}.{refused.field}"
    return invalid(place, refused.cause, **refused.values)
