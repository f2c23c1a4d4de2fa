"""Raw rows: what a container hands on, one for each row of a file, understood or refused, never lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

RAW_LIMIT_BYTES = 2048
"""How much of a refused row is kept to be shown."""

LONGEST_ROW_BYTES = 8 * 1024 * 1024
"""A row longer than this is refused: no context holds it, and it would be parsed in memory as a whole."""

MENDED_LIMIT_BYTES = 256 * 1024
"""Up to this length a refused row is kept whole, to be mended."""

_UNDECODABLE = re.compile("[\udc00-\udcff]")
"""How `studio.data.lines` stands bytes that are no text: U+DC00 plus the byte."""

_NOTHING: Mapping[str, Any] = {}


class RawRow(NamedTuple):
    """One row of a file: `fields`, or the `cause` why it was refused.

    number: the line in a file of lines, else the row counted from 1. raw: the text it was read from; None where the
    fields are all there is. cause: a code, worded under `refused.<cause>` with `values`. field: where in the row.
    file: which file of an archive it stands in.
    """

    number: int
    fields: dict[str, Any] | None
    raw: str | bytes | None = None
    cause: str | None = None
    field: str | None = None
    values: Mapping[str, Any] = _NOTHING
    file: str | None = None


@dataclass(frozen=True)
class Guess:
    """What something was taken for, how surely (0..1) and why: a code worded under `choice.<reason>`, with values.

    among: what a person may choose instead, where that depends on the file or the container.
    """

    value: Any
    confidence: float
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)
    among: tuple[str, ...] = ()


def shown_raw(row: RawRow, limit_bytes: int = RAW_LIMIT_BYTES) -> str:
    """The text of a row as it is shown: at most so many bytes of UTF-8, bytes that are no text as `\\x96`."""
    raw = row.raw
    if raw is None:
        raw = orjson.dumps(row.fields, default=str) if row.fields is not None else b""
    if isinstance(raw, bytes):
        text = raw[:limit_bytes].decode("utf-8", "backslashreplace" if len(raw) <= limit_bytes else "replace")
    else:
        text = _UNDECODABLE.sub(lambda found: f"\\x{ord(found.group(0)) & 0xFF:02x}", raw[:limit_bytes])
    # A cut goes through no character.
    return text.encode("utf-8", "replace")[:limit_bytes].decode("utf-8", "ignore")


def whole_raw(row: RawRow) -> tuple[str, bool]:
    """The text of a row as it is kept to be mended, and whether that is all of it."""
    text = shown_raw(row, MENDED_LIMIT_BYTES)
    return text, bool(text) and len(text.encode()) < MENDED_LIMIT_BYTES
