"""Step by step into the job's log: each of the first hundred steps, then at most two lines a second, first and last always."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from studio.errors import TrainingDiverged
from studio.events import Event, Notice, Step

EVERY_STEP_UNTIL = 100
LINE_INTERVAL_S = 0.5
DIVERGED_AFTER_STEPS = 10


class Reporter:
    """Collects what a step was and writes it when a line is due. Times given to `pause` do not count as training.

    extra: the method's own numbers of the next line.
    """

    def __init__(self, emit: Callable[[Event], None], total_steps: int, memory_bytes: Callable[[], int | None]) -> None:
        self.emit = emit
        self.total_steps = total_steps
        self.tokens = 0
        self.last_loss: float | None = None
        self.extra: Mapping[str, float] = {}
        self._memory_bytes = memory_bytes
        self._losses: list[float] = []
        self._not_finite = 0
        self._not_finite_in_a_row = 0
        self._paused_s = 0.0
        self._pause_began: float | None = None
        self._began = time.perf_counter()
        self._line_at = self._began
        self._line_paused_s = 0.0
        self._line_tokens = 0

    @property
    def seconds_training(self) -> float:
        """Time since the start without the pauses; within one, up to its beginning."""
        now = time.perf_counter() if self._pause_began is None else self._pause_began
        return now - self._began - self._paused_s

    def add_loss(self, loss: float) -> None:
        """The loss of one step. A loss that is not finite is a gap in the curve, not part of a mean."""
        if math.isfinite(loss):
            self._losses.append(loss)
            self._not_finite_in_a_row = 0
        else:
            self._not_finite += 1
            self._not_finite_in_a_row += 1

    def check_finite(self, step: int, learning_rate: float) -> None:
        """Raises TrainingDiverged after ten steps in a row without a number."""
        if self._not_finite_in_a_row >= DIVERGED_AFTER_STEPS:
            raise TrainingDiverged(step=step, steps=self._not_finite_in_a_row, learning_rate=learning_rate)

    def is_due(self, step: int) -> bool:
        since = time.perf_counter() - self._line_at
        return step <= EVERY_STEP_UNTIL or step >= self.total_steps or since >= LINE_INTERVAL_S

    def write_step(self, step: int, epoch: float, learning_rate: float | None, grad_norm: float | None) -> None:
        """One line: the mean loss since the last one, and the speed without the pauses in between."""
        now = time.perf_counter()
        seconds = now - self._line_at - (self._paused_s - self._line_paused_s)
        tokens = self.tokens - self._line_tokens
        loss = sum(self._losses) / len(self._losses) if self._losses else None
        if self._not_finite:
            self.emit(Notice("warning", "loss_not_finite", {"step": step, "steps": self._not_finite}))
        self.emit(
            Step(
                step=step,
                total_steps=self.total_steps,
                epoch=round(epoch, 4),
                loss=loss,
                learning_rate=learning_rate,
                grad_norm=grad_norm if grad_norm is not None and math.isfinite(grad_norm) else None,
                tokens=self.tokens,
                tokens_per_s=round(tokens / seconds, 1) if seconds > 0 else None,
                memory_bytes=self._memory_bytes(),
                extra=self.extra,
            )
        )
        self.last_loss = loss if loss is not None else self.last_loss
        self._losses.clear()
        self._not_finite = 0
        self._line_at, self._line_paused_s, self._line_tokens = now, self._paused_s, self.tokens

    @contextmanager
    def pause(self) -> Iterator[None]:
        self._pause_began = time.perf_counter()
        try:
            yield
        finally:
            self._paused_s += time.perf_counter() - self._pause_began
            self._pause_began = None
