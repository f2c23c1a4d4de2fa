"""From votes to training rows: one vote becomes rows for DPO and for KTO, by one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from studio.preferences.pairs import A, B, Messages, as_reply, other
from studio.preferences.votes import BOTH_BAD, BOTH_GOOD, EDIT, SKIP, WIN

Row = dict[str, Any]

ROWS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {WIN: (1, 2), EDIT: (1, 2), BOTH_GOOD: (0, 2), BOTH_BAD: (0, 2), SKIP: (0, 0)}
)
"""Outcome → how many DPO and KTO rows it makes."""


@dataclass(frozen=True)
class Judged:
    """A pair with the outcome of its standing vote. winner: `a` or `b` after a win or an edit."""

    prompt: Messages
    a: Messages
    b: Messages
    outcome: str
    winner: str | None = None
    edited: str | None = None

    def reply(self, name: str) -> Messages:
        return self.a if name == A else self.b


def dpo_rows(judged: Judged) -> list[Row]:
    """Rows {prompt, chosen, rejected}. An edit stands against the reply it was made from, which is the closest contrast."""
    if judged.winner is None:
        return []
    chosen, rejected = judged.reply(judged.winner), judged.reply(other(judged.winner))
    if judged.outcome == EDIT:
        chosen, rejected = as_reply(judged.edited or ""), chosen
    return [{"prompt": list(judged.prompt), "chosen": list(chosen), "rejected": list(rejected)}]


def kto_rows(judged: Judged) -> list[Row]:
    """Rows {prompt, completion, label}: each reply that was judged on its own, wanted or not."""
    labelled: list[tuple[Messages, bool]] = []
    if judged.outcome == EDIT and judged.winner:
        labelled = [(as_reply(judged.edited or ""), True), (judged.reply(judged.winner), False)]
    elif judged.outcome == WIN and judged.winner:
        labelled = [(judged.reply(judged.winner), True), (judged.reply(other(judged.winner)), False)]
    elif judged.outcome in (BOTH_GOOD, BOTH_BAD):
        labelled = [(judged.reply(name), judged.outcome == BOTH_GOOD) for name in (A, B)]
    return [{"prompt": list(judged.prompt), "completion": list(reply), "label": label} for reply, label in labelled]
