"""Blends: which rows of several datasets go into one, how often each, and which of them stand in more than one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from studio.data.records import (
    CONVERSATION,
    DOCUMENT,
    PREFERENCE,
    PROMPT_COMPLETION,
    fingerprint,
    record_kind,
    split_key,
)

MOST_PARTS = 20
MOST_TIMES = 20.0
MOST_ROWS = 5_000_000
SEED_LIMIT = 2**31
_WORDS_ARE_ALL = (CONVERSATION, PROMPT_COMPLETION, PREFERENCE, DOCUMENT)


class BlendPart(BaseModel):
    """One dataset of a blend: `times` (0.5 = half of its rows, 2 = each row twice) or `rows`, how many of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    times: float | None = Field(default=None, gt=0, le=MOST_TIMES, allow_inf_nan=False)
    rows: int | None = Field(default=None, ge=1, le=MOST_ROWS)

    @model_validator(mode="after")
    def _one_of_two(self) -> BlendPart:
        if (self.times is None) == (self.rows is None):
            raise ValueError("times or rows")
        return self

    def wanted(self, available: int) -> int:
        """How many rows are drawn of so many."""
        if not available:
            return 0
        return self.rows if self.rows is not None else round((self.times or 0) * available)


def draw_rows(row_ids: Sequence[int] | np.ndarray, wanted: int, seed: int, part: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct row ids in order, and how often each is taken: every row as often as any other, give or take once.

    Which rows are taken once more depends on the seed and on the part's place alone.
    """
    ids = np.asarray(row_ids, dtype=np.int64)
    if not len(ids) or wanted <= 0:
        return ids[:0], ids[:0]
    whole, rest = divmod(wanted, len(ids))
    counts = np.full(len(ids), whole, dtype=np.int64)
    counts[np.random.default_rng([seed, part]).permutation(len(ids))[:rest]] += 1
    taken = counts > 0
    return ids[taken], counts[taken]


def same_key(record: Mapping[str, Any]) -> float:
    """A number 0..1 that two records share where both say the same: words and, where there is one, label or answer."""
    if record_kind(record) in _WORDS_ARE_ALL:
        return split_key(record)
    return int(fingerprint(record)[:16], 16) / 2.0**64


def count_shared(keys: Sequence[np.ndarray]) -> int:
    """How many rows stand in an earlier dataset as well. keys: of each dataset, one number a row (`same_key`)."""
    shared, seen = 0, np.empty(0)
    for one in keys:
        shared += int(np.isin(one, seen).sum())
        seen = np.union1d(seen, one)
    return shared
