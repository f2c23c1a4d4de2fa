"""Mojibake: text that was read in an encoding it was not written in, and the text that it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from types import ModuleType

_LONGEST_PIECE = 4_000
"""Lines are restored in pieces of this many characters at most: ftfy tries several encodings on each."""

_AS_CP932 = re.compile(r"[繧繝][\x20-\x7e\uff61-\uff9f\u3000-\u9fff\uff00-\uff5e･·]|縺[^れる]")
"""UTF-8's bytes for kana begin with E3 81, E3 82 or E3 83: as CP932 縺, 繧 or 繝, of which only 縺 is a word's."""

_AS_LATIN = re.compile("[‚ƒ\x82\x83][\x80-ÿŒœŠšŸŽž†‡ˆ‰‹›•…–—˜™‚ƒ„“”‘’\x40-\x7e]")
_EUC_AS_LATIN = re.compile("[¤¥][¡-þ]")
_JIS = re.compile(r"\x1b?\$B((?:[!-t][!-~]){2,400})\x1b?\([BJ]")
_UTF8 = re.compile(rb"(?:[\xe2-\xef][\x80-\xbf][\x80-\xbf]){2,2000}")
_CP932_RUN = re.compile("[^\x00-\x7f]+")
_LATIN_RUN = re.compile("[\x20-\x7e\x80-ÿŒœŠšŸŽž†‡ˆ‰‹›•…–—˜™‚ƒ„“”‘’€]+")
_LATIN_UTF8 = re.compile("[\xc3-\xf4][\x80-\x9f][\x80-\xbf]{0,2}")
_HEADLESS = re.compile("(?<![\xc0-\xff])[ \xa0]?\x80([\x80-\xbf])")
"""A dash, a quotation mark or a wide space in UTF-8 read as Latin-1 whose first byte became a blank, as in files of MMLU."""

_KANA = re.compile("[ぁ-ゖァ-ヺー]")
_JAPANESE = re.compile("[ぁ-ゖァ-ヺー一-鿿々。、「」！？・〜（）０-９Ａ-Ｚａ-ｚ]")
_LATIN_HINT = re.compile("[\x80-ÿŒœŠšŸŽž†‡ˆ‰‹›„™€Ă-Ąā-đŁłŃńŐőŕřŚśŞşŢţťŮůŰűА-я╬├┬─]")


def restore(text: str) -> str:
    """The text with what was misread read rightly, all else untouched: no widths folded, no quotes changed.

    UTF-8 read as Windows-1252, Latin-1 and their like (by ftfy's rules) or as CP932; CP932 and EUC-JP read as Latin-1;
    JIS without its escapes. Equal to the text where nothing surely is misread.
    """
    if text.isascii() and "$B" not in text:
        return text
    if len(_AS_CP932.findall(text)) >= 2:
        restored = _CP932_RUN.sub(lambda run: _from_utf8(run.group()), text)
        # Bytes are lost where some is left: half a sentence restored is harder to mend than none.
        return text if len(_AS_CP932.findall(restored)) >= 2 else restored
    if len(_EUC_AS_LATIN.findall(text)) >= 3:
        text = _LATIN_RUN.sub(lambda run: _read_again(run.group(), "latin-1", "euc_jp"), text)
    if len(_AS_LATIN.findall(text)) >= 3:
        text = _LATIN_RUN.sub(lambda run: _from_cp932(run.group()), text)
    if "$B" in text:
        text = _JIS.sub(_from_jis, text)
    return _by_lines(text, _by_ftfy) if _LATIN_HINT.search(text) else text


def looks_misread(text: str) -> bool:
    """Whether a text holds mojibake, also where too many bytes are lost to restore it."""
    return len(_AS_CP932.findall(text)) >= 2 or restore(text) != text


def _by_lines(text: str, change: Callable[[str], str]) -> str:
    made = []
    for line in text.splitlines(keepends=True):
        made += [change(line[at : at + _LONGEST_PIECE]) for at in range(0, len(line), _LONGEST_PIECE)]
    return "".join(made)


def _by_ftfy(line: str) -> str:
    ftfy = _ftfy()
    if not _LATIN_HINT.search(line) or not ftfy.badness.badness(line):
        return line
    line = _HEADLESS.sub(_from_headless, line)
    fixed = ftfy.fix_encoding(line, fix_c1_controls=False)
    if fixed == line:
        # Japanese beside it: no encoding holds the whole line, but one may hold the run that was misread.
        fixed = _LATIN_UTF8.sub(_from_latin_utf8, line)
        fixed = _LATIN_RUN.sub(lambda run: ftfy.fix_encoding(run.group(), fix_c1_controls=False), fixed)
    # What still looks misread was not misread in the way that was guessed.
    return line if ftfy.badness.badness(fixed) else fixed


def _from_headless(run: re.Match[str]) -> str:
    return b"".join([b"\xe2\x80", run.group(1).encode("latin-1")]).decode("utf-8")


def _from_latin_utf8(run: re.Match[str]) -> str:
    """Whole letters of UTF-8 read as Latin-1, whose second bytes are no letters of any language."""
    try:
        return run.group().encode("latin-1").decode("utf-8")
    except UnicodeError:
        return run.group()


@cache
def _ftfy() -> ModuleType:
    # Loaded with the first text that needs it: its tables take a twentieth of a second.
    import ftfy.badness

    return ftfy


def _read_again(run: str, wrong: str, right: str) -> str:
    """The run written in the wrong encoding and read in the right one, where that gives Japanese."""
    try:
        read = run.encode(wrong).decode(right)
    except UnicodeError:
        return run
    return read if _is_japanese(read) else run


def _from_utf8(run: str) -> str:
    """UTF-8 that was read as CP932, also with Japanese beside it that was read rightly."""
    made, rest = [], run
    while rest:
        try:
            part, other, rest = rest, "", ""
            written = part.encode("cp932")
        except UnicodeEncodeError as cut:
            part, other, rest = part[: cut.start], part[cut.start : cut.end], part[cut.end :]
            written = part.encode("cp932")
        made += [_aligned(part, written), other]
    return "".join(made)


def _aligned(part: str, written: bytes) -> str:
    """The stretches of UTF-8 in CP932's bytes read as such, where they begin and end with whole characters of both."""
    ends = {0: 0}
    size = 0
    for count, letter in enumerate(part, 1):
        size += len(letter.encode("cp932"))
        ends[size] = count
    made, done = [], 0
    for match in _UTF8.finditer(written):
        start, end = match.span()
        if start not in ends:
            continue
        while end > start and end not in ends:
            end -= 3
        read = written[start:end].decode("utf-8", "ignore")
        if _is_japanese(read):
            made += [part[done : ends[start]], read]
            done = ends[end]
    return "".join([*made, part[done:]])


def _from_cp932(run: str) -> str:
    import ftfy.bad_codecs

    ftfy.bad_codecs.ok()
    for wrong in ("sloppy-windows-1252", "latin-1"):
        if (read := _read_again(run, wrong, "cp932")) != run:
            return read
    return run


def _from_jis(match: re.Match[str]) -> str:
    try:
        read = b"\x1b$B".join([b"", match.group(1).encode("ascii") + b"\x1b(B"]).decode("iso2022_jp")
    except UnicodeError:
        return match.group()
    return read if _is_japanese(read) else match.group()


def _is_japanese(text: str) -> bool:
    """Kana among it, and three quarters of what is not ASCII kana, kanji or their signs."""
    others = [letter for letter in text if not letter.isascii()]
    return bool(_KANA.search(text)) and len(_JAPANESE.findall(text)) >= 0.75 * len(others)
