"""Excel workbooks: one sheet as a table."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

import orjson

from studio.data.containers import ContainerExample
from studio.data.headers import column_names, guess_header, numbered_names
from studio.data.packing import limit_for
from studio.data.rows import LONGEST_ROW_BYTES, Guess, RawRow
from studio.data.workbooks import Book, Cells, open_book
from studio.errors import FileTooLarge
from studio.words import Text

if TYPE_CHECKING:
    from studio.data.files import Head, Source

_SAMPLE_ROWS = 50
_DAMAGED = (
    ParseError,
    BadZipFile,
    zlib.error,
    struct.error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
"""What openpyxl raises on a workbook that is none."""


class Workbook:
    name = "xlsx"
    title = Text(en="Excel workbook (XLSX)", ja="Excel ブック（XLSX）")
    summary = Text(
        en="One sheet of a workbook, with the names of its columns in the first row; of formulas their last results.",
        ja="ブックのシート 1 枚。1 行目が列名です。数式は最後に計算された値を読み込みます。",
    )
    example = ContainerExample(
        "greetings.xlsx",
        None,
        ({"prompt": "Hello", "completion": "Good morning"}, {"prompt": "こんにちは", "completion": "おはよう"}),
    )
    choices = ("sheet", "header")

    def guess(self, head: Head) -> Guess:
        """Known by the parts of its archive, before anything is taken for text."""
        return Guess(self.name, 0.0, "container_name", {"suffix": head.suffix})

    def guess_choice(self, name: str, head: Head, source: Source) -> Guess:
        try:
            with open_book(source) as book:
                return _guess_sheet(source, book) if name == "sheet" else _guess_header(source, book)
        except _DAMAGED as problem:
            raise _damaged(source, problem) from problem

    def read(self, source: Source) -> Iterator[RawRow]:
        try:
            with open_book(source) as book:
                yield from _read_sheet(source, book)
        except _DAMAGED as problem:
            raise _damaged(source, problem) from problem


def _damaged(source: Source, problem: Exception) -> Exception:
    return source.unreadable("xlsx_damaged", found=f"{type(problem).__name__}: {problem}"[:200])


def _guess_sheet(source: Source, book: Book) -> Guess:
    names = tuple(book.sheets)
    for number, name in enumerate(names):
        if book.is_filled(name):
            reason = "sheet_only" if len(names) == 1 else "sheet_first_filled" if number else "sheet_first"
            return Guess(name, 1.0 if len(names) == 1 else 0.7, reason, {"count": len(names)}, names)
    raise source.unreadable("file_empty")


def _guess_header(source: Source, book: Book) -> Guess:
    rows = islice(book.rows(source.choices["sheet"]), _SAMPLE_ROWS)
    return guess_header([["" if value is None else str(value) for value in row.values] for row in rows])


def _read_sheet(source: Source, book: Book) -> Iterator[RawRow]:
    rows = book.rows(source.choices["sheet"])
    names: list[str] | None = None
    if source.choices["header"] == "first_row":
        header = next(rows, None)
        names = _header_names(source, header.values if header else [])
    limit, total = limit_for(source.path.stat().st_size), 0
    for number, row in enumerate(rows, 1):
        if names is None:
            names = numbered_names(len(row.values))
            source.notices.append(("columns_numbered", {"columns": len(names)}))
        made = _raw_row(number, row, names)
        # One string can stand in every row of a small file.
        total += sum(len(value) for value in row.values if isinstance(value, str))
        if total > limit:
            raise FileTooLarge(file=source.file_name, bytes=total, limit_bytes=limit)
        yield made
    if book.merged_ranges:
        source.notices.append(("cells_merged", {"count": book.merged_ranges}))


def _header_names(source: Source, header: list[Any]) -> list[str]:
    return column_names(source, ["" if cell is None else str(cell).strip() for cell in header])


def _raw_row(number: int, row: Cells, names: list[str]) -> RawRow:
    values: dict[str, Any] = {"line": row.number}
    cells = row.values + [None] * (len(names) - len(row.values))
    fields = dict(zip(names, cells, strict=False))
    if sum(len(cell) for cell in cells if isinstance(cell, str)) > LONGEST_ROW_BYTES:
        return RawRow(number, None, None, "row_too_long", None, values | {"limit_bytes": LONGEST_ROW_BYTES})
    if row.bad_column:
        field = names[row.bad_column - 1] if row.bad_column <= len(names) else None
        cause = "xlsx_formula" if row.bad == "=" else "xlsx_error"
        return RawRow(number, None, _as_json(names, cells), cause, field, values | {"found": row.bad})
    if len(cells) > len(names):
        found = {"found": len(cells), "expected": len(names)}
        return RawRow(number, None, _as_json(names, cells), "csv_too_many_cells", None, values | found)
    return RawRow(number, fields)


def _as_json(names: list[str], cells: list[Any]) -> bytes:
    """A refused row as it can be mended: its cells by name, those past the last column by their number."""
    free = [name for name in numbered_names(len(cells)) if name not in names]
    further = free[len(free) - (len(cells) - len(names)) :]
    return orjson.dumps(dict(zip(names + further, cells, strict=True)))


PLUG = Workbook()
