"""Placeholders of a dataset whose rows go into another one: numbered anew, since each counts its own from 1."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from studio.data.record_texts import with_texts
from studio.store.masks import Masks
from studio.store.placeholders import PLACEHOLDER, highest_numbers


class Renumbering:
    """From the placeholders of one dataset to those of another, which are given as they come.

    One that is not in the map stays as it is: nobody knows what it stands for.
    """

    def __init__(self, known: Masks, made: Masks) -> None:
        self._made = made
        self._meanings = {placeholder: (kind, value) for kind, value, placeholder in known.iterate()}

    def renumber(self, record: dict[str, Any]) -> dict[str, Any]:
        if not self._meanings:
            return record
        return with_texts(record, lambda _path, _role, text: PLACEHOLDER.sub(self._renumbered, text))

    def highest_unknown(self, texts: Iterable[str]) -> dict[str, int]:
        """As of `highest_numbers`, of the placeholders that stay as they are."""
        return highest_numbers(texts, but=self._meanings)

    def _renumbered(self, found: re.Match[str]) -> str:
        meaning = self._meanings.get(found[0])
        return self._made.placeholder(*meaning) if meaning else found[0]
