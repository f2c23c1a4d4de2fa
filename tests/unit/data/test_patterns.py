"""Regular expressions that a person types: what they find, what is wrong with them, and how long they may take."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from studio.data.patterns import check_template, compile_pattern
from studio.errors import PatternInvalid, PatternTooSlow, ReplacementTooLong

LONG = "a" * 5000 + "!"
HOSTILE = ("(a+)+$", "(a|aa)+$", "(?:a?){300}a{301}b", "a?" * 40 + "a" * 900 + "$", r"^(\w+\s?)*\d$", "(.*)*#")


@pytest.mark.parametrize("source", HOSTILE)
def test_a_pattern_that_could_run_for_years_is_given_up_in_time(source):
    """Twenty seconds leave room for a busy machine; without a limit the first one needs 2 ** 5000 steps."""
    began_s = time.monotonic()
    try:
        assert compile_pattern(source).is_in(LONG) is False
    except PatternTooSlow as slow:
        assert slow.values["pattern"] == source
    assert time.monotonic() - began_s < 20


def test_the_first_hostile_pattern_really_is_given_up():
    with pytest.raises(PatternTooSlow):
        compile_pattern(HOSTILE[0]).is_in(LONG)


def test_a_pattern_that_is_unfolded_into_gigabytes_is_refused_before_it_is():
    for source in ("((((a{100}){100}){100}){100})", "a{10000000}", "(a{1201})"):
        with pytest.raises(PatternInvalid) as refused:
            compile_pattern(source)
        assert refused.value.values["cause"] == "repeat count too big"


@pytest.mark.parametrize(("source", "place"), [("(", 2), ("[a", 3), ("a{2,1}", 3), ("\\", 2), ("*a", 1)])
def test_a_mistake_is_told_with_its_place(source, place):
    with pytest.raises(PatternInvalid) as refused:
        compile_pattern(source)
    assert refused.value.values["place"] == place
    assert source in refused.value.message("en") and source in refused.value.message("ja")


def test_tame_patterns_find_what_they_say():
    assert compile_pattern(r"\d{2}円").is_in("送料は40円です")
    assert not compile_pattern("^円").is_in("40円")
    assert compile_pattern("(?i)ORDER").is_in("my order")
    assert compile_pattern(r"(\w)\1").is_in("look")
    assert compile_pattern("[)(]{1,3}x?").replace("a(b)c", "_", 100) == ("a_b_c", 2)


def test_a_replacement_may_name_only_groups_that_are_there():
    pattern = compile_pattern(r"(\d+) (?P<unit>yen)")
    check_template(pattern, r"\g<unit> \1")
    assert pattern.replace("40 yen", r"\g<unit> \1", 100) == ("yen 40", 1)
    for put in (r"\3", r"\g<price>", "\\", r"\g<"):
        with pytest.raises(PatternInvalid):
            check_template(pattern, put)


@pytest.mark.parametrize(
    ("source", "put", "made"),
    [
        ("a", "b" * 1000, 5000 * 1000 + 1),
        ("", "b" * 1000, 5002 * 1000 + 5001),
        ("(?s)(.+)", r"\1" * 1000, 5001 * 1000),
        ("(?=(.*))", r"\1", 5001 * 5002 // 2 + 5001),
    ],
)
def test_a_replacement_that_would_be_too_long_is_refused_before_it_is_made(source, put, made):
    """Worked out by hand: 5,000 letters and a mark, each of which, or all, or every rest of which is put in again."""
    with pytest.raises(ReplacementTooLong) as refused:
        compile_pattern(source).replace(LONG, put, made - 1)
    assert refused.value.values == {"pattern": source, "limit": made - 1}
    assert len(compile_pattern(source).replace(LONG, put, made)[0]) == made


def test_what_would_be_gigabytes_is_refused_with_little_memory():
    """200,000 letters of which each becomes 20,000 would be 4 GB; on a busy machine the counting may take too long."""
    tracemalloc.start()
    with pytest.raises((ReplacementTooLong, PatternTooSlow)):
        compile_pattern("a").replace("a" * 200_000, "b" * 20_000, 8_000_000)
    with pytest.raises(ReplacementTooLong):
        compile_pattern("(?s)(.*)").replace("a" * 1_000_000, r"\1" * 6_000, 8_000_000)
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
