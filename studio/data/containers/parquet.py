"""Parquet: a table of typed columns; its own account of its size is read before any of its rows."""

from __future__ import annotations

import base64
import datetime
import decimal
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from studio.data.containers import ContainerExample
from studio.data.headers import column_names
from studio.data.rows import Guess, RawRow
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
            with source.open_random() as raw, pq.ParquetFile(raw, page_checksum_verification=True) as file:
                _check_size(source, file.metadata)
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


def _read_batches(source: Source, file: Any) -> Iterator[RawRow]:
    number = 0
    names = column_names(source, file.schema_arrow.names)
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        if batch.nbytes > LARGEST_BATCH_BYTES:
            raise source.unreadable("parquet_batch_bytes", found=batch.nbytes, limit=LARGEST_BATCH_BYTES)
        columns = [batch.column(i).to_pylist() for i in range(batch.num_columns)]
        for index in range(batch.num_rows):
            number += 1
            cells = [column[index] for column in columns]
            yield _row(number, names, cells)
    if number != file.metadata.num_rows:
        raise source.unreadable("parquet_rows_missing", found=number, expected=file.metadata.num_rows)


def _row(number: int, names: list[str], cells: list[Any]) -> RawRow:
    fields = {}
    for name, cell in zip(names, cells, strict=True):
        try:
            fields[name] = _plain(cell)
        except UnicodeDecodeError as bad:
            shown = {n: _shown(c) for n, c in zip(names, cells, strict=True)}
            raw = str(shown)
            return RawRow(
                number,
                None,
                raw,
                "undecodable",
                name,
                {"byte": f"0x{bad.object[bad.start]:02x}", "position": bad.start + 1},
            )
    return RawRow(number, fields)


def _plain(value: Any) -> Any:
    """The value as JSON can hold it: bytes must be UTF-8, times become ISO 8601, NaN becomes null as in the file's
    own meaning of a missing number."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, datetime.timedelta)):
        return str(value)
    return str(value)


def _shown(value: Any) -> Any:
    return f"base64:{base64.b64encode(value).decode()}" if isinstance(value, bytes) else value


PLUG = Parquet()
