"""A refused row read once more, after a person has changed its text: as a row of its file, or as the record itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from studio.data.formats import FORMATS, Row, read_record
from studio.data.json_values import JsonRefused, read_object
from studio.data.mapped import Mapped
from studio.data.mapping import read_mapping
from studio.data.records import check_record
from studio.data.rows import LONGEST_ROW_BYTES
from studio.data.understanding import Reader, keep_aside, tags_of
from studio.errors import RowInvalid


@dataclass(frozen=True)
class Reading:
    """How the rows of a dataset were read at its import. kind: of its records. reader: None where it is not known."""

    kind: str
    container: str | None = None
    delimiter: str = ","
    quoting: str = "doubled"
    columns: tuple[str, ...] = ()
    reader: Reader | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any], kind: str) -> Reading:
        """kept: as the import wrote it; empty for a dataset that an older version has imported."""
        reader: Reader | None = None
        if kept.get("mapping") is not None:
            reader = Mapped(read_mapping(kept["mapping"]))
        elif kept.get("format") in FORMATS:
            reader = FORMATS[kept["format"]]
        return cls(
            kind=kind,
            container=kept.get("container"),
            delimiter=kept.get("delimiter") or ",",
            quoting=kept.get("quoting") or "doubled",
            columns=tuple(kept.get("columns") or ()),
            reader=reader,
        )


@dataclass(frozen=True)
class Mended:
    """record: what was understood; None: why not, as of a refused row. text: the row as it is best changed: JSON, with
    the names of its columns, where its fields could be told apart. aside: the fields of the row that its record does
    not hold; tags: what it is tagged with, as its import would have had both."""

    record: dict[str, Any] | None
    text: str
    cause: str = ""
    field: str | None = None
    values: Mapping[str, Any] | None = None
    aside: Mapping[str, Any] | None = None
    tags: tuple[str, ...] = ()


def mend(reading: Reading, text: str, as_record: bool = False) -> Mended:
    """Try to understand a text."""
    try:
        row = _fields(reading, text, as_record)
    except JsonRefused as refused:
        return Mended(None, text, refused.cause, refused.field, refused.values)
    except RowInvalid as problem:
        return _refused(problem, text)
    shown = text if text.lstrip().startswith("{") else orjson.dumps(row, option=orjson.OPT_INDENT_2).decode()
    if as_record:
        problems = [dict(problem) for problem in check_record(row)]
        if problems:
            return Mended(None, shown, problems[0].pop("code"), problems[0].pop("field"), problems[0])
        return Mended(row, shown)
    if reading.reader is None:
        return Mended(None, shown, "reading_unknown")
    reader = reading.reader
    try:
        inner = reader.unfold(row)
        if len(inner) != 1:
            return Mended(None, shown, "rows_within", None, {"count": len(inner)})
        record, aside = read_record(reader, inner[0]), keep_aside(reader, inner[0])
        return Mended(record, shown, aside=aside, tags=tuple(tags_of(reader, inner[0])))
    except RowInvalid as problem:
        return _refused(problem, shown)


def _refused(problem: RowInvalid, text: str) -> Mended:
    values = dict(problem.values)
    values.pop("row", None)
    return Mended(None, text, values.pop("cause"), values.pop("field"), values)


def _fields(reading: Reading, text: str, as_record: bool) -> Row:
    """The row's fields. Raises JsonRefused and RowInvalid."""
    if as_record or text.lstrip().startswith("{") or reading.container in ("json", "jsonl", "parquet", "xlsx", None):
        return read_object(text.strip().encode("utf-8", "surrogatepass"))
    if reading.container == "text":
        return {"text": text}
    csv.field_size_limit(LONGEST_ROW_BYTES)
    quote = {"single": "'", "none": None}.get(reading.quoting, '"')
    try:
        lines = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=reading.delimiter,
            quotechar=quote,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            doublequote=reading.quoting != "escaped",
            escapechar="\\" if reading.quoting == "escaped" else None,
            strict=True,
        )
        rows = [cells for cells in lines if cells]
    except csv.Error:
        raise RowInvalid(row=None, field=None, cause="csv_quote_open", line=1) from None
    if len(rows) > 1:
        raise RowInvalid(row=None, field=None, cause="rows_within", count=len(rows))
    cells = rows[0] if rows else []
    while len(cells) > len(reading.columns) and not cells[-1]:
        cells.pop()
    if len(cells) != len(reading.columns):
        cause = "csv_too_many_cells" if len(cells) > len(reading.columns) else "csv_too_few_cells"
        raise RowInvalid(row=None, field=None, cause=cause, line=1, found=len(cells), expected=len(reading.columns))
    return dict(zip(reading.columns, cells, strict=True))
