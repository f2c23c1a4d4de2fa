"""The small file of a measuring job answers for any maximum length what a count over all rows would."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.models.machine import Plan
from studio.training.forecast import START_S, forecast_run, loses_too_many
from studio.training.measures import LateRows, Lengths, Measure, find_measure, write_measure

ROWS = st.lists(
    st.tuples(st.integers(1, 300), st.integers(0, 299)).map(lambda r: (r[0], min(r))), min_size=1, max_size=60
)
ROWS = ROWS.map(lambda rows: [(length, min(first, length - 1)) for length, first in rows])


def lengths_of(rows: list[tuple[int, int]]) -> Lengths:
    """rows: (length, first trained token); from there on all is trained."""
    side = Lengths()
    for length, first in rows:
        side.add(length, [(first, length)])
    return side


def make_options(**settings):
    return SimpleNamespace(**({"epochs": 2, "batch_size": 4, "gradient_accumulation": 1, "max_length_tokens": 100,
                               "held_out_fraction": 0.1} | settings))  # fmt: skip


@settings(deadline=None)
@given(ROWS, st.integers(1, 320))
def test_counts_are_those_of_the_rows(rows, most):
    side = lengths_of(rows)
    kept = [(length, first) for length, first in rows if first < most]
    assert side.count_nothing(most) == len(rows) - len(kept)
    assert side.count_cut(most) == sum(length > most for length, _ in kept)
    assert side.count_tokens(most) == sum(min(length, most) for length, _ in kept)


SPANS = st.lists(st.integers(0, 200), min_size=2, max_size=8, unique=True).map(sorted)


@settings(deadline=None)
@given(st.lists(SPANS, min_size=1, max_size=30), st.integers(1, 220))
def test_trained_tokens_are_counted_for_any_maximum_length(rows, most):
    """Each row: the places where trained runs begin and end, by turns."""
    side, trained = Lengths(), 0
    for places in rows:
        spans = list(zip(places[::2], places[1::2], strict=False))
        side.add(places[-1] + 1, spans)
        trained += sum(place < most for start, end in spans for place in range(start, end))
    assert side.count_trained(most) == trained


def test_the_rows_that_train_nothing_are_known_by_their_ids(monkeypatch):
    """Rows 1 to 9 begin to train at 10 to 90; row 10 never does. Cut to 75 tokens, 8, 9 and 10 train nothing."""
    late = LateRows()
    for row in range(1, 10):
        late.add(row * 10, row)
    late.add(None, 10)
    assert Measure(10, Lengths(), Lengths(), {}, 0, late.found()).list_lost(75) == [8, 9, 10]
    monkeypatch.setattr("studio.training.measures.LISTED_ROWS", 2)
    few = LateRows()
    for first, row in ((50, 1), (None, 2), (70, 3), (70, 4), (20, 5)):
        few.add(first, row)
    assert sorted(few.found(), key=str) == [(70, 3), (None, 2)]


@settings(deadline=None)
@given(ROWS)
def test_a_batch_is_as_wide_as_its_longest_row(rows):
    """Of one row the mean length; of very many the longest."""
    side = lengths_of(rows)
    assert side.mean_longest(10**6, 1) == pytest.approx(sum(length for length, _ in rows) / len(rows))
    assert side.mean_longest(10**6, 10_000) == pytest.approx(max(length for length, _ in rows), rel=1e-3)


def test_the_expected_width_is_what_drawing_gives():
    source = random.Random(3)
    rows = [(source.randint(10, 200), 0) for _ in range(500)]
    drawn = [max(min(length, 150) for length, _ in source.choices(rows, k=8)) for _ in range(4000)]
    assert lengths_of(rows).mean_longest(150, 8) == pytest.approx(sum(drawn) / len(drawn), rel=0.01)


def test_a_measure_comes_back_as_it_was_written(tmp_path):
    measure = Measure(9, lengths_of([(5, 2), (5, 3)]), lengths_of([(8, 1)]), {"wrong_kind": 6}, 1, [(None, 4), (3, 2)])
    path = tmp_path / "measures" / "x.json"
    assert find_measure(path) is None
    write_measure(path, measure)
    assert find_measure(path) == measure
    path.write_text(path.read_text("utf-8")[:30], "utf-8")
    assert find_measure(path) is None


def test_a_run_of_the_versions_split_is_foretold_exactly():
    """10 rows of 50 tokens, 1 of 200 cut to 100, 1 that trains nothing: 11 rows, 600 tokens twice, 2 × 3 steps of 4."""
    train = lengths_of([(50, 10)] * 10 + [(200, 10), (200, 150)])
    forecast = forecast_run(Measure(13, train, lengths_of([(20, 3)]), {}, 0), None, make_options(), True)
    assert (forecast.rows, forecast.held_out, forecast.tokens, forecast.steps) == (11, 1, 1200, 6)
    assert (forecast.cut, forecast.nothing, forecast.seconds) == (1, 1, None)


def test_another_share_is_foretold_from_all_rows_together():
    measure = Measure(100, lengths_of([(50, 10)] * 90), lengths_of([(50, 10)] * 10), {}, 0)
    forecast = forecast_run(measure, None, make_options(held_out_fraction=0.5), False)
    assert (forecast.rows, forecast.held_out, forecast.tokens, forecast.steps) == (50, 50, 5000, 26)


def test_the_time_follows_from_the_steps_and_their_width():
    """16 rows of 50 tokens in 4 × 4, twice: 8 steps of 0.01 + 200 × 0.001 s, a tenth more for what is beside them."""
    measure = Measure(16, lengths_of([(50, 10)] * 16), Lengths(), {}, 0)
    plan = Plan("float32", 1, "trained", 0.01, 0.001, {})
    seconds = forecast_run(measure, plan, make_options(), True).seconds
    assert seconds == pytest.approx(START_S + 8 * 0.21 * 1.1)


def test_three_lost_rows_in_ten_are_too_many_only_above_that():
    assert not loses_too_many(30, 100)
    assert loses_too_many(31, 100)
    assert not loses_too_many(0, 0)
