"""Files inside compressed files: read as they unpack, never whole in memory, and never further than their limit."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from studio.errors import FileTooLarge, FileUnreadable, StudioError

LARGEST_UNPACKED_BYTES = 16 * 1024**3
"""Of all that one file unpacks to; eight times the largest upload unless the operator raised that."""

MOST_TIMES_LARGER = 250
"""Text packs to a tenth or a twentieth of its size; a bomb to a thousandth and less."""

ALWAYS_ALLOWED_BYTES = 64 * 1024**2
"""A small file of one letter packs far better than text, and hurts nobody."""

MOST_FILES = 10_000
_DIRECTORY_BYTES = 4 * 1024**2
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_SUFFIXES = {"gzip": (".gz", ".gzip"), "bzip2": (".bz2",)}
_LEFT_OUT = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")
# Controls, and the marks that turn the direction of writing, by which one name passes for another.
_UNSAFE = re.compile("[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BROKEN = (
    EOFError,
    OSError,
    zlib.error,
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    struct.error,
    ValueError,
)


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a packed file. Raises FileTooLarge past its limit, FileUnreadable where it is damaged."""

    def __init__(self, stream: IO[bytes], below: BinaryIO, file_name: str, limit_bytes: int) -> None:
        super().__init__()
        self._stream = stream
        self._below = below
        self._file_name = file_name
        self._limit_bytes = limit_bytes
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except StudioError:
            raise
        except _BROKEN as problem:
            raise damaged(self._file_name, problem) from problem
        self._at += len(data)
        if self._at > self._limit_bytes:
            raise FileTooLarge(file=self._file_name, bytes=self._at, limit_bytes=self._limit_bytes)
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Back to near the start, as the readers do after a look at it; a seek from the end would unpack everything."""
        if whence == io.SEEK_SET:
            self._at = self._stream.seek(offset)
        elif whence != io.SEEK_CUR or offset:
            raise io.UnsupportedOperation("seek")
        return self._at

    def tell(self) -> int:
        return self._at

    def packed_bytes_read(self) -> int:
        """How far the packed file has been read, for the progress bar."""
        return 0 if self._below.closed else self._below.tell()

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._below.close()
        super().close()


def limit_for(packed_bytes: int) -> int:
    """How far a file of so many bytes may unpack."""
    return min(LARGEST_UNPACKED_BYTES, max(ALWAYS_ALLOWED_BYTES, MOST_TIMES_LARGER * packed_bytes))


def damaged(file_name: str, problem: BaseException) -> FileUnreadable:
    return FileUnreadable(file=file_name, row=None, cause="packing_damaged", found=str(problem)[:200] or "—")


def open_single(path: Path, packing: str, file_name: str) -> Unpacked:
    """The content of a .gz or .bz2 file. packing: gzip or bzip2."""
    below = path.open("rb")
    stream = gzip.GzipFile(fileobj=below) if packing == "gzip" else bz2.BZ2File(below)
    return Unpacked(stream, below, file_name, limit_for(path.stat().st_size))


def open_member(path: Path, member: str, file_name: str) -> Unpacked:
    """One file of a zip archive; what all of them unpack to was checked by `list_members`."""
    archive = zipfile.ZipFile(path)
    below: Any = archive.fp
    try:
        stream = archive.open(member)
    except _BROKEN as problem:
        archive.close()
        raise damaged(file_name, problem) from problem
    archive.close()  # the open member holds the file until it is closed itself
    return Unpacked(stream, below, file_name, limit_for(path.stat().st_size))


def inner_name(file_name: str, packing: str) -> str:
    """`rows.csv` of `rows.csv.gz`; a name without the ending stays as it is."""
    suffix = Path(file_name).suffix
    return file_name[: -len(suffix)] if suffix.lower() in _SUFFIXES[packing] else file_name


def is_workbook(file: BinaryIO, file_name: str) -> bool:
    """Whether a zip archive is an Excel workbook. Raises FileUnreadable where it is no archive that can be read."""
    with open_archive(file, file_name) as archive:
        return "xl/workbook.xml" in archive.NameToInfo or "xl/workbook.bin" in archive.NameToInfo


def list_members(path: Path, file_name: str) -> list[tuple[str, str]]:
    """The files of an archive in their order, without what systems leave behind: the name that opens each, and the
    name as it may be shown.

    Raises FileUnreadable for encrypted files, for names that lead out of the archive, for links and for methods of
    packing that are not read; FileTooLarge by the sizes it states, before anything is unpacked.
    """
    with path.open("rb") as file, open_archive(file, file_name) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _LEFT_OUT.search(entry.filename)]
    for entry in entries:
        if cause := _refusal(entry):
            raise FileUnreadable(file=file_name, row=None, cause=cause, name=_shown_name(entry))
    if len(entries) > MOST_FILES:
        raise FileUnreadable(file=file_name, row=None, cause="zip_too_many", limit=MOST_FILES)
    total, limit = sum(entry.file_size for entry in entries), limit_for(path.stat().st_size)
    if total > limit:
        raise FileTooLarge(file=file_name, bytes=total, limit_bytes=limit)
    names = {entry.filename: _shown_name(entry) for entry in entries if entry.file_size}
    if not names:
        raise FileUnreadable(file=file_name, row=None, cause="zip_without_files")
    if twice := next((name for name, count in Counter(e.filename for e in entries).items() if count > 1), None):
        raise FileUnreadable(file=file_name, row=None, cause="zip_name_twice", name=names.get(twice, twice))
    return list(names.items())


def unpack_to_disk(source: BinaryIO, beside: Path) -> IO[bytes]:
    """A nameless temporary file with all that a packed stream holds, for readers that jump about in it.

    beside: the packed file, on whose disk there is more room than where temporary files usually lie.
    """
    folder = beside.parent if os.access(beside.parent, os.W_OK) else None
    target = tempfile.TemporaryFile(prefix="whetstone-", dir=folder)  # noqa: SIM115 - the caller closes it
    try:
        shutil.copyfileobj(source, target, 1024 * 1024)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return target


def open_archive(file: BinaryIO, file_name: str) -> zipfile.ZipFile:
    """Raises FileUnreadable for a damaged archive, and for one whose list of files alone would fill the memory."""
    try:
        if _directory_bytes(file) > _DIRECTORY_BYTES:
            raise FileUnreadable(file=file_name, row=None, cause="zip_too_many", limit=MOST_FILES)
        return zipfile.ZipFile(file)
    except _BROKEN as problem:
        raise damaged(file_name, problem) from problem


def _directory_bytes(file: BinaryIO) -> int:
    """How long an archive says its list of files is: Python's reader would hold all of it before it can be asked."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 65536 - 22 - 20 - 56))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        return 0  # no archive, as its reader will say
    wide = tail[end - 76 : end - 20] if end >= 76 and tail[end - 20 : end - 16] == b"PK\x06\x07" else b""
    if wide.startswith(b"PK\x06\x06"):
        return max(struct.unpack("<I", tail[end + 12 : end + 16])[0], struct.unpack("<Q", wide[40:48])[0])
    return struct.unpack("<I", tail[end + 12 : end + 16])[0]


def _shown_name(entry: zipfile.ZipInfo) -> str:
    """A name without the mark of UTF-8 is in whatever its system writes: in Japan CP932, or UTF-8 all the same."""
    name = entry.filename
    if not entry.flag_bits & 0x800 and not name.isascii():
        for encoding in ("utf-8", "cp932"):
            try:
                name = entry.filename.encode("cp437").decode(encoding)
                break
            except UnicodeError:
                continue
    return _UNSAFE.sub("\ufffd", name)[:200]


def _refusal(entry: zipfile.ZipInfo) -> str | None:
    if entry.flag_bits & 0x1:
        return "zip_encrypted"
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in PurePosixPath(name).parts:
        return "zip_path"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "zip_link"
    return None if entry.compress_type in _METHODS else "zip_method"
