"""What of the steps is written: enough to draw, never too much, and no number that is none."""

from __future__ import annotations

import math

import pytest

from studio.errors import TrainingDiverged
from studio.training import reporter as module
from studio.training.reporter import Reporter


class Clock:
    """Time that stands still until it is moved on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(module.time, "perf_counter", lambda: self.now)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


def make_reporter(total: int):
    events = []
    return Reporter(events.append, total, lambda: 1_000), events


def run_steps(reporter: Reporter, clock: Clock, steps: range, seconds: float, loss: float = 1.0) -> None:
    for step in steps:
        clock.now += seconds
        reporter.add_loss(loss)
        reporter.tokens += 10
        if reporter.is_due(step):
            reporter.write_step(step, step / 100, 1e-3, 0.5)


def test_the_first_hundred_steps_are_all_written_then_two_lines_a_second(clock):
    """1,000 steps of 10 ms: 100 lines, then 900 steps in 9 s make 18, the last of them the last step."""
    reporter, events = make_reporter(1000)
    run_steps(reporter, clock, range(1, 1001), 0.01)
    steps = [event.step for event in events]
    assert steps[:100] == list(range(1, 101))
    assert len(steps) == 118 and steps[-1] == 1000


def test_slow_steps_are_all_written(clock):
    reporter, events = make_reporter(150)
    run_steps(reporter, clock, range(1, 151), 0.7)
    assert len(events) == 150


def test_a_line_holds_the_mean_loss_since_the_last_one_and_the_speed(clock):
    reporter, events = make_reporter(1000)
    run_steps(reporter, clock, range(1, 101), 0.01)
    for step, loss in ((101, 1.0), (102, 2.0), (103, 6.0)):
        run_steps(reporter, clock, range(step, step + 1), 0.2, loss)
    assert events[-1].step == 103
    assert events[-1].loss == 3.0
    assert events[-1].tokens_per_s == pytest.approx(30 / 0.6, rel=1e-3)
    assert events[-1].tokens == 1030


def test_pauses_do_not_count_as_training(clock):
    reporter, events = make_reporter(10)
    run_steps(reporter, clock, range(1, 2), 1.0)
    with reporter.pause():
        clock.now += 50
        assert reporter.seconds_training == 1.0
    run_steps(reporter, clock, range(2, 3), 1.0)
    assert reporter.seconds_training == 2.0
    assert events[-1].tokens_per_s == 10.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_left_out_of_the_mean_and_told(clock, bad):
    reporter, events = make_reporter(10)
    reporter.add_loss(2.0)
    reporter.add_loss(bad)
    reporter.write_step(2, 0.1, 1e-3, math.nan)
    notice, step = events
    assert (notice.code, notice.values) == ("loss_not_finite", {"step": 2, "steps": 1})
    assert step.loss == 2.0 and step.grad_norm is None


def test_a_run_goes_on_after_nine_bad_steps_and_ends_at_the_tenth(clock):
    reporter, _ = make_reporter(100)
    for _ in range(9):
        reporter.add_loss(math.nan)
    reporter.check_finite(9, 0.1)
    reporter.add_loss(1.0)
    for _ in range(10):
        reporter.add_loss(math.nan)
    with pytest.raises(TrainingDiverged) as caught:
        reporter.check_finite(20, 0.1)
    assert caught.value.values == {"step": 20, "steps": 10, "learning_rate": 0.1}
