"""Parquet: a table of typed columns; its own account of its size is read before any of its rows."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from studio.data.containers import ContainerExample
from studio.data.headers import column_names
from studio.data.packing import limit_for
from studio.data.rows import LONGEST_ROW_BYTES, Guess, RawRow
from studio.errors import FileTooLarge
from studio.words import Text

if TYPE_CHECKING:
    from studio.data.files import Head, Source

MOST_ROWS = 20_000_000
MOST_COLUMNS = 1_000
LARGEST_GROUP_BYTES = 2 * 1024**3
"""Of one row group, uncompressed: that much may lie in memory at once."""

LARGEST_BATCH_BYTES = 512 * 1024**2
"""A dictionary can say one long value a million times in a few bytes: what really came out is looked at too."""

_BATCH_ROWS = 256
_NOT_FINITE = "numbers_not_finite"


class Parquet:
    name = "parquet"
    title = Text(en="Parquet", ja="Parquet")
    summary = Text(
        en="A table of typed columns, as Hugging Face datasets are published.",
        ja="型のある列からなる表。Hugging Face のデータセットの公開形式です。",
    )
    example = ContainerExample(
        "greetings.parquet",
        None,
        ({"prompt": "Hello", "completion": "Good morning"}, {"prompt": "こんにちは", "completion": "おはよう"}),
    )
    choices = ()

    def guess(self, head: Head) -> Guess:
        """Known by the mark in its first bytes, before anything is taken for text."""
        return Guess(self.name, 0.0, "container_name", {"suffix": head.suffix})

    def guess_choice(self, name: str, head: Head, source: Source) -> Guess:
        raise KeyError(name)  # there is none

    def read(self, source: Source) -> Iterator[RawRow]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with source.open_random() as raw, pq.ParquetFile(raw) as file:
                _check_size(source, file.metadata)
                kept = _repeating_columns(file.metadata)
            with (
                source.open_random() as raw,
                pq.ParquetFile(raw, read_dictionary=kept, page_checksum_verification=True) as file,
            ):
                source.total_rows = file.metadata.num_rows
                yield from _read_batches(source, file)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as problem:
            found = str(problem).splitlines()[0][:300] if str(problem) else type(problem).__name__
            raise source.unreadable("parquet_damaged", found=found) from problem


def _check_size(source: Source, metadata: Any) -> None:
    if metadata.num_rows > MOST_ROWS:
        raise source.unreadable("parquet_rows", found=metadata.num_rows, limit=MOST_ROWS)
    if metadata.num_columns > MOST_COLUMNS:
        raise source.unreadable("parquet_columns", found=metadata.num_columns, limit=MOST_COLUMNS)
    largest = max((metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)), default=0)
    if largest > LARGEST_GROUP_BYTES:
        raise source.unreadable("parquet_group_bytes", found=largest, limit=LARGEST_GROUP_BYTES)


def _repeating_columns(metadata: Any) -> list[str]:
    """Columns whose texts may stand many times in the memory though once in the file: they are kept as numbers of
    texts until it is known how much a batch of them comes to."""
    found = set()
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            is_text = column.physical_type == "BYTE_ARRAY" and column.has_dictionary_page
            if is_text and column.total_uncompressed_size * _BATCH_ROWS > LARGEST_BATCH_BYTES:
                found.add(column.path_in_schema)
    return sorted(found)


def _read_batches(source: Source, file: Any) -> Iterator[RawRow]:
    number, total, limit = 0, 0, limit_for(source.path.stat().st_size)
    names = column_names(source, file.schema_arrow.names)
    met: Counter[str] = Counter()
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        size = sum(_expanded_bytes(column) for column in batch.columns)
        if size > LARGEST_BATCH_BYTES:
            raise source.unreadable("parquet_batch_bytes", found=size, limit=LARGEST_BATCH_BYTES)
        total += size
        if total > limit:
            raise FileTooLarge(file=source.file_name, bytes=total, limit_bytes=limit)
        columns = [_values(column) for column in batch.columns]
        for index in range(batch.num_rows):
            number += 1
            yield _row(number, names, [column[index] for column in columns], size > LONGEST_ROW_BYTES, met)
        if number > MOST_ROWS:
            raise source.unreadable("parquet_rows", found=number, limit=MOST_ROWS)
    expected = file.metadata.num_rows
    if number < expected:
        raise source.unreadable("parquet_rows_missing", found=number, expected=expected)
    if number > expected:
        source.notices.append(("parquet_more_rows", {"found": number, "expected": expected}))
    if met[_NOT_FINITE]:
        source.notices.append((_NOT_FINITE, {"count": met[_NOT_FINITE]}))


def _expanded_bytes(column: Any) -> int:
    """What a column takes when each of its texts is written out."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        import pyarrow.compute as pc  # a fifth of a second, and few files need it

        lengths = pc.binary_length(column.dictionary)
        return (pc.sum(lengths.take(column.indices)).as_py() or 0) + column.indices.nbytes
    if pa.types.is_struct(column.type):
        return sum(_expanded_bytes(part) for part in column.flatten())
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type) or pa.types.is_map(column.type):
        return _expanded_bytes(column.flatten() if not pa.types.is_map(column.type) else column.items)
    return column.nbytes


def _values(column: Any) -> list[Any]:
    """The column's values; in place of one that Python cannot hold, such as a date in the year 200,000, its fault."""
    try:
        return column.to_pylist()
    except (OverflowError, ValueError):
        return [_value(item) for item in column]


def _value(item: Any) -> Any:
    try:
        return item.as_py()
    except (OverflowError, ValueError) as problem:
        return problem


def _row(number: int, names: list[str], cells: list[Any], is_long: bool, met: Counter[str]) -> RawRow:
    """is_long: the row may be longer than a row may be, so that it is worth measuring. met: counts of what is told at
    the end of the file."""
    fields = {}
    for name, cell in zip(names, cells, strict=True):
        try:
            if isinstance(cell, Exception):
                raise cell
            fields[name] = _plain(cell, met)
        except UnicodeDecodeError as bad:
            values = {"byte": f"0x{bad.object[bad.start]:02x}", "position": bad.start + 1}
            return RawRow(number, None, _shown(names, cells), "undecodable", name, values)
        except (OverflowError, ValueError) as problem:
            return RawRow(number, None, _shown(names, cells), "parquet_value", name, {"found": str(problem)[:100]})
    if is_long and len(orjson.dumps(fields)) > LONGEST_ROW_BYTES:
        return RawRow(number, None, _shown(names, cells), "row_too_long", None, {"limit_bytes": LONGEST_ROW_BYTES})
    return RawRow(number, fields)


def _plain(value: Any, met: Counter[str]) -> Any:
    """The value as JSON can hold it: bytes must be UTF-8, times become ISO 8601; NaN becomes null, as in the file's
    own meaning of a missing number, and is counted."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        met[_NOT_FINITE] += 1
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, dict):
        return {str(key): _plain(item, met) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, met) for item in value]
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)


def _shown(names: list[str], cells: list[Any]) -> bytes:
    """A refused row as it can be mended: JSON, with bytes that are no text as `\\x96`, and null for what is no value."""
    return orjson.dumps(_told(dict(zip(names, cells, strict=True))), default=str)


def _told(value: Any) -> Any:
    if isinstance(value, UnicodeDecodeError):
        value = value.object
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {str(key): _told(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_told(item) for item in value]
    return None if isinstance(value, Exception) else value


PLUG = Parquet()
