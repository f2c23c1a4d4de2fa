"""Plain text and Markdown: documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from studio.data.containers import ContainerExample
from studio.data.lines import find_undecodable, iterate_text_lines
from studio.data.rows import LONGEST_ROW_BYTES, Guess, RawRow
from studio.words import Text

if TYPE_CHECKING:
    from studio.data.files import Head, Source

DIVISIONS = ("whole", "blank_lines", "headings", "form_feeds", "lines")
_SUFFIXES = (".txt", ".text", ".md", ".markdown")
_MARKDOWN = (".md", ".markdown")
_SHORT_CHARACTERS = 4_000
"""About a thousand tokens of English: what one row of a training run can hold."""

_HEADING = re.compile(r"#{1,6}\s+\S")
_BLANK_EDGES = re.compile(r"\A(?:[ \t\u3000\f]*\n)+|\f+\Z|(?:\n[ \t\u3000\f]*)+\Z")
_FENCE = re.compile(r"\s*(```|~~~)")


class PlainText:
    name = "text"
    title = Text(en="Text or Markdown", ja="テキストまたは Markdown")
    summary = Text(
        en="Documents: a whole file as one, or divided at blank lines, headings, form feeds or line ends.",
        ja="文書。ファイル全体を 1 つの文書とするか、空行、見出し、改ページ、行末で分けます。",
    )
    example = ContainerExample(
        "tea.md",
        "# Sencha\n\nGreen and fresh.\n\n# ほうじ茶\n\n香ばしいお茶です。\n".encode(),
        ({"text": "# Sencha\n\nGreen and fresh."}, {"text": "# ほうじ茶\n\n香ばしいお茶です。"}),
    )
    choices = ("division",)

    def guess(self, head: Head) -> Guess:
        if head.suffix in _SUFFIXES:
            return Guess(self.name, 0.86, "container_name", {"suffix": head.suffix})
        return Guess(self.name, 0.45, "container_prose", {})

    def guess_choice(self, name: str, head: Head, source: Source) -> Guess:
        """The division that makes documents of a length that training can use, where the text shows one."""
        text = head.text.strip()
        if feeds := text.count("\f"):
            return Guess("form_feeds", 0.9, "division_form_feeds", {"count": feeds}, DIVISIONS)
        headings = sum(is_heading for _, is_heading in _with_headings(iter(text.splitlines())))
        if headings > 1 and (head.suffix in _MARKDOWN or headings * 200 > text.count("\n")):
            return Guess("headings", 0.8, "division_headings", {"count": headings}, DIVISIONS)
        if head.complete and len(text) <= _SHORT_CHARACTERS:
            return Guess("whole", 0.8, "division_short", {"characters": len(text)}, DIVISIONS)
        blocks = len(re.findall(r"\n[ \t\r\u3000]*\n", text))
        if blocks and len(text) // (blocks + 1) <= _SHORT_CHARACTERS:
            return Guess("blank_lines", 0.7, "division_blank_lines", {"count": blocks + 1}, DIVISIONS)
        if lines := text.count("\n"):
            return Guess("lines", 0.6, "division_lines", {"count": lines + 1}, DIVISIONS)
        return Guess("whole", 0.5, "division_none", {}, DIVISIONS)

    def read(self, source: Source) -> Iterator[RawRow]:
        lines = iterate_text_lines(source, newline="")
        yield from _Documents(source.choices.get("division", "whole")).rows(lines)


class _Documents:
    """Documents as they grow, line by line, each of bounded length."""

    def __init__(self, division: str) -> None:
        self._division = division
        self._held: list[str] = []
        self._length = 0
        self._count = 0
        self._first_line = 1
        self._is_too_long = False

    def rows(self, lines: Iterator[str | None]) -> Iterator[RawRow]:
        number = 0
        for number, (line, is_heading) in enumerate(_with_headings(lines), 1):
            parts = [line] if line is None or self._division != "form_feeds" else line.split("\f")
            for index, part in enumerate(parts):
                if index or self._starts(part, is_heading):
                    yield from self._ended(number)
                self._take(part)
        yield from self._ended(number + 1)

    def _starts(self, line: str | None, is_heading: bool) -> bool:
        """Whether a new document begins with this line."""
        if self._division == "headings":
            return is_heading
        if self._division == "lines":
            return True
        return self._division == "blank_lines" and line is not None and not line.strip()

    def _take(self, line: str | None) -> None:
        if line is not None and not self._is_too_long:
            self._held.append(line)
            self._length += len(line)
        if line is None or self._length > LONGEST_ROW_BYTES:
            self._is_too_long = True
            del self._held[1:]

    def _ended(self, next_line: int) -> Iterator[RawRow]:
        """The document so far, unless it is blank; the next one begins in `next_line`."""
        text = "".join(self._held)
        line, is_too_long = self._first_line, self._is_too_long
        self._held, self._length, self._first_line, self._is_too_long = [], 0, next_line, False
        if not is_too_long and not text.strip():
            return
        self._count += 1
        if is_too_long:
            values = {"limit_bytes": LONGEST_ROW_BYTES, "line": line}
            yield RawRow(self._count, None, text, "row_too_long", None, values)
        elif bad := find_undecodable(text):
            values = {"byte": bad[0], "position": bad[1], "line": line}
            yield RawRow(self._count, None, text, "undecodable", "text", values)
        else:
            plain = text.replace("\r\n", "\n").replace("\r", "\n")
            yield RawRow(self._count, {"text": _BLANK_EDGES.sub("", plain)}, text)


def _with_headings(lines: Iterator[str | None]) -> Iterator[tuple[str | None, bool]]:
    """Each line, and whether it is a Markdown heading: one in a block of code is not."""
    is_code = False
    for line in lines:
        if line is not None and _FENCE.match(line):
            is_code = not is_code
        yield line, line is not None and not is_code and _HEADING.match(line) is not None


PLUG = PlainText()
