"""Whether the first row of a table names its columns, and the names they get."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.data.lines import without_bytes
from studio.data.rows import Guess

if TYPE_CHECKING:
    from studio.data.files import Source

HEADERS = ("first_row", "none")

_USUAL_NAMES = re.compile(
    r"answers?|category|chosen|class|completion|content|context|conversations?|date|id|input|instruction|intent|labels?"
    r"|lang|language|messages|name|output|prompt|question|reference|rejected|reply|response|role|score|sentence|source"
    r"|split|subject|system|target|text|title|translation|url",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(e[-+]?\d+)?%?", re.IGNORECASE)
_AMOUNT = re.compile(r"[-+]?\d[\d.,/:\- TZ%]*")
_DIGIT = re.compile(r"\d")
_SENTENCE_END = tuple(".?!。？！」")
_LONG_NAME = 60
_LEAST_ROWS_FOR_REPEATS = 5
_LEAST_ROWS_FOR_NUMBERS = 3


def guess_header(rows: Sequence[Sequence[str]]) -> Guess:
    """Whether the first of these rows names the columns.

    It does where it stands above numbers without being one. It does not where it reads like the rows below it: a sentence, numbers alone, or a value that comes again and
    again in its column. Without such a sign it does, as in most files.
    """
    first = [without_bytes(cell.strip()) for cell in rows[0]] if rows else []
    if usual := next((cell for cell in first if _USUAL_NAMES.fullmatch(cell)), None):
        return Guess("first_row", 1.0, "header_usual_name", {"found": usual}, HEADERS)
    for index, cell in enumerate(first):
        below = [row[index].strip() for row in rows[1:] if index < len(row)]
        if (
            cell
            and not _DIGIT.search(cell)
            and len(below) >= _LEAST_ROWS_FOR_NUMBERS
            and all(map(_AMOUNT.fullmatch, below))
        ):
            # A form's questions are long, but the moments of its answers stand under a word.
            return Guess("first_row", 0.9, "header_above_numbers", {"found": cell[:60], "column": index + 1}, HEADERS)
    if long := next((cell for cell in first if _is_prose(cell)), None):
        return Guess("none", 0.9, "header_prose", {"found": long[:60]}, HEADERS)
    filled = [cell for cell in first if cell]
    if filled and all(_NUMBER.fullmatch(cell) for cell in filled):
        return Guess("none", 0.8, "header_numbers", {}, HEADERS)
    for index, cell in enumerate(first):
        below = [row[index].strip() for row in rows[1:] if index < len(row)]
        if cell and len(below) >= _LEAST_ROWS_FOR_REPEATS and below.count(cell) > 1:
            values = {"found": cell, "column": index + 1, "count": below.count(cell)}
            return Guess("none", 0.8, "header_repeats", values, HEADERS)
    return Guess("first_row", 0.6, "header_likely", {}, HEADERS)


def column_names(source: Source, header: Sequence[str]) -> list[str]:
    """The columns' names, each once: a second `a` becomes `a (2)`, a nameless one `column 4`, and both are said."""
    names: list[str] = []
    taken: set[str] = set()
    copies: dict[str, int] = {}
    for index, cell in enumerate(header, 1):
        wanted = cell or f"column {index}"
        name = wanted
        while name in taken:
            copies[wanted] = copies.get(wanted, 1) + 1
            name = f"{wanted} ({copies[wanted]})"
        if name != cell:
            source.notices.append(("column_renamed", {"index": index, "found": cell, "name": name}))
        taken.add(name)
        names.append(name)
    return names


def numbered_names(count: int) -> list[str]:
    """The names of columns that have none."""
    return [f"column {index}" for index in range(1, count + 1)]


def _is_prose(cell: str) -> bool:
    wide = sum(character > "\u2e7f" for character in cell)
    return len(cell) + wide > _LONG_NAME or "\n" in cell or (len(cell) + wide > 20 and cell.endswith(_SENTENCE_END))
