"""Placeholders such as ⟨EMAIL_1⟩ that stand in rows, whoever wrote them there: no other value may get their numbers."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator

PLACEHOLDER = re.compile(r"⟨([^⟨⟩\s]+)_([0-9]+)⟩")
"""Its kind in capitals, and its number."""

_MOST_DIGITS, COUNTED_DIGITS = 15, 18
"""A longer number that stands in a row was not counted up to by anybody; what begins above one needs few digits more."""


def highest_numbers(texts: Iterable[str], but: Collection[str] = (), most_digits: int = _MOST_DIGITS) -> dict[str, int]:
    """Kind in capitals → the highest number of its placeholders in the texts. but: placeholders that do not count.

    most_digits: of a number that counts.
    """
    highest: dict[str, int] = {}
    for text in texts:
        for found in PLACEHOLDER.finditer(text):
            kind, digits = found.groups()
            if len(digits) <= most_digits and int(digits) > highest.get(kind, 0) and found[0] not in but:
                highest[kind] = int(digits)
    return highest


def iterate_marked(connection: sqlite3.Connection) -> Iterator[str]:
    """The records of a dataset, as JSON, that may hold placeholders; of deleted rows too, which an undo brings back."""
    for row in connection.execute("SELECT record FROM rows WHERE instr(record, '⟨')"):
        yield row[0]


def standing_numbers(connection: sqlite3.Connection) -> dict[str, int]:
    """As of `highest_numbers`, of all rows of a dataset. Reads every record once: half a second a million."""
    return highest_numbers(iterate_marked(connection))
