"""JSON values one after another out of a text file, without holding the file."""

from __future__ import annotations

import json
from typing import TextIO

from studio.data.rows import RAW_LIMIT_BYTES

_PIECE = 256 * 1024
_WHITESPACE = " \t\r\n"
_DECODER = json.JSONDecoder(strict=False)


class ValueBroken(ValueError):
    """No value can be read here. position: characters from the start of the text, from 0."""

    def __init__(self, position: int, found: str) -> None:
        super().__init__(found)
        self.position = position
        self.found = found


class Scanner:
    """Finds where each value ends; what is in a value is checked by whoever takes its text."""

    def __init__(self, file: TextIO, longest: int) -> None:
        self._file = file
        self._longest = longest
        self._text = ""
        self._at = 0
        self._passed = 0
        self._ended = False

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
        """The text of the value that starts here. Raises ValueBroken where none ends within the longest length."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as problem:
                # It may only be cut off by the end of what was read so far.
                if len(self._text) - self._at > self._longest or not self._more():
                    raise ValueBroken(self._passed + problem.pos, problem.msg) from None
            except (RecursionError, ValueError) as problem:
                raise ValueBroken(self.position, type(problem).__name__) from None
            else:
                if isinstance(value, (int, float)) and end == len(self._text) and self._more():
                    continue  # a number may go on
                text = self._text[self._at : end]
                self._at = end
                return text

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
