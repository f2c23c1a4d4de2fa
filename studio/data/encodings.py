"""Which encoding a text file is in, guessed from its bytes with the reason, and never read as something it is not."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from studio.data.rows import Guess

if TYPE_CHECKING:
    from studio.data.files import Piece

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp932", "euc-jp", "iso-2022-jp", "cp1252")
"""What a person may choose. A byte order mark is skipped in each."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_KANJI_ALONE = 8
"""So many kanji without any kana are taken for Japanese, as in a list of names."""

_JAPANESE_REASONS = {"cp932": "encoding_cp932", "euc-jp": "encoding_euc_jp"}
_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b$(D")
_WESTERN_SIGNS = frozenset("‚„…‘’“”•–—™«»°£©®§¿¡€·´¨²³½¼¾×†‰")


def mark_length(head: bytes, encoding: str) -> int:
    """How many bytes of byte order mark a file opens with, if it is the mark of this encoding."""
    return next((len(mark) for mark, name in _MARKS if name == encoding and head.startswith(mark)), 0)


def guess_encoding(pieces: Iterable[Piece]) -> Guess:
    """The encoding of a text file, one of ENCODINGS, by pieces of it; the first is its start.

    A byte order mark decides; else zero bytes tell UTF-16; else the first piece that is not plain ASCII is tried as
    UTF-8, as Japanese in CP932 and EUC-JP, and as CP1252. A file that nothing fits is UTF-8 with damaged rows.
    """
    for number, piece in enumerate(pieces):
        if number == 0:
            for mark, name in _MARKS:
                if piece.data.startswith(mark):
                    return Guess(name, 1.0, "encoding_mark", {"encoding": name})
            if wide := _guess_utf16(piece.data):
                return wide
        if not piece.data.isascii():
            return _guess_many_byte(piece)
        if escapes := sum(piece.data.count(escape) for escape in _ESCAPES):
            return Guess("iso-2022-jp", 0.95, "encoding_escapes", {"count": escapes})
    return Guess("utf-8", 1.0, "encoding_ascii", {})


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


def _guess_many_byte(piece: Piece) -> Guess:
    good, bad = _count_utf8(piece)
    if not bad:
        return Guess("utf-8", 1.0, "encoding_valid_utf8", {"characters": good})
    if good > 20 * bad:
        return Guess("utf-8", 0.8, "encoding_damaged_utf8", {"characters": good, "bad": bad})
    counts = {name: _count_japanese(piece.data, name) for name in _JAPANESE_REASONS}
    name = max(counts, key=lambda key: counts[key].plausible)
    if counts[name].is_japanese(_KANJI_ALONE if name == "cp932" else None):
        values = {"encoding": name, "characters": counts[name].japanese, "bad": bad}
        return Guess(name, 0.9, _JAPANESE_REASONS[name], values)
    if western := _count_western(piece.data):
        return Guess("cp1252", 0.7, "encoding_cp1252", {"characters": western, "bad": bad})
    return Guess("utf-8", 0.3, "encoding_unknown", {"bad": bad})


def _count_utf8(piece: Piece) -> tuple[int, int]:
    """Characters beyond ASCII that are valid UTF-8, and bytes that are not; those at a cut end are spared."""
    head = piece.data[:-4] if piece.cut_end else piece.data
    text = head.decode("utf-8", "surrogateescape")
    bad = sum("\udc80" <= character <= "\udcff" for character in text) if not _encodes(text) else 0
    beyond = len(text) - len(text.encode("ascii", "ignore")) - bad
    spared = 3 if piece.cut_end or piece.cut_start else 0
    return beyond, bad if bad > spared else 0


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class _Japanese(NamedTuple):
    """Japanese characters, the kana among them, and what Japanese text hardly holds: undecodable bytes and private
    characters (strange), half-width kana (narrow), which is what each reading makes of the other's bytes."""

    japanese: int
    kana: int
    strange: int
    narrow: int

    @property
    def plausible(self) -> int:
        return self.japanese + self.kana - 50 * self.strange - 2 * self.narrow

    def is_japanese(self, least_kanji: int | None) -> bool:
        """A few bytes of any other encoding pass for rare kanji; Japanese that is written by people has kana.

        least_kanji: so many without kana are enough; None where the bytes could be Korean or Chinese as well.
        """
        enough = self.kana * 20 > self.japanese or (
            least_kanji is not None and self.japanese >= least_kanji and not self.strange
        )
        return self.japanese > 0 and self.strange * 50 <= self.japanese and self.narrow <= self.japanese and enough


def _count_japanese(data: bytes, encoding: str) -> _Japanese:
    japanese = kana = strange = narrow = 0
    for character in data.decode(encoding, "replace"):
        if character <= "\x7f":
            continue
        if "\u3000" <= character <= "\u9fff" or "\uff01" <= character <= "\uff60":
            japanese += 1
            kana += "\u3040" <= character <= "\u30ff"
        elif "\uff61" <= character <= "\uff9f":
            narrow += 1
        elif character == "\ufffd" or "\ue000" <= character <= "\uf8ff":
            strange += 1
    return _Japanese(japanese, kana, strange, narrow)


def _count_western(data: bytes) -> int:
    """Letters and signs beyond ASCII, where the bytes read as a Western language; else 0.

    In such a text they stand alone among plain letters. In Cyrillic, Greek or Chinese read as CP1252 they stand side
    by side, and bytes occur that CP1252 lacks.
    """
    text = data.decode("cp1252", "replace")
    beyond = [index for index, character in enumerate(text) if character > "\x7f"]
    letters = sum(text[index].isalpha() or text[index] in _WESTERN_SIGNS for index in beyond)
    beside = sum(after - before == 1 for before, after in pairwise(beyond))
    return letters if letters >= 0.95 * len(beyond) and beside <= 0.2 * len(beyond) else 0
