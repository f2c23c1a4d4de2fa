"""CSV and TSV: a table of text whose first row names the columns."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from studio.data.containers import ContainerExample
from studio.data.headers import column_names, guess_header, numbered_names
from studio.data.lines import find_undecodable, iterate_text_lines
from studio.data.rows import LONGEST_ROW_BYTES, Guess, RawRow
from studio.words import Text

if TYPE_CHECKING:
    from studio.data.files import Head, Source

_MOST_LINES_IN_A_ROW = 10_000
"""A quote that never closes would take in the whole rest of a file: past this many lines it is called unclosed."""

_SAMPLE_ROWS = 50
DELIMITERS = (",", "\t", ";", "|")
_QUOTING: dict[str, dict[str, Any]] = {
    "doubled": {"quotechar": '"'},
    "escaped": {"quotechar": '"', "escapechar": "\\"},
    "single": {"quotechar": "'"},
    "none": {"quoting": csv.QUOTE_NONE},
}
QUOTINGS = tuple(_QUOTING)
"""How a cell may hold a delimiter: in double quotes, themselves doubled or after a backslash; in single ones; not."""


class Csv:
    name = "csv"
    title = Text(en="CSV or TSV", ja="CSV または TSV")
    summary = Text(
        en="A table with the names of its columns in the first row, separated by commas, tabs, semicolons or bars.",
        ja="1 行目が列名の表。区切りはカンマ、タブ、セミコロン、縦棒のいずれか。",
    )
    example = ContainerExample(
        "greetings.csv",
        'prompt,completion\r\nHello,"Good morning, and\nwelcome"\r\nこんにちは,おはよう\r\n'.encode(),
        (
            {"prompt": "Hello", "completion": "Good morning, and\nwelcome"},
            {"prompt": "こんにちは", "completion": "おはよう"},
        ),
    )
    choices = ("delimiter", "quoting", "header")

    def guess(self, head: Head) -> Guess:
        if head.suffix in (".csv", ".tsv", ".tab"):
            return Guess(self.name, 0.87, "container_name", {"suffix": head.suffix})
        share, columns, rows = max(_consistency(head, delimiter) for delimiter in DELIMITERS)
        if columns > 1 and rows > 1 and share >= 0.9:
            # Prose has commas too, but hardly as many in every line of a file that calls itself text.
            is_table = rows > 2 and _consistency(head, "\t")[0] >= 1
            confidence = 0.88 if is_table else 0.5
            return Guess(self.name, confidence, "container_columns", {"columns": columns, "rows": rows})
        return Guess(self.name, 0.4, "container_text", {})

    def guess_choice(self, name: str, head: Head, source: Source) -> Guess:
        if name == "delimiter":
            return _guess_delimiter(head)
        delimiter = source.choices["delimiter"]
        if name == "quoting":
            return _guess_quoting(head, delimiter)
        return guess_header(_sample_rows(head, delimiter, source.choices["quoting"])[0])

    def read(self, source: Source) -> Iterator[RawRow]:
        records = _Records(source)
        names: list[str] | None = None
        if source.choices.get("header", "first_row") == "first_row":
            header = next(records, None)
            if header is None or header.cells is None:
                raise source.unreadable("csv_header", row=1)
            names = _header_names(source, header.cells)
        for number, record in enumerate(records, 1):
            if names is None and record.cells is not None:
                names = numbered_names(len(record.cells))
                source.notices.append(("columns_numbered", {"columns": len(names)}))
            yield _row(number, record, names or [])
        if records.blank:
            source.notices.append(("blank_lines", {"count": records.blank}))


class _Record:
    """The cells of a row, or the cause why its line is refused."""

    __slots__ = ("cause", "cells", "line", "text")

    def __init__(self, line: int, text: str, cells: list[str] | None, cause: str | None = None) -> None:
        self.line = line
        self.text = text
        self.cells = cells
        self.cause = cause


class _Records:
    """Rows of cells. Where quoting breaks, one line is refused and reading goes on with the line after it.

    Without that, one quote too many would swallow every row up to the next quote, or to the end of the file.
    """

    def __init__(self, source: Source) -> None:
        csv.field_size_limit(LONGEST_ROW_BYTES)
        self.blank = 0
        self._lines = iterate_text_lines(source, newline="")
        self._again: deque[str | None] = deque()
        self._delimiter = source.choices.get("delimiter", ",")
        self._quoting = _QUOTING[source.choices.get("quoting", "doubled")]
        self._held: list[str] = []
        self._line = 0
        self._stopped_by: str | None = None
        self._reader = self._new_reader()

    def _new_reader(self) -> Any:
        return csv.reader(self._feed(), delimiter=self._delimiter, strict=True, **self._quoting)

    def _feed(self) -> Iterator[str]:
        """Physical lines for the parser; it is stopped by a line that is too long, and inside an endless quote."""
        while True:
            if len(self._held) >= _MOST_LINES_IN_A_ROW:
                self._stopped_by = "csv_quote_open"
                return
            line = self._again.popleft() if self._again else next(self._lines, "")
            if line == "":
                return
            if line is None:
                self._stopped_by = "row_too_long"
                return
            self._held.append(line)
            yield line

    def __iter__(self) -> _Records:
        return self

    def __next__(self) -> _Record:
        while True:
            try:
                cells = next(self._reader)
            except StopIteration:
                if self._stopped_by is None and not self._held:
                    raise
                return self._refused(self._stopped_by or "csv_quote_open")
            except csv.Error as problem:
                open_quote = "unexpected end" in str(problem)
                return self._refused(self._stopped_by or ("csv_quote_open" if open_quote else "csv_quote"))
            line, text = self._line + 1, "".join(self._held)
            self._line += len(self._held)
            self._held.clear()
            if cells:
                return _Record(line, text, cells)
            self.blank += 1

    def _refused(self, cause: str) -> _Record:
        """Refuse the line where the row began, and give the lines after it back to be read on their own."""
        self._reader = self._new_reader()
        self._stopped_by = None
        self._line += 1
        if cause == "row_too_long":
            # The lines held before the long one are rows of their own, which an open quote had taken in.
            text = self._held[0] if self._held else ""
            again: list[str | None] = [*self._held[1:], None] if self._held else []
            cause = "csv_quote_open" if self._held else cause
        else:
            text = self._held[0]
            again = list(self._held[1:])
        self._again.extendleft(reversed(again))
        self._held.clear()
        return _Record(self._line, text, None, cause)


def _row(number: int, record: _Record, names: list[str]) -> RawRow:
    values: dict[str, Any] = {"line": record.line}
    if record.cells is None:
        return RawRow(number, None, record.text, record.cause, None, values | {"limit_bytes": LONGEST_ROW_BYTES})
    cells = record.cells
    if not record.text.isascii() and (bad := find_undecodable(record.text)):
        field = next((n for n, cell in zip(names, cells, strict=False) if find_undecodable(cell)), None)
        return RawRow(number, None, record.text, "undecodable", field, values | {"byte": bad[0], "position": bad[1]})
    while len(cells) > len(names) and not cells[-1]:
        cells.pop()
    if len(cells) != len(names):
        cause = "csv_too_many_cells" if len(cells) > len(names) else "csv_too_few_cells"
        return RawRow(number, None, record.text, cause, None, values | {"found": len(cells), "expected": len(names)})
    return RawRow(number, dict(zip(names, cells, strict=True)), record.text)


def _header_names(source: Source, header: list[str]) -> list[str]:
    cells = [cell.strip() for cell in header]
    while cells and not cells[-1]:
        cells.pop()
    if not cells or any(find_undecodable(cell) for cell in cells):
        raise source.unreadable("csv_header", row=1)
    return column_names(source, cells)


def _guess_delimiter(head: Head) -> Guess:
    """The delimiter that splits the first rows into the same number of columns, most of them, more than one."""
    scored = [(_consistency(head, delimiter), delimiter) for delimiter in DELIMITERS]
    (share, columns, rows), delimiter = max(scored, key=lambda item: item[0][0])
    if columns < 2:
        fallback = "\t" if head.suffix in (".tsv", ".tab") else ","
        return Guess(fallback, 0.3, "delimiter_one_column", {}, DELIMITERS)
    return Guess(delimiter, min(share, 1.0), "delimiter_consistent", {"columns": columns, "rows": rows}, DELIMITERS)


def _guess_quoting(head: Head, delimiter: str) -> Guess:
    """Double quotes unless another way reads the first rows with fewer faults, and there is a sign of that way."""
    text = "\n".join(head.text.splitlines()[: _SAMPLE_ROWS * 10])
    faults = {name: _count_faults(head, delimiter, name) for name in QUOTINGS}
    if '\\"' in text and faults["escaped"] < faults["doubled"]:
        return Guess("escaped", 0.9, "quoting_escaped", {"faults": faults["doubled"]}, QUOTINGS)
    wrapped = {quote: _count_wrapped(text, delimiter, quote) for quote in "\"'"}
    if wrapped["'"] > 1 and not wrapped['"'] and faults["single"] <= faults["doubled"]:
        return Guess("single", 0.8, "quoting_single", {"count": wrapped["'"]}, QUOTINGS)
    if not wrapped['"'] and faults["doubled"] > faults["none"] + 1:
        return Guess("none", 0.8, "quoting_none", {"faults": faults["doubled"]}, QUOTINGS)
    if wrapped['"']:
        return Guess("doubled", 0.9, "quoting_doubled", {"count": wrapped['"']}, QUOTINGS)
    return Guess("doubled", 0.6, "quoting_usual", {}, QUOTINGS)


def _count_wrapped(text: str, delimiter: str, quote: str) -> int:
    """Cells that a pair of quotes opens and closes."""
    edge = re.escape(delimiter)
    return len(re.findall(rf"(?:^|{edge}){quote}[^{quote}]*{quote}(?={edge}|$)", text, re.MULTILINE))


def _count_faults(head: Head, delimiter: str, quoting: str) -> int:
    """Rows among the first ones that break, or have another number of cells than the first."""
    rows, broken = _sample_rows(head, delimiter, quoting)
    return sum(len(row) != len(rows[0]) for row in rows) + broken


def _sample_rows(head: Head, delimiter: str, quoting: str) -> tuple[list[list[str]], int]:
    """The first rows, and how many lines broke on the way."""
    lines = iter(head.text.splitlines(keepends=True)[: _SAMPLE_ROWS * 10])
    rows: list[list[str]] = []
    broken = 0
    while len(rows) + broken < _SAMPLE_ROWS:
        try:
            for cells in csv.reader(lines, delimiter=delimiter, strict=True, **_QUOTING[quoting]):
                rows += [cells] if cells else []
                if len(rows) >= _SAMPLE_ROWS:
                    break
            break
        except csv.Error:
            broken += 1
    return rows, broken


def _consistency(head: Head, delimiter: str) -> tuple[float, int, int]:
    """Share of the first rows that have the header's number of columns, that number, and the rows looked at.

    A small bonus for more columns settles ties: prose holds commas in every row too.
    """
    lines = head.text.splitlines(keepends=True)[: _SAMPLE_ROWS * 10]
    rows = []
    try:
        for cells in csv.reader(iter(lines), delimiter=delimiter):
            if cells:
                rows.append(len(cells))
            if len(rows) >= _SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    if not rows or rows[0] < 2:
        return 0.0, 1, len(rows)
    same = sum(count == rows[0] for count in rows) / len(rows)
    return same + min(rows[0], 50) / 1000, rows[0], len(rows)


PLUG = Csv()
