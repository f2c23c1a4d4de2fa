"""Which encoding a text file is in, guessed from its bytes with the reason, and never read as something it is not."""

from __future__ import annotations

import codecs
from pathlib import Path

from studio.data.rows import Guess

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp932")
"""What a person may choose. A byte order mark is skipped in each."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD_BYTES = 1024 * 1024
_KANJI_ALONE = 8
"""So many kanji without any kana are taken for Japanese, as in a list of names."""


def mark_length(head: bytes, encoding: str) -> int:
    """How many bytes of byte order mark a file opens with, if it is the mark of this encoding."""
    return next((len(mark) for mark, name in _MARKS if name == encoding and head.startswith(mark)), 0)


def guess_encoding(path: Path) -> Guess:
    """The encoding of a text file, one of ENCODINGS.

    A byte order mark decides; else zero bytes tell UTF-16; else the first megabyte that is not plain ASCII is tried
    as UTF-8 and as CP932. A file that neither fits is UTF-8 with damaged rows.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        for mark, name in _MARKS:
            if head.startswith(mark):
                return Guess(name, 1.0, "encoding_mark", {"encoding": name})
        if wide := _guess_utf16(head):
            return wide
        while head.isascii() and (more := file.read(_HEAD_BYTES)):
            head = more
        at_end = not file.read(1)
    if head.isascii():
        return Guess("utf-8", 1.0, "encoding_ascii", {})
    return _guess_many_byte(head, at_end)


def _guess_utf16(head: bytes) -> Guess | None:
    """By zero bytes: in UTF-16 line feeds, digits, quotes and commas have one on the same side every time."""
    if len(head) < 2 or b"\0" not in head:
        return None
    sample = head[: 64 * 1024]
    units = len(sample) // 2
    zeros = {"utf-16-be": sample[0 : units * 2 : 2].count(0), "utf-16-le": sample[1 : units * 2 : 2].count(0)}
    name = max(zeros, key=lambda key: zeros[key])
    other = min(zeros.values())
    # Japanese prose has few zero bytes, but its commas, quotes and line ends do, and never on the other side.
    if zeros[name] < max(1, units // 200) or other > zeros[name] // 20:
        return None
    return Guess(name, 0.9, "encoding_zero_bytes", {"encoding": name, "share": round(100 * zeros[name] / units)})


def _guess_many_byte(head: bytes, at_end: bool) -> Guess:
    good, bad = _count_utf8(head, at_end)
    if not bad:
        return Guess("utf-8", 1.0, "encoding_valid_utf8", {"characters": good})
    if good > 20 * bad:
        return Guess("utf-8", 0.8, "encoding_damaged_utf8", {"characters": good, "bad": bad})
    japanese, kana, strange = _count_cp932(head)
    # A few bytes of any other encoding pass for rare kanji; Japanese that is written by people has kana.
    if strange * 50 <= japanese and (kana * 20 > japanese or (japanese >= _KANJI_ALONE and not strange)):
        return Guess("cp932", 0.9, "encoding_cp932", {"characters": japanese, "bad": bad})
    return Guess("utf-8", 0.3, "encoding_unknown", {"bad": bad})


def _count_utf8(head: bytes, at_end: bool) -> tuple[int, int]:
    """Characters beyond ASCII that are valid UTF-8, and bytes that are not. The cut end of a longer file is spared."""
    if not at_end:
        head = head[:-4]
    text = head.decode("utf-8", "surrogateescape")
    bad = sum("\udc80" <= character <= "\udcff" for character in text) if not _encodes(text) else 0
    beyond = len(text) - len(text.encode("ascii", "ignore")) - bad
    return beyond, bad if at_end or bad > 3 else 0


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _count_cp932(head: bytes) -> tuple[int, int, int]:
    """Japanese characters read as CP932, the kana among them, and what Japanese text does not hold: undecodable bytes
    and private characters."""
    text = head.decode("cp932", "replace")
    japanese = kana = strange = 0
    for character in text:
        if character <= "\x7f":
            continue
        if "\u3000" <= character <= "\u9fff" or "\uff01" <= character <= "\uff60":
            japanese += 1
            kana += "\u3040" <= character <= "\u30ff"
        elif character == "\ufffd" or "\ue000" <= character <= "\uf8ff":
            strange += 1
    return japanese, kana, strange
