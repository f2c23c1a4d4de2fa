"""JSON values one after another out of a text file, without holding the file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TextIO

from studio.data.json_breaks import Around, find_end
from studio.data.rows import RAW_LIMIT_BYTES

_PIECE = 256 * 1024
_WHITESPACE = " \t\r\n"
_LONGEST_MARK = 16
"""What can be cut off by the end of a piece and is then no value: a number, `-Infinity`, an escape."""
_BRACKETS = re.compile(r'\\.|["{}\[\]]', re.DOTALL)
_DECODER = json.JSONDecoder(strict=False)


class ValueBroken(ValueError):
    """No value can be read here. position: characters from the start of the text, from 0."""

    def __init__(self, position: int, found: str) -> None:
        super().__init__(found)
        self.position = position
        self.found = found


class ValueTooLong(ValueBroken):
    """No value ends here within the longest length; nothing says that it is broken."""


class Scanner:
    """Finds where each value ends; what is in a value is checked by whoever takes its text."""

    def __init__(self, file: TextIO, longest: int) -> None:
        self._file = file
        self._longest = longest
        self._text = ""
        self._at = 0
        self._passed = 0
        self._ended = False
        self._gap = ""

    @property
    def position(self) -> int:
        return self._passed + self._at

    def peek(self) -> str:
        """The next character that is no whitespace, or an empty string at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _WHITESPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        """Step over one expected character. Raises ValueBroken."""
        if self.peek() != character:
            raise ValueBroken(self.position, f"Expecting '{character}'")
        self._at += 1

    def opens_array_of_objects(self) -> bool:
        if self.peek() != "[":
            return False
        while not (after := self._text[self._at + 1 :].lstrip(_WHITESPACE)) and self._more():
            pass
        return after.startswith("{")

    def value_text(self) -> str:
        """The text of the value that starts here. Raises ValueBroken, and ValueTooLong where none ends within the
        longest length."""
        before = self._at
        self.peek()
        if self._at > before:
            self._gap = self._text[before : self._at]
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as problem:
                is_cut_off = problem.msg.startswith("Unterminated") or problem.pos + _LONGEST_MARK > len(self._text)
                if is_cut_off and len(self._text) - self._at > self._longest:
                    raise ValueTooLong(self._passed + problem.pos, problem.msg) from None
                if not is_cut_off or not self._more():
                    raise ValueBroken(self._passed + problem.pos, problem.msg) from None
            except (RecursionError, ValueError) as problem:
                raise ValueBroken(self.position, type(problem).__name__) from None
            else:
                if isinstance(value, (int, float)) and end == len(self._text) and self._more():
                    continue  # a number may go on
                text = self._text[self._at : end]
                self._at = end
                return text

    def pass_broken(self, last: Mapping[str, Any] | None, *, in_array: bool) -> str | None:
        """Step over the value here that could not be read; its text. None where nothing tells where it ends within the
        longest length, and then it is still to come. last: the last value before it that could be read."""
        self.peek()
        around = Around(last, self._gap, in_array)
        while True:
            is_all = self._ended or len(self._text) - self._at > self._longest
            end = find_end(self._text, self._at, around, is_all)
            if end is not None:
                text = self._text[self._at : end].rstrip(_WHITESPACE)
                self._at = end
                return text
            if is_all:
                return None
            self._more()

    def pass_long(self) -> bool:
        """Step over an object, array or string of any length without holding it. False where the text ends within it."""
        depth, is_string = 0, False
        while True:
            for found in _BRACKETS.finditer(self._text, self._at):
                mark = found.group()
                if mark == '"':
                    is_string = not is_string
                elif is_string or mark not in "{[}]":
                    continue
                else:
                    depth += 1 if mark in "{[" else -1
                if depth <= 0 and not is_string:
                    self._at = found.end()
                    return True
            # A backslash at the end belongs to the character after it.
            slashes = len(self._text) - len(self._text.rstrip("\\"))
            self._at = len(self._text) - slashes % 2
            if not self._more():
                return False

    def skip_to(self, position: int) -> None:
        """Go on to a place further on, given in characters from the start of the text."""
        while self._passed + len(self._text) < position:
            self._at = len(self._text)
            if not self._more():
                return
        self._at = position - self._passed

    def rest_shown(self) -> str:
        """The start of what follows, for the report."""
        return self._text[self._at : self._at + RAW_LIMIT_BYTES]

    def skip_rest(self) -> int:
        """Go to the end; how many characters that was."""
        start = self.position
        self._at = len(self._text)
        while self._more():
            self._at = len(self._text)
        return self.position - start

    def _more(self) -> bool:
        """Read on, letting go of what was taken. False at the end of the file."""
        if self._ended:
            return False
        # Doubling keeps the repeated attempts at one long value in proportion to its length.
        piece = self._file.read(max(_PIECE, len(self._text) - self._at))
        if not piece:
            self._ended = True
            return False
        self._text = self._text[self._at :] + piece
        self._passed += self._at
        self._at = 0
        return True
