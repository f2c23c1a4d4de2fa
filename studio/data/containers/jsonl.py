"""JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from studio.data.containers import ContainerExample
from studio.data.json_values import LOSSES, JsonRefused, read_object
from studio.data.lines import find_undecodable, iterate_byte_lines, iterate_text_lines
from studio.data.rows import LONGEST_ROW_BYTES, Guess, RawRow
from studio.words import Text

if TYPE_CHECKING:
    from studio.data.files import Head, Source

_SUFFIXES = (".jsonl", ".ndjson")
_SAMPLE_LINES = 20


class JsonLines:
    name = "jsonl"
    title = Text(en="JSON Lines", ja="JSON Lines")
    summary = Text(
        en="One JSON object on each line. Large files are read line by line.",
        ja="1 行に 1 つの JSON オブジェクト。大きなファイルも 1 行ずつ読み込みます。",
    )
    example = ContainerExample(
        "greetings.jsonl",
        '{"prompt": "Hello", "completion": "Good morning"}\n{"prompt": "こんにちは", "completion": "おはようございます"}\n'.encode(),
        (
            {"prompt": "Hello", "completion": "Good morning"},
            {"prompt": "こんにちは", "completion": "おはようございます"},
        ),
    )
    choices = ()

    def guess(self, head: Head) -> Guess:
        lines = head.text.split("\n")
        whole = lines if head.complete else lines[:-1]
        filled = [line for line in whole if line.strip()][:_SAMPLE_LINES]
        objects = sum(_is_object(line) for line in filled)
        named = head.suffix in _SUFFIXES
        if objects and (objects > 1 or named):
            return Guess(self.name, 0.95, "container_object_lines", {"count": objects, "lines": len(filled)})
        return Guess(self.name, 0.8 if named else 0.0, "container_name", {"suffix": head.suffix})

    def guess_choice(self, name: str, head: Head, source: Source) -> Guess:
        raise KeyError(name)  # there is none

    def read(self, source: Source) -> Iterator[RawRow]:
        lines = iterate_byte_lines(source) if source.encoding == "utf-8" else iterate_text_lines(source, newline="\n")
        blank = 0
        for number, line in enumerate(lines, 1):
            if line is None:
                yield RawRow(number, None, None, "row_too_long", None, {"limit_bytes": LONGEST_ROW_BYTES})
            elif not line.strip():
                blank += 1
            elif isinstance(line, bytes):
                yield _read_line(number, line, line)
            elif bad := find_undecodable(line):
                yield RawRow(number, None, line, "undecodable", None, {"byte": bad[0], "position": bad[1]})
            else:
                yield _read_line(number, line.encode("utf-8", "surrogatepass"), line)
        if blank:
            source.notices.append(("blank_lines", {"count": blank}))


def _read_line(number: int, text: bytes, shown: bytes | str) -> RawRow:
    try:
        return RawRow(number, read_object(text), shown)
    except JsonRefused as refused:
        torn = refused.cause == "json_syntax" and not text.endswith(b"\n") and text.lstrip().startswith(b"{")
        return RawRow(number, None, shown, "json_torn" if torn else refused.cause, refused.field, refused.values)


def _is_object(line: str) -> bool:
    try:
        read_object(line.strip().encode("utf-8", "surrogatepass"))
    except JsonRefused as refused:
        return refused.cause in LOSSES
    return True


PLUG = JsonLines()
