"""Which rows are held out: those whose split key is at most a threshold, drawn once and kept through edits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TRAIN = "train"
HELD_OUT = "held_out"
SPLITS = (TRAIN, HELD_OUT)
DEFAULT_HELD_OUT_FRACTION = 0.1
NOBODY = -1.0
"""The threshold at which no row is held out: keys are 0..1."""

HELD_OUT_BY_HAND, TRAIN_BY_HAND = -2.0, 2.0
"""Keys of rows that a person has put on a side: they stay there however the share is set."""


def split_of(key: float, threshold: float) -> str:
    return HELD_OUT if key <= threshold else TRAIN


def held_out_threshold(keys: Sequence[float], fraction: float) -> float:
    """The key up to which rows are held out, so that their share is as near to the fraction as equal keys allow.

    fraction: 0..1. Rows with equal keys stay together. A fraction above 0 holds out at least one key, and one key at
    least stays for training; with a single key nothing is held out.
    """
    distinct, counts = np.unique(np.asarray(keys, dtype=np.float64), return_counts=True)
    if fraction <= 0 or len(distinct) < 2:
        return NOBODY
    held = np.cumsum(counts)
    nearest = int(np.argmin(np.abs(held - fraction * len(keys))))
    return float(distinct[min(nearest, len(distinct) - 2)])
