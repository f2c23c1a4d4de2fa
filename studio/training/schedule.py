"""When to evaluate and to show replies, so that both together cost at most a tenth of a run."""

from __future__ import annotations

import math

SHARE = 0.1
MOST_BETWEEN = 20


class Schedule:
    """Before and after always; in between as often as the rest of the tenth allows, evenly spaced.

    least: so often in between, even where it costs more than that.
    """

    def __init__(self, total_steps: int, least: int = 0) -> None:
        self.total_steps = total_steps
        self.least = least
        self.next_step: int | None = None
        self._spent_s = 0.0
        self._between = 0

    def add_evaluation(self, step: int, cost_s: float, step_s: float) -> None:
        """An evaluation was made after `step` and cost that much; a step of training costs `step_s`."""
        self._spent_s += cost_s
        self._between += 0 < step < self.total_steps
        budget_s = SHARE * self.total_steps * step_s - self._spent_s - cost_s
        afforded = int(budget_s / cost_s) if cost_s > 0 else MOST_BETWEEN
        left = min(max(afforded, self.least - self._between), MOST_BETWEEN - self._between)
        remaining = self.total_steps - step
        if left < 1 or remaining < 2:
            self.next_step = None
            return
        self.next_step = step + max(1, math.ceil(remaining / (left + 1)))

    def is_due(self, step: int) -> bool:
        """Whether to evaluate between the first and the last step."""
        return self.next_step is not None and self.next_step <= step < self.total_steps


def choose_subset(lengths: list[int], budget_tokens: float, least_rows: int = 8) -> int:
    """How many of the held-out rows, in their order, one evaluation may take."""
    used = 0
    for index, length in enumerate(lengths):
        used += length
        if used > budget_tokens and index >= least_rows:
            return index
    return len(lengths)
