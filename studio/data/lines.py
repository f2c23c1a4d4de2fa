"""The lines of a text file, each of bounded length, with the bytes that are no text in its encoding still to be seen."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from studio.data.encodings import mark_length
from studio.data.rows import LONGEST_ROW_BYTES

if TYPE_CHECKING:
    from studio.data.files import Source

_UNDECODABLE = re.compile("[\udc00-\udcff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ERRORS = "whetstone.keep_bytes"


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    """Stands each undecodable byte as U+DC00 plus the byte: no text holds that, so it is always found again."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_ERRORS, _keep_bytes)


def find_undecodable(text: str) -> tuple[str, int] | None:
    """The first byte that is no text (as `0x96`) and its character position from 1."""
    if text.isascii() or not (found := _UNDECODABLE.search(text)):
        return None
    return f"0x{ord(found.group(0)) - 0xDC00:02x}", found.start() + 1


def without_bytes(text: str) -> str:
    """The text with a mark in place of what no text holds, as it may stand in a report."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def open_text(source: Source, *, newline: str) -> io.TextIOWrapper:
    """The file's text without its byte order mark. newline: as for `open`; line ends are never translated."""
    file = source.open()
    head = file.read(4)
    file.seek(mark_length(head, source.encoding))
    return io.TextIOWrapper(file, encoding=source.encoding, errors=_ERRORS, newline=newline)


def iterate_text_lines(source: Source, *, newline: str) -> Iterator[str | None]:
    """Lines with their ends; None for one longer than LONGEST_ROW_BYTES characters, whose text is skipped."""
    with open_text(source, newline=newline) as file:
        readline = file.readline
        while line := readline(LONGEST_ROW_BYTES):
            if len(line) < LONGEST_ROW_BYTES or line.endswith(("\n", "\r")):
                yield line
                continue
            while (rest := readline(LONGEST_ROW_BYTES)) and not rest.endswith(("\n", "\r")):
                pass
            yield None


def iterate_byte_lines(source: Source) -> Iterator[bytes | None]:
    """The same for UTF-8, undecoded: the JSON parser checks the bytes itself, which is several times faster."""
    with source.open() as file:
        file.seek(mark_length(file.read(4), "utf-8"))
        readline = file.readline
        while line := readline(LONGEST_ROW_BYTES):
            if len(line) < LONGEST_ROW_BYTES or line.endswith(b"\n"):
                yield line
                continue
            while (rest := readline(LONGEST_ROW_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield None
