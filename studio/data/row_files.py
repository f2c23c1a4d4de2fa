"""Rows as files that others read: JSON Lines, CSV and Parquet of any format, each row only where the format can say it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import orjson

from studio.data.conversions import convert_record
from studio.data.formats import Format, Record, Row, read_record
from studio.data.records import CONVERSATION, PROMPT_COMPLETION, record_kind
from studio.errors import RowInvalid

JSONL, CSV, PARQUET = "jsonl", "csv", "parquet"
FORMS = (JSONL, CSV, PARQUET)
_FORMULA_STARTS = tuple("=+-@＝＋－＠\t\r\n\0\ufeff")
"""Full-width signs count in Japanese and Chinese spreadsheets; the unseen ones may be skipped before a sign is looked for."""


def find_row(plug: Format, record: Record, form: str) -> Row | None:
    """The row of a record as a file of that form holds it; None where reading it back gives another record."""
    try:
        row = plug.render(record)
        row = flat_row(row) if form == CSV else row
        return row if reads_back(plug, row, record) else None
    except (RowInvalid, KeyError, IndexError, TypeError):
        return None  # a format says only records of its own kinds


def reads_back(plug: Format, row: Row, record: Record) -> bool:
    """Whether a row means its record. Raises RowInvalid where it means none.

    One question with its one reply is the same example as a conversation and as prompt and completion: the loss falls
    on the same tokens, and formats read it as a conversation.
    """
    read = read_record(plug, row)
    if read == record or record_kind(record) != PROMPT_COMPLETION or record_kind(read) != CONVERSATION:
        return read == record
    has_one_reply = sum(message["role"] == "assistant" for message in read["messages"]) == 1
    return has_one_reply and read == convert_record(record, CONVERSATION)


def flat_row(row: Mapping[str, Any]) -> dict[str, str]:
    """Every value as a text: texts as they are, all else as JSON."""
    return {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in row.items()}


def neutral_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection): an apostrophe stands before it."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


class JsonLinesFile:
    """One JSON object a line, UTF-8."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.neutralised = 0

    def write(self, rows: Iterable[Row]) -> None:
        self._file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)

    def close(self) -> None:
        self._file.close()


class CsvFile:
    """Columns as given; cells that begin like a formula are neutralised and counted.

    with_bom: spreadsheet programs take a file with a byte order mark for UTF-8, others may take it for a letter.
    """

    def __init__(self, path: Path, columns: list[str], with_bom: bool) -> None:
        self._file: IO[str] = path.open("w", encoding="utf-8-sig" if with_bom else "utf-8", newline="")
        self._columns = columns
        self._writer = csv.writer(self._file)
        self._writer.writerow([neutral_cell(name) for name in columns])
        self.neutralised = 0

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            flat = flat_row(row)
            cells = [flat.get(name, "") for name in self._columns]
            safe = [neutral_cell(cell) for cell in cells]
            self.neutralised += sum(cell != made for cell, made in zip(cells, safe, strict=True))
            self._writer.writerow(safe)

    def close(self) -> None:
        self._file.close()


class ParquetFile:
    """One typed column a field: texts, numbers, lists of messages; what has no one type lies in it as JSON text."""

    def __init__(self, path: Path, columns: Mapping[str, str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {
            "text": pa.string(),
            "number": pa.float64(),
            "whole": pa.int64(),
            "bool": pa.bool_(),
            "texts": pa.list_(pa.string()),
            "messages": pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
            "json": pa.string(),
        }
        self._columns = dict(columns)
        self._schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self.neutralised = 0

    def write(self, rows: Iterable[Row]) -> None:
        """rows: as `typed_row` makes them."""
        import pyarrow as pa

        held = list(rows)
        values = {name: [row.get(name) for row in held] for name in self._columns}
        self._writer.write_table(pa.table(values, self._schema))

    def close(self) -> None:
        self._writer.close()


_SPEAKERS: Mapping[str, str] = {
    "prompt": "user",
    "completion": "assistant",
    "chosen": "assistant",
    "rejected": "assistant",
}
"""Whose words a plain text in these columns is, where other rows have lists of messages in them."""


def typed_row(row: Row, columns: Mapping[str, str]) -> Row:
    """The row as its columns hold it. columns: as `Columns.kinds` says."""
    return {name: _typed(name, value, columns[name]) for name, value in row.items()}


def _typed(name: str, value: Any, kind: str) -> Any:
    if value is None or kind not in ("json", "messages"):
        return value
    if isinstance(value, str) and name in _SPEAKERS:
        value = [{"role": _SPEAKERS[name], "content": value}]
    return orjson.dumps(value).decode() if kind == "json" else value


class Columns:
    """The columns of all rows and, for a file of types, what each holds. Rows are shown to it before the first is written."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}

    def add(self, row: Row) -> None:
        for name, value in row.items():
            if value is None:
                self._kinds.setdefault(name, "nothing")
                continue
            kind, before = _kind_of(value), self._kinds.get(name, "nothing")
            if before == "nothing" or before == kind:
                self._kinds[name] = kind
            else:
                self._kinds[name] = self._common(name, {before, kind})

    @staticmethod
    def _common(name: str, kinds: set[str]) -> str:
        if kinds == {"number", "whole"}:
            return "number"
        return "messages" if kinds == {"text", "messages"} and name in _SPEAKERS else "json"

    def names(self) -> list[str]:
        return list(self._kinds)

    def kinds(self) -> dict[str, str]:
        return {name: "text" if kind == "nothing" else kind for name, kind in self._kinds.items()}


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "whole" if abs(value) < 2**63 else "json"
    for kind, type_ in (("text", str), ("number", float)):
        if isinstance(value, type_):
            return kind
    if isinstance(value, list) and value:
        if all(isinstance(item, str) for item in value):
            return "texts"
        if all(isinstance(item, dict) and item.keys() == {"role", "content"} for item in value):
            return "messages"
    return "json"


def open_row_file(path: Path, form: str, columns: Columns, with_bom: bool) -> JsonLinesFile | CsvFile | ParquetFile:
    """A file of one of FORMS, to be written in batches and closed."""
    made: dict[str, Callable[[], JsonLinesFile | CsvFile | ParquetFile]] = {
        JSONL: lambda: JsonLinesFile(path),
        CSV: lambda: CsvFile(path, columns.names(), with_bom),
        PARQUET: lambda: ParquetFile(path, columns.kinds()),
    }
    return made[form]()
