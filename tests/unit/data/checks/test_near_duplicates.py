"""Near duplicates: what a person would call the same again, in both languages, and nothing else."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.checks import OTHER_ROW, CheckContext, example_row
from studio.data.checks import near_duplicates as plug
from studio.data.checks.near_duplicates import NEARLY_SAME, PLUG


def asked(row_id: int, question: str, reply: str, system: str = ""):
    first = [{"role": "system", "content": system}] if system else []
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
    return example_row(row_id, {"messages": first + turns})


def found_in(rows) -> dict[int, tuple[str, int]]:
    """Row → (code, the other row)."""
    findings = PLUG.find(lambda: iter(rows), CheckContext())
    return {finding.row_id: (finding.code, finding.values[OTHER_ROW]) for finding in findings}


def sentences(source: random.Random, count: int) -> str:
    return " ".join(source.choices([f"w{number}" for number in range(500)], k=count))


def test_the_first_of_a_group_is_kept_and_the_others_point_to_it():
    reply = sentences(random.Random(1), 60)
    rows = [asked(10 * n, "What now?", f"{reply} {n}") for n in range(1, 6)]
    assert found_in(rows) == dict.fromkeys((20, 30, 40, 50), (NEARLY_SAME, 10))


def test_a_chain_of_likenesses_leaves_rows_that_are_not_alike():
    """Each row is like the one before; the first and the last share nothing. What is left over is never alike."""
    words = [f"w{number}" for number in range(200)]
    rows = [asked(n, "Go on", " ".join(words[2 * n : 2 * n + 60])) for n in range(1, 40)]
    left_out = found_in(rows)
    assert 5 < len(left_out) < 38
    assert all(other not in left_out for _, other in left_out.values())
    assert found_in([row for row in rows if row.row_id not in left_out]) == {}


def test_rows_that_say_exactly_the_same_are_left_to_the_other_check():
    reply = sentences(random.Random(2), 40)
    assert found_in([asked(1, "Why?", reply), asked(2, "WHY?", reply + "\n")]) == {}


def test_a_system_prompt_that_all_rows_share_makes_nothing_alike():
    system = sentences(random.Random(3), 400)
    rows = [asked(n, sentences(random.Random(n), 8), sentences(random.Random(-n), 8), system) for n in range(1, 50)]
    assert found_in(rows) == {}


def test_comparing_in_parts_finds_the_same(monkeypatch):
    """Where the earlier rows are too many to hold, they are compared in several passes."""
    source = random.Random(4)
    texts = [sentences(source, 50) for _ in range(60)]
    rows = [asked(n + 1, "Tell me", texts[n % 60] + f" {n}") for n in range(150)]
    whole = found_in(rows)
    monkeypatch.setattr(plug, "_HELD_SHINGLES", 300)
    assert found_in(rows) == whole
    assert len(whole) == 90


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=[]), max_size=30), max_size=8))
def test_any_text_is_compared(texts):
    """Lone surrogates and controls as well; and no row is said to resemble one that is itself to be left out."""
    rows = [example_row(n, {"text": text}) for n, text in enumerate(texts, 1)]
    left_out = found_in(rows)
    assert all(other < row_id and other not in left_out for row_id, (_, other) in left_out.items())
