"""What a dataset holds at a glance, for its card: kinds of records, languages, lengths, and whether bad examples are told."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from studio.data.kinds import PREFERENCE, UNPAIRED
from studio.data.languages import guess_language
from studio.data.records import iterate_texts

FACT = "profile"
SAMPLED_ROWS = 2_000
"""So many rows, evenly over the dataset, tell its languages; guessing takes up to a millisecond a row."""

_TOGETHER_CHARACTERS = 600


class Profile:
    """Filled row by row. rows: how many there will be."""

    def __init__(self, rows: int) -> None:
        self._step = max(-(-rows // SAMPLED_ROWS), 1)
        self._kinds: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self._sampled = 0
        self._unclear: dict[bool, list[str]] = {True: [], False: []}
        self._characters = array("q")
        self._good = self._bad = 0

    def add(self, kind: str, record: Mapping[str, Any]) -> None:
        texts = [text for _, role, text in iterate_texts(record) if role not in ("system", "label")]
        if len(self._characters) % self._step == 0:
            self._guess("\n".join(texts))
        self._characters.append(sum(map(len, texts)))
        self._kinds[kind] += 1
        self._good += kind == PREFERENCE or (kind == UNPAIRED and record.get("label") is True)
        self._bad += kind == PREFERENCE or (kind == UNPAIRED and record.get("label") is False)

    def _guess(self, text: str) -> None:
        """Short texts that are not clear alone are guessed together with others of their script."""
        self._sampled += 1
        if code := guess_language(text):
            self._languages[code] += 1
            return
        unclear = self._unclear[text.isascii()]
        unclear.append(text)
        if sum(map(len, unclear)) >= _TOGETHER_CHARACTERS:
            self._guess_together(unclear)

    def _guess_together(self, unclear: list[str]) -> None:
        if unclear:
            self._languages[guess_language("\n".join(unclear)) or ""] += len(unclear)
            unclear.clear()

    def facts(self) -> dict[str, Any]:
        """kinds: rows by kind. languages: sampled rows by code, "" where none is clear. middle, longest: characters.

        good, bad: examples that are told to be so: of a pair both.
        """
        for unclear in self._unclear.values():
            self._guess_together(unclear)
        lengths = np.frombuffer(self._characters, dtype=np.int64)
        return {
            "rows": len(lengths),
            "kinds": dict(self._kinds.most_common()),
            "languages": dict(self._languages.most_common()),
            "sampled": self._sampled,
            "characters": int(lengths.sum()),
            "middle": int(np.median(lengths)) if len(lengths) else None,
            "longest": int(lengths.max()) if len(lengths) else None,
            "good": self._good,
            "bad": self._bad,
        }
