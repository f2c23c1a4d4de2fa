"""Votes: what a person can say about a pair, and what it means whichever reply stood left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from studio.preferences.pairs import other

WIN, BOTH_GOOD, BOTH_BAD, SKIP, UNDO = "win", "both_good", "both_bad", "skip", "undo"
EDIT = "edit"
"""A win whose winner was rewritten: stored as a win with a text."""

OUTCOMES = (WIN, EDIT, BOTH_GOOD, BOTH_BAD, SKIP)
LONGEST_EDIT = 100_000

PRESSED: Mapping[str, str] = MappingProxyType(
    {"left": WIN, "right": WIN, "both_good": BOTH_GOOD, "both_bad": BOTH_BAD, "skip": SKIP, "undo": UNDO}
)
"""What a page sends → what is stored."""


@dataclass(frozen=True)
class Vote:
    """One event of the log. event: the id that the page gave it. winner: `a`, `b`, or None unless it is a win.

    left: which reply stood left. edited: the winner as the person rewrote it. seconds: from shown to decided.
    undoes: the event that an undo takes back.
    """

    event: str
    pair_id: int
    action: str
    winner: str | None
    left: str
    edited: str | None = None
    seconds: float | None = None
    undoes: str | None = None


def winner_of(pressed: str, left: str) -> str | None:
    """The reply behind a side; None where no side was chosen."""
    return {"left": left, "right": other(left)}.get(pressed)


def outcome_of(action: str, edited: str | None) -> str:
    return EDIT if action == WIN and edited is not None else action
