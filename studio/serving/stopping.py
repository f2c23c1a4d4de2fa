"""From tokens to text while they arrive: no character is split, and no part of a stop text gets out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

UNFINISHED = "\ufffd"
"""What a decoder shows for bytes that are no whole character yet."""


class TextStream:
    """The text of one reply, token by token.

    A byte-level token may hold a third of a Japanese character, and some decoders leave out the blank before their
    first token: so the newest tokens are decoded with those before them, and held while they end in half a character.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._stop = tuple(text for text in stop if text)
        self._ids: list[int] = []
        self._before = 0
        self._read = 0
        self._held = ""
        self.is_stopped = False

    def add(self, token_id: int) -> str:
        """The text that can be shown now; empty while a character or a stop text may be under way."""
        self._ids.append(token_id)
        return self._release(self._decode(is_last=False), is_last=False)

    def finish(self) -> str:
        """What was held back, when no token follows."""
        return "" if self.is_stopped else self._release(self._decode(is_last=True), is_last=True)

    def _decode(self, is_last: bool) -> str:
        known = self._text(self._ids[self._before : self._read])
        whole = self._text(self._ids[self._before :])
        if len(whole) <= len(known) or (whole.endswith(UNFINISHED) and not is_last):
            return ""
        self._before, self._read = self._read, len(self._ids)
        return whole[len(known) :]

    def _text(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True) if ids else ""

    def _release(self, text: str, is_last: bool) -> str:
        self._held += text
        found = [place for place in (self._held.find(stop) for stop in self._stop) if place >= 0]
        if found:
            self.is_stopped = True
            return self._held[: min(found)]
        keep = 0 if is_last else max((_overlap(self._held, stop) for stop in self._stop), default=0)
        shown = self._held[: len(self._held) - keep]
        self._held = self._held[len(shown) :]
        return shown


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of the text that is a beginning of the stop text."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
