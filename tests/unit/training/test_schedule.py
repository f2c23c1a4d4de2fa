"""Evaluations and replies cost a tenth of a run at most, and there is always one before and one after."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.training.schedule import MOST_BETWEEN, Schedule, choose_subset


def simulate(total: int, cost_s: float, step_s: float) -> list[int]:
    """The steps in between at which a run with such costs evaluates."""
    schedule = Schedule(total)
    schedule.add_evaluation(0, cost_s, step_s)
    seen = []
    for step in range(1, total):
        if schedule.is_due(step):
            seen.append(step)
            schedule.add_evaluation(step, cost_s, step_s)
    return seen


def test_a_cheap_evaluation_is_made_twenty_times_evenly():
    seen = simulate(1050, 0.01, 1.0)
    assert len(seen) == MOST_BETWEEN
    gaps = [b - a for a, b in zip([0, *seen], [*seen, 1050], strict=True)]
    assert max(gaps) - min(gaps) <= 2


def test_a_tenth_of_the_run_buys_what_it_buys():
    """100 s of steps allow 10 s: before, after and eight in between at 1 s each."""
    assert len(simulate(100, 1.0, 1.0)) == 8


def test_a_dear_evaluation_is_made_before_and_after_only():
    assert simulate(100, 6.0, 1.0) == []


@settings(deadline=None)
@given(st.integers(1, 3000), st.floats(1e-4, 10), st.floats(1e-3, 5))
def test_the_cost_stays_within_a_tenth_or_is_the_least(total, cost_s, step_s):
    between = simulate(total, cost_s, step_s)
    assert len(between) <= MOST_BETWEEN
    assert not between or (len(between) + 2) * cost_s <= 0.1 * total * step_s + 1e-9
    assert between == sorted(set(between)) and all(0 < step < total for step in between)


@pytest.mark.parametrize(("budget", "rows"), [(1e9, 20), (1000, 10), (1, 8), (0, 8), (850, 8), (950, 9)])
def test_a_large_held_out_set_is_measured_in_part(budget, rows):
    assert choose_subset([100] * 20, budget) == rows


def test_a_small_held_out_set_is_measured_whole():
    assert choose_subset([100] * 5, 0) == 5
