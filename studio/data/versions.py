"""Versions: the rows and splits of a dataset, frozen in a Parquet file that is named by its content."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from studio.errors import FileUnreadable

FORMAT = 1
SUFFIX = ".parquet"
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_FORMAT_KEY = b"whetstone.format"
_INFO_KEY = b"whetstone.version"
_ABOUT_KEY = b"whetstone.about"
_BATCH_ROWS = 2_000


class VersionRow(NamedTuple):
    """One record of a version. split: train or held_out; split_key: 0..1."""

    row_id: int
    kind: str
    record: dict[str, Any]
    split: str
    split_key: float


class FrozenRow(NamedTuple):
    """The same with the record as JSON text, as it is written."""

    row_id: int
    kind: str
    record: str
    split: str
    split_key: float


@dataclass(frozen=True)
class VersionInfo:
    """What a version file says of itself. kinds: rows by kind."""

    fingerprint: str
    rows: int
    held_out: int
    kinds: dict[str, int]


def is_fingerprint(text: object) -> bool:
    return isinstance(text, str) and _FINGERPRINT.fullmatch(text) is not None


def version_path(workspace: Path, fingerprint: str) -> Path:
    return workspace / "versions" / f"{fingerprint}{SUFFIX}"


def version_info(path: Path) -> VersionInfo:
    """Raises FileUnreadable. Reads the file's metadata only."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path).metadata or {}
        if int(metadata[_FORMAT_KEY]) > FORMAT:
            raise FileUnreadable(file=path.name, row=None, cause="version_newer")
        return VersionInfo(**orjson.loads(metadata[_INFO_KEY]))
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as problem:
        raise FileUnreadable(file=path.name, row=None, cause="version_damaged") from problem


def read_about(path: Path) -> dict[str, Any]:
    """The dataset's facts (split, card, mapping …) and source when the version was saved; {} of an older one.

    Raises FileUnreadable.
    """
    import pyarrow.parquet as pq

    version_info(path)
    return orjson.loads((pq.read_metadata(path).metadata or {}).get(_ABOUT_KEY, b"{}"))


def read_version(path: Path) -> Iterator[VersionRow]:
    """The records of a version in order, in batches of bounded memory. Raises FileUnreadable."""
    try:
        for row_id, kind, record, split, split_key in read_frozen(path):
            yield VersionRow(row_id, kind, orjson.loads(record), split, split_key)
    except ValueError as problem:
        raise FileUnreadable(file=path.name, row=None, cause="version_damaged") from problem


def read_frozen(path: Path) -> Iterator[FrozenRow]:
    """The same with the records as text. Raises FileUnreadable."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    version_info(path)
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(FrozenRow._fields)):
                columns = [batch.column(name).to_pylist() for name in FrozenRow._fields]
                yield from map(FrozenRow, *columns)
    except (OSError, pa.ArrowException, ValueError) as problem:
        raise FileUnreadable(file=path.name, row=None, cause="version_damaged") from problem


class VersionWriter:
    """Writes rows into `<part>` and, when all are there, gives the file the name of its content.

    The fingerprint covers id, kind, record and split of every row in order, so that the same rows on the same sides
    are the same version, however often they are saved. The ids are part of it because what is compared and restored is
    found by them: two datasets that say the same under other ids each have a file of their own.
    """

    def __init__(self, part: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._part = part
        self._schema = pa.schema(
            [
                ("row_id", pa.int64()),
                ("kind", pa.string()),
                ("record", pa.string()),
                ("split", pa.string()),
                ("split_key", pa.float64()),
            ]
        )
        self._writer = pq.ParquetWriter(part, self._schema, compression="zstd")
        self._hash = hashlib.blake2b(digest_size=16)
        self._rows = self._held_out = 0
        self._kinds: dict[str, int] = {}

    def write(self, rows: Iterable[FrozenRow]) -> None:
        """One row group."""
        import pyarrow as pa

        held = list(rows)
        if not held:
            return
        for row in held:
            text = f"{row.row_id}\n{row.kind}\n{row.split}\n{row.record}\n".encode()
            self._hash.update(len(text).to_bytes(8, "big") + text)
            self._kinds[row.kind] = self._kinds.get(row.kind, 0) + 1
            self._held_out += row.split == "held_out"
        self._rows += len(held)
        self._writer.write_table(
            pa.table(dict(zip(FrozenRow._fields, zip(*held, strict=True), strict=True)), self._schema)
        )

    def finish(self, folder: Path, about: Mapping[str, Any] | None = None) -> VersionInfo:
        """Sync, and name the file by its fingerprint in `folder`. A file that is there already is left as it is.

        about: what else was true of the dataset, kept in the file's metadata; no part of the fingerprint.
        """
        info = VersionInfo(self._hash.hexdigest(), self._rows, self._held_out, self._kinds)
        self._writer.add_key_value_metadata(
            {
                _FORMAT_KEY.decode(): str(FORMAT),
                _INFO_KEY.decode(): orjson.dumps(info).decode(),
                _ABOUT_KEY.decode(): orjson.dumps(dict(about or {})).decode(),
            }
        )
        self._writer.close()
        target = folder / f"{info.fingerprint}{SUFFIX}"
        if target.exists():
            self._part.unlink()
            return info
        for path in (self._part, folder):
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
            if path == self._part:
                self._part.rename(target)
        return info

    def abandon(self) -> None:
        """Leave nothing behind; safe after `finish`."""
        self._writer.close()
        self._part.unlink(missing_ok=True)
