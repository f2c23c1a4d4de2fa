"""The curves of a run: smoothing with worked numbers, and a thinning that loses no spike and no gap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.services.series import RAW_LIMIT, Curves, bin_size, smoothing_factor, thinned


def step(number: int, loss: float | None, total: int = 125) -> dict:
    return {"kind": "step", "step": number, "total_steps": total, "loss": loss, "learning_rate": 0.001}


def curves_of(losses: list[float | None]) -> Curves:
    curves = Curves()
    curves.extend(step(number, loss) for number, loss in enumerate(losses, 1))
    return curves


def test_the_smoothed_line_is_the_debiased_exponential_mean():
    """Factor 0.8: after 1, 2: sums 0.2 and 0.56, weights 0.2 and 0.36, so 1 and 1.5556; the next 4 gives 2.5574."""
    smoothed = curves_of([1.0, 2.0, 4.0]).columns["smoothed"]
    assert list(smoothed) == pytest.approx([1.0, 0.56 / 0.36, (0.8 * 0.56 + 0.8) / (0.8 * 0.36 + 0.2)])


def test_a_line_that_stands_for_several_steps_counts_for_as_many():
    """With 0.8 a step, the past weighs 0.8 ** 3 after a line three steps later."""
    curves = Curves()
    curves.extend([step(1, 1.0), step(4, 2.0)])
    keep = 0.8**3
    assert curves.columns["smoothed"][1] == pytest.approx((keep * 0.2 + (1 - keep) * 2) / (keep * 0.2 + 1 - keep))


@pytest.mark.parametrize(("total", "factor"), [(76, 0.8), (250, 0.9), (5_000, 0.99), (100_000, 0.99), (None, 0.9)])
def test_the_smoothing_factor_follows_the_length_of_the_run(total, factor):
    assert smoothing_factor(total) == factor


def test_a_null_stays_a_gap_in_the_raw_and_the_smoothed_line():
    lines = curves_of([1.0, None, 1.0]).lines(0, 3, 1)
    assert lines["loss"]["y"] == [1.0, None, 1.0]
    assert lines["smoothed"]["y"] == [1.0, None, 1.0]


@pytest.mark.parametrize(
    ("count", "size"), [(0, 1), (1, 1), (2_000, 1), (2_001, 4), (4_000, 4), (4_001, 8), (100_000, 128)]
)
def test_the_bins_double_when_the_points_do(count, size):
    assert bin_size(count) == size
    assert 2 * math.ceil(count / size) <= RAW_LIMIT * (2 if size == 1 else 1)


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=300),
    st.sampled_from([2, 4, 16, 128]),
)
def test_thinning_keeps_extremes_order_and_every_gap(values, size):
    steps = np.arange(1, len(values) + 1)
    numbers = np.array([math.nan if value is None else value for value in values], dtype=float)
    x, y = thinned(steps, numbers, size)
    assert (np.diff(x) > 0).all()
    assert len(x) <= 3 * math.ceil(len(values) / size)
    for start in range(0, len(values), size):
        whole = numbers[start : start + size]
        kept = y[(x > start) & (x <= start + size)]
        assert np.isnan(kept).any() == np.isnan(whole).any()
        if not np.isnan(whole).all():
            assert np.nanmin(kept) == np.nanmin(whole)
            assert np.nanmax(kept) == np.nanmax(whole)


def test_one_spike_in_a_long_run_is_still_drawn():
    losses = [1.0] * 50_000
    losses[31_415] = 99.0
    lines = curves_of(losses).lines(0, 50_000, bin_size(50_000))
    at = lines["loss"]["x"].index(31_416)
    assert lines["loss"]["y"][at] == 99.0
    assert len(lines["loss"]["x"]) <= RAW_LIMIT


def test_a_zoom_gives_every_point_where_they_fit_and_bins_where_not():
    curves = curves_of([float(number % 7) for number in range(10_000)])
    assert curves.between(101, 2_100)["loss"]["x"] == list(range(101, 2_101))
    assert len(curves.between(1, 10_000)["loss"]["x"]) <= RAW_LIMIT


def test_the_tail_of_a_long_run_is_short():
    curves = curves_of([float(number % 11) for number in range(100_127)])
    done = 100_127 - 100_127 % 128
    assert len(curves.tail(done)["loss"]["x"]) <= 65
    assert curves.tail(done)["smoothed"]["x"][-1] == 100_127


def test_the_newest_point_is_in_the_tail_even_where_the_line_is_flat():
    curves = curves_of([1.0] * 100_012)
    done = 100_012 - 100_012 % 128
    assert curves.tail(done)["loss"]["x"][-1] == 100_012


def test_what_a_method_tells_beside_the_loss_becomes_a_line_of_its_own():
    """Told from the third step on: two gaps, then its values; a step that lacks it is a gap again."""
    curves = Curves()
    curves.extend({"step": step, "total_steps": 5, "loss": 1.0} for step in (1, 2))
    curves.extend(
        [{"step": 3, "loss": 1.0, "extra": {"rewards/margins": 0.5}}, {"step": 4, "loss": 1.0, "extra": None}]
    )
    lines = curves.lines(0, 4, 1)
    assert lines["rewards/margins"] == {"x": [1, 2, 3, 4], "y": [None, None, 0.5, None]}


def test_a_log_that_tells_of_very_many_numbers_keeps_the_first_twelve():
    curves = Curves()
    curves.extend([{"step": 1, "total_steps": 1, "loss": 1.0, "extra": {f"number {n}": n for n in range(1000)}}])
    assert len(curves.extra) == 12
    assert all(len(column) == 1 for column in curves.columns.values())
