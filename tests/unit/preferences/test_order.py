"""Which reply stands left is drawn, fair and always the same for a pair."""

from __future__ import annotations

from studio.preferences.order import left_reply
from studio.preferences.votes import winner_of


def test_each_reply_stands_left_about_half_of_the_time():
    """4,000 fair draws lie within 2,000 ± 200 but for one time in ten billion."""
    assert abs(sum(left_reply("seed", pair) == "a" for pair in range(4000)) - 2000) < 200


def test_a_pair_looks_the_same_each_time_and_different_in_another_project():
    first = [left_reply("one", pair) for pair in range(64)]
    assert first == [left_reply("one", pair) for pair in range(64)]
    assert first != [left_reply("another", pair) for pair in range(64)]


def test_a_side_means_the_reply_that_stood_there():
    assert [winner_of(pressed, "a") for pressed in ("left", "right", "both_good", "skip")] == ["a", "b", None, None]
    assert [winner_of(pressed, "b") for pressed in ("left", "right")] == ["b", "a"]
