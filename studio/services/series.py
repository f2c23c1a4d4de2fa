"""A run's curves in memory: every raw point, the smoothed line, and both thinned for a screen."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

RAW_LIMIT = 2_000
"""Up to here every point is drawn; above, never more points than this a line."""
DRAWN = ("loss", "smoothed", "learning_rate", "grad_norm")
_MEASURED = ("loss", "learning_rate", "grad_norm", "tokens", "tokens_per_s")
_EXTREMES = frozenset({"loss", "grad_norm"})
_TAIL_BINS = 32
_MOST_EXTRA = 12

Line = dict[str, list[float | None]]


class Curves:
    """The logged steps of one run, column by column; a value that was null or missing is NaN.

    What a method tells beside the loss (`extra`) becomes columns by its names when it is first told.

    `smoothed` is the debiased exponential mean of the loss. `factor` is its weight of the past per training step, so
    lines that stand for several steps count for as many; it is fixed by the first line's `total_steps`.
    """

    def __init__(self) -> None:
        self.steps = array("q")
        self.columns = {name: array("d") for name in (*_MEASURED, "smoothed")}
        self.extra: list[str] = []
        self.factor = 0.0
        self._sum = 0.0
        self._weight = 0.0

    def __len__(self) -> int:
        return len(self.steps)

    def extend(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Append `step` events in the order of the log."""
        for event in events:
            step = event.get("step")
            if not isinstance(step, int):
                continue
            if not self.steps:
                self.factor = smoothing_factor(event.get("total_steps"))
            gap = step - self.steps[-1] if self.steps else 1
            self.steps.append(step)
            for name in _MEASURED:
                self.columns[name].append(_number(event.get(name)))
            self.columns["smoothed"].append(self._smooth(self.columns["loss"][-1], gap))
            self._add_extra(event.get("extra"))

    def _add_extra(self, told: Any) -> None:
        found = told if isinstance(told, Mapping) else {}
        for name in found:
            if name not in self.columns and len(self.extra) < _MOST_EXTRA:
                self.extra.append(name)
                self.columns[name] = array("d", [math.nan]) * (len(self.steps) - 1)
        for name in self.extra:
            self.columns[name].append(_number(found.get(name)))

    def _smooth(self, loss: float, gap: int) -> float:
        if math.isnan(loss):
            return math.nan
        keep = self.factor if gap == 1 else self.factor ** max(gap, 1)
        self._sum = keep * self._sum + (1 - keep) * loss
        self._weight = keep * self._weight + (1 - keep)
        return self._sum / self._weight

    def lines(self, first: int, last: int, size: int) -> dict[str, Line]:
        """The points `first:last` (positions, not steps) of every drawn line, in bins of `size` points.

        size 1: as they are. Else each bin gives the smallest and the largest value (loss, gradient norm) or the last
        one (smoothed, learning rate), and one null where the bin held a null, so that the gap stays visible.
        """
        steps = np.frombuffer(self.steps[first:last], dtype=np.int64)
        return {name: self._line(name, steps, first, last, size) for name in (*DRAWN, *self.extra)}

    def _line(self, name: str, steps: np.ndarray, first: int, last: int, size: int) -> Line:
        values = np.frombuffer(self.columns[name][first:last], dtype=np.float64)
        if size > 1:
            steps, values = thinned(steps, values, size, extremes=name in _EXTREMES)
        return {"x": steps.tolist(), "y": [_rounded(value) for value in values.tolist()]}

    def between(self, first_step: int, last_step: int) -> dict[str, Line]:
        """All lines from one training step to another, raw where they fit into RAW_LIMIT points."""
        steps = np.frombuffer(self.steps[:], dtype=np.int64)
        first = int(np.searchsorted(steps, first_step, "left"))
        last = int(np.searchsorted(steps, last_step, "right"))
        return self.lines(first, last, bin_size(last - first))

    def tail(self, first: int) -> dict[str, Line]:
        """The points after the last complete bin, in at most 65 points a line; the newest is always among them."""
        count = len(self) - first
        lines = self.lines(first, len(self), max(1, math.ceil(count / _TAIL_BINS)))
        for name, newest in self.lines(len(self) - 1, len(self), 1).items():
            if lines[name]["x"][-1] != newest["x"][0]:
                lines[name]["x"] += newest["x"]
                lines[name]["y"] += newest["y"]
        return lines


def bin_size(count: int) -> int:
    """Points a bin: 1 up to RAW_LIMIT points, then the power of two that gives 500 to 1,000 bins, doubling on."""
    size = 1
    while count > RAW_LIMIT and count > size * RAW_LIMIT // 2:
        size *= 2
    return size


def thinned(
    steps: np.ndarray, values: np.ndarray, size: int, *, extremes: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Bins of `size` points (the last may be shorter), each reduced to its smallest and largest value in their order.

    extremes False: the last value of each bin instead. A bin that holds a NaN keeps one, at its place. (N,) → (M,).
    """
    if not len(values):
        return steps, values
    starts = np.arange(0, len(values), size)
    if not extremes:
        ends = np.append(starts[1:], len(values)) - 1
        return steps[ends], values[ends]
    padding = len(starts) * size - len(values)
    gone = np.isnan(values)
    low = np.append(np.where(gone, np.inf, values), np.full(padding, np.inf)).reshape(-1, size).argmin(1)
    high = np.append(np.where(gone, -np.inf, values), np.full(padding, -np.inf)).reshape(-1, size).argmax(1)
    holes = np.append(gone, np.zeros(padding, bool)).reshape(-1, size)
    hole = np.where(holes.any(1), holes.argmax(1), low)
    kept = np.unique(np.stack([low + starts, high + starts, hole + starts]))
    return steps[kept], values[kept]


def smoothing_factor(total_steps: Any) -> float:
    """The smoothed line looks back over a twenty-fifth of the run, 5 to 100 steps: 0.8 to 0.99 a step.

    Tried on the pocket model: a fixed 0.9 lags behind a 76-step run and still shakes in one of 5,000 steps.
    """
    window = min(100.0, max(5.0, _number(total_steps) / 25)) if total_steps else 10.0
    return round(1 - 1 / window, 3)


def _number(value: Any) -> float:
    return value if isinstance(value, (int, float)) else math.nan


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.6g}")
