"""The cells of an Excel workbook as they unpack: sheets, strings and dates through openpyxl, without holding a sheet."""

from __future__ import annotations

import datetime
import warnings
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import ZipFile

from studio.data.packing import limit_for, open_archive
from studio.errors import FileTooLarge

if TYPE_CHECKING:
    from studio.data.files import Source

MOST_ROWS = 1_048_576
MOST_COLUMNS = 1_000
LARGEST_PART_BYTES = 256 * 1024**2
"""Of every part but the sheets, which are read whole: the strings, the styles, the list of sheets."""


class Cells(NamedTuple):
    """A row of a sheet: its number as Excel shows it, the values, and the column (from 1) of the first cell that is an
    error or a formula without a result, with what stands in it; such cells have no value."""

    number: int
    values: list[Any]
    bad_column: int = 0
    bad: str = ""


class Book:
    """An open workbook. sheets: those with cells, by name, visible ones first."""

    def __init__(self, source: Source, archive: ZipFile, reader: Any) -> None:
        self._source = source
        self._archive = archive
        self._workbook = reader.wb
        self._strings = _Strings(archive, _strings_part(reader))
        found = [
            (sheet.state != "visible", sheet.name, part.target)
            for sheet, part in reader.parser.find_sheets()
            if part.Type.endswith("/worksheet") and part.target in archive.NameToInfo
        ]
        self.sheets = {name: path for _, name, path in sorted(found, key=lambda item: item[0])}
        self.merged_ranges = 0

    def is_filled(self, sheet: str) -> bool:
        """Whether the sheet has a cell that is not empty."""
        return next(self.rows(sheet), None) is not None

    def rows(self, sheet: str) -> Iterator[Cells]:
        """Rows that are not blank. `merged_ranges` is known at the end. Raises FileUnreadable for a sheet too large."""
        from openpyxl.worksheet._reader import WorkSheetParser

        # A dense table would be padded to its furthest cell, which a file of 4 kB can place anywhere: the parser that
        # openpyxl itself is built on hands out the cells that are there.
        class Parser(WorkSheetParser):
            bad = array("H")

            def parse_cell(self, element: Any) -> dict[str, Any]:
                try:
                    cell = super().parse_cell(element)
                except ValueError:
                    if element.get("t", "n") != "n":
                        raise
                    # A number of more digits than Python converts, or none at all.
                    return {"column": self.col_counter, "data_type": "s", "value": element.findtext(_VALUE)}
                if isinstance(cell["value"], (int, float)) and not _is_json_number(cell["value"]):
                    cell["value"] = element.findtext(_VALUE)
                is_formula = element.find(_FORMULA) is not None
                if is_formula and cell["value"] is None and element.get("t") != "str":
                    cell["data_type"], cell["value"] = "e", "="
                return cell

            def parse_row(self, row: Any) -> Any:
                self.row_dimensions.clear()
                return super().parse_row(row)

        book = self._workbook
        with self._archive.open(self.sheets[sheet]) as file, warnings.catch_warnings(action="ignore"):
            parser = Parser(
                file,
                self._strings,
                data_only=True,
                epoch=book.epoch,
                date_formats=book._date_formats,
                timedelta_formats=book._timedelta_formats,
            )
            for number, cells in parser.parse():
                if number > MOST_ROWS:
                    raise self._source.unreadable("xlsx_too_long", row_number=number, limit=MOST_ROWS)
                furthest = max((cell["column"] for cell in cells), default=0)
                if furthest > MOST_COLUMNS:
                    column = {"row_number": number, "column": furthest, "limit": MOST_COLUMNS}
                    raise self._source.unreadable("xlsx_too_wide", **column)
                if (row := _row(number, cells)).values:
                    yield row
            self.merged_ranges = len(parser.merged_cells.mergeCell) if parser.merged_cells else 0


@contextmanager
def open_book(source: Source) -> Iterator[Book]:
    """Raises FileUnreadable for what is no workbook, FileTooLarge by the sizes that its parts state."""
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.styles.stylesheet import apply_stylesheet

    with source.open_random() as file:
        with open_archive(file, source.file_name) as archive:
            _check_sizes(source, archive)
        reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
        reader.read_manifest()
        reader.read_workbook()
        apply_stylesheet(reader.archive, reader.wb)
        with reader.archive:
            yield Book(source, reader.archive, reader)


def _check_sizes(source: Source, archive: ZipFile) -> None:
    """By what the archive's list states, beyond which nothing unpacks."""
    entries = archive.infolist()
    limit = limit_for(source.path.stat().st_size)
    total = sum(entry.file_size for entry in entries)
    if total > limit:
        raise FileTooLarge(file=source.file_name, bytes=total, limit_bytes=limit)
    others = [entry.file_size for entry in entries if not entry.filename.startswith(("xl/worksheets/", "xl/media/"))]
    if max(others, default=0) > LARGEST_PART_BYTES:
        raise FileTooLarge(file=source.file_name, bytes=max(others), limit_bytes=LARGEST_PART_BYTES)


_FORMULA = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}f"
_VALUE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}v"
_STRING = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}si"


def _strings_part(reader: Any) -> str | None:
    from openpyxl.xml.constants import SHARED_STRINGS

    part = reader.package.find(SHARED_STRINGS)
    return part.PartName[1:] if part is not None else None


class _Strings:
    """The workbook's strings by number, read as far as they are asked for: the first rows need the first ones."""

    def __init__(self, archive: ZipFile, part: str | None) -> None:
        self._found: list[str] = []
        self._more = self._read(archive, part) if part else iter(())

    def __getitem__(self, number: int) -> str:
        while number >= len(self._found):
            try:
                self._found.append(next(self._more))
            except StopIteration:
                raise ValueError(f"string {number}") from None
        return self._found[number]

    @staticmethod
    def _read(archive: ZipFile, part: str) -> Iterator[str]:
        from xml.etree.ElementTree import iterparse

        from openpyxl.cell.text import Text

        with archive.open(part) as file:
            for _, node in iterparse(file):
                if node.tag == _STRING:
                    yield Text.from_tree(node).content.replace("x005F_", "")
                    node.clear()


def _row(number: int, cells: list[dict[str, Any]]) -> Cells:
    values: list[Any] = []
    bad_column, bad = 0, ""
    for cell in cells:
        value, column = cell["value"], cell["column"]
        if value is None or value == "":
            continue
        is_bad = cell["data_type"] == "e"
        if is_bad and not bad_column:
            bad_column, bad = column, str(value)[:40]
        values.extend([None] * (column - len(values)))
        values[column - 1] = None if is_bad else _plain(value)
    return Cells(number, values, bad_column, bad)


def _is_json_number(value: float) -> bool:
    """Whether JSON can hold the number: finite, and a whole one in 64 bits. Another stands as the text in the file."""
    return -(2**63) <= value < 2**64 if isinstance(value, int) else value - value == 0


def _plain(value: Any) -> Any:
    """The value as JSON can hold it; dates and times in ISO 8601."""
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)
