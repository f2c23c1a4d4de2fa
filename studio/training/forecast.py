"""What a run will do and about what it costs, from what was measured before: no model is loaded for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from studio.models.machine import Plan
from studio.training.measures import Lengths, Measure
from studio.training.rows import MOST_LOST_FRACTION

START_S = 1.5
BESIDE_SHARE = 0.1
"""Evaluation, replies and checkpoints beside the steps."""

PAIR_COST = 1.8
"""A step on pairs against one on as many tokens, pocket model: the frozen reference reads them too, without gradients, and
trl's fused head takes its time."""


@dataclass(frozen=True)
class Forecast:
    """rows: trained on. nothing: rows that would train nothing. tokens: read in the whole run. seconds: about, or None."""

    rows: int
    held_out: int
    tokens: int
    steps: int
    cut: int
    nothing: int
    seconds: float | None


def forecast_run(measure: Measure, plan: Plan | None, options: Any, keeps_split: bool) -> Forecast:
    """Exact for the version's own split; for another share the rows are taken to be like all of them."""
    most = options.max_length_tokens
    both = measure.train + measure.held_out
    side, share = (measure.train, 1.0) if keeps_split else (both, 1.0 - options.held_out_fraction)
    nothing = side.count_nothing(most)
    rows = round((side.rows - nothing) * share)
    held_out = both.rows - both.count_nothing(most) - rows
    steps = count_steps(rows, options)
    tokens = round(side.count_tokens(most) * share) * options.epochs
    return Forecast(
        rows=rows,
        held_out=held_out,
        tokens=tokens,
        steps=steps,
        cut=both.count_cut(most),
        nothing=both.count_nothing(most),
        seconds=_forecast_seconds(side, plan, options, steps) if plan and rows else None,
    )


def count_steps(rows: int, options: Any) -> int:
    """Optimiser steps of a whole run."""
    batches = math.ceil(rows / options.batch_size)
    return options.epochs * math.ceil(batches / options.gradient_accumulation)


def loses_too_many(lost: int, rows: int) -> bool:
    """Whether so many rows lose every label that the person should confirm it."""
    return rows > 0 and lost > MOST_LOST_FRACTION * rows


def _forecast_seconds(side: Lengths, plan: Plan, options: Any, steps: int) -> float:
    batch = min(options.batch_size, side.rows)
    width = side.mean_longest(options.max_length_tokens, batch)
    tokens = batch * width * (2 * PAIR_COST if side.are_pairs else 1)
    micro_s = plan.step_seconds(tokens, width)
    return START_S + steps * micro_s * options.gradient_accumulation * (1 + BESIDE_SHARE)
