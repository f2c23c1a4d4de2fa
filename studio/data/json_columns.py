"""The rows of a JSON object of arrays that is too long to be held: its columns are read side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from studio.data.json_places import TURN_FIELDS
from studio.data.json_rows import read_element
from studio.data.json_scanner import Scanner, ValueBroken
from studio.data.lines import open_text
from studio.data.rows import LONGEST_ROW_BYTES, RAW_LIMIT_BYTES, RawRow

if TYPE_CHECKING:
    from studio.data.files import Source

MOST_COLUMNS = 64
"""Each is a reading of the file of its own."""

LONGEST_CHARACTERS = 512 * 1024 * 1024
"""Where the last column begins is known when the file was read once, about 40 MB a second, before its first row."""


class _Column(NamedTuple):
    """key: its name as the file writes it, in quotes. position: of its opening bracket, in characters."""

    key: str
    position: int
    count: int


def read_columns(source: Source, longest: int) -> Iterator[RawRow]:
    """longest: characters of one cell. Raises FileUnreadable: broken, columns of different lengths, no such object,
    or longer than LONGEST_CHARACTERS."""
    with open_text(source, newline="") as file:
        try:
            columns = _find_columns(Scanner(file, longest))
        except ValueBroken as broken:
            raise source.unreadable("json_broken", position=broken.position + 1) from None
    if not columns:
        raise source.unreadable("json_object_too_long")
    lengths = {column.count for column in columns}
    if len(lengths) != 1:
        raise source.unreadable("json_columns_uneven", shortest=min(lengths), longest=max(lengths))
    source.total_rows = lengths.pop()
    source.notices.append(("columns_of_arrays", {"columns": len(columns), "count": source.total_rows}))
    with ExitStack() as opened:
        cells = []
        for column in columns:
            scanner = Scanner(opened.enter_context(open_text(source, newline="")), longest)
            scanner.skip_to(column.position)
            cells.append(_iterate_cells(scanner))
        for number, texts in enumerate(zip(*cells, strict=True), 1):
            yield _row(number, ", ".join(f"{column.key}: {text}" for column, text in zip(columns, texts, strict=True)))


def _row(number: int, inside: str) -> RawRow:
    if len(inside) > LONGEST_ROW_BYTES:
        values = {"limit_bytes": LONGEST_ROW_BYTES, "characters": len(inside)}
        return RawRow(number, None, f"{{{inside[:RAW_LIMIT_BYTES]}", "row_too_long", None, values)
    return read_element(number, f"{{{inside}}}")


def _find_columns(scanner: Scanner) -> list[_Column] | None:
    """None for what is no object of arrays alone, one row that is longer than a row may be, and beyond the limits.
    Raises ValueBroken."""
    columns: dict[str, _Column] = {}
    scanner.take("{")
    while True:
        start = scanner.position
        key = scanner.value_text()
        name = json.loads(key, strict=False)
        if not isinstance(name, str) or name in columns:
            raise ValueBroken(start, "Expecting a new key")
        scanner.take(":")
        if scanner.peek() != "[" or len(columns) == MOST_COLUMNS:
            return None
        position = scanner.position
        if name in TURN_FIELDS and scanner.opens_array_of_objects():
            return None
        count = 0
        for _ in _iterate_cells(scanner):
            count += 1
            if scanner.position > LONGEST_CHARACTERS:
                return None
        columns[name] = _Column(key, position, count)
        if scanner.peek() != ",":
            scanner.take("}")
            return list(columns.values()) if not scanner.peek() else None
        scanner.take(",")


def _iterate_cells(scanner: Scanner) -> Iterator[str]:
    """The texts of an array's values. Raises ValueBroken."""
    scanner.take("[")
    if scanner.peek() == "]":
        scanner.take("]")
        return
    while True:
        yield scanner.value_text()
        if scanner.peek() != ",":
            scanner.take("]")
            return
        scanner.take(",")
