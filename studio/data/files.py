"""A file as the containers see it: opened, unpacked where it is packed, with what was decided about it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple, cast

from studio.data.packing import Unpacked, open_member, open_single, unpack_to_disk
from studio.errors import FileUnreadable

_BUFFER_BYTES = 1024 * 1024
_LOOK_BYTES = 8 * 1024**2
_LOOKS = 24
_LOOK_PIECE_BYTES = 256 * 1024


class Piece(NamedTuple):
    """Bytes out of a file. cut_start, cut_end: a character may be torn there."""

    data: bytes
    cut_start: bool
    cut_end: bool


def content_hash(path: Path) -> str:
    """32 hexadecimal digits of BLAKE2b over the bytes of a file, by which the same file is known again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


@dataclass(frozen=True)
class Head:
    """The start of a file, as the containers look at it. complete: the file ends within it."""

    file_name: str
    data: bytes
    text: str
    complete: bool

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.file_name).suffix.lower()


@dataclass
class Source:
    """A file that is being read.

    inner_name: by which its kind is guessed: without `.gz`, or the name inside an archive. packing: gzip, bzip2 or zip.
    choices: what else was decided, by name: delimiter, sheet …. notices: (code, values) that a container met on the
    way, worded under `notice.<code>`.
    """

    path: Path
    file_name: str
    inner_name: str
    packing: str | None = None
    member: str | None = None
    container: str | None = None
    encoding: str = "utf-8"
    choices: dict[str, str] = field(default_factory=dict)
    notices: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    total_rows: int | None = None
    _file: io.RawIOBase | None = field(default=None, init=False)

    @property
    def delimiter(self) -> str | None:
        return self.choices.get("delimiter")

    def open(self) -> BinaryIO:
        """The bytes of the file, unpacked; to be read forwards. Raises FileTooLarge and FileUnreadable as it is read."""
        raw = self._open_raw()
        self._file = raw
        return io.BufferedReader(raw, _BUFFER_BYTES)

    def open_random(self) -> BinaryIO:
        """The same for a reader that jumps about: a packed file is unpacked onto the disk first."""
        if self.packing is None:
            return self.open()
        with self.open() as packed:
            return cast(BinaryIO, unpack_to_disk(packed, self.path))

    def size_bytes(self) -> int | None:
        """How long the file is, where that is known without unpacking it."""
        return self.path.stat().st_size if self.packing is None else None

    def bytes_read(self) -> int:
        """How far reading has come in the file as it lies on the disk, for the progress bar; 0 while it is not open."""
        if self._file is None or self._file.closed:
            return 0
        return self._file.packed_bytes_read() if isinstance(self._file, Unpacked) else self._file.tell()

    def looks(self) -> Iterator[Piece]:
        """The first bytes, then pieces from all over the file; of a packed file, which has no middle, the start alone.

        Bounded, so that a look at two gigabytes takes no longer than one at ten megabytes.
        """
        with self.open() as file:
            position = 0
            while position < _LOOK_BYTES and (data := file.read(_BUFFER_BYTES)):
                yield Piece(data, position > 0, bool(file.peek(1)))
                position += len(data)
            size = self.size_bytes()
            if size is None or position >= size:
                return
            last = max(position, size - _LOOK_PIECE_BYTES)
            step = max(_LOOK_PIECE_BYTES, -(-(last - position) // (_LOOKS - 1)))
            for start in [*range(position, last, step), last]:
                file.seek(start)
                yield Piece(file.read(_LOOK_PIECE_BYTES), True, start < last)

    def unreadable(self, cause: str, **values: Any) -> FileUnreadable:
        return FileUnreadable(file=self.file_name, row=values.pop("row", None), cause=cause, **values)

    def _open_raw(self) -> io.RawIOBase:
        if self.packing is None:
            return cast(io.RawIOBase, self.path.open("rb", buffering=0))
        if self.packing == "zip":
            return open_member(self.path, str(self.member), self.file_name)
        return open_single(self.path, self.packing, self.file_name)
