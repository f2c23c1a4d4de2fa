"""One vote becomes training rows by the table of the reference, exactly."""

from __future__ import annotations

import pytest

from studio.data.records import check_record
from studio.preferences.compile import ROWS, Judged, dpo_rows, kto_rows
from studio.preferences.pairs import as_reply
from studio.preferences.votes import OUTCOMES

PROMPT = [{"role": "user", "content": "Where is my order?"}]
A, B, BETTER = "It left today.", "Soon.", "I am sorry. It left today."


def judged(outcome: str, winner: str | None = None) -> Judged:
    return Judged(PROMPT, as_reply(A), as_reply(B), outcome, winner, BETTER if outcome == "edit" else None)


TABLE = {
    ("win", "a"): ([(A, B)], [(A, True), (B, False)]),
    ("win", "b"): ([(B, A)], [(B, True), (A, False)]),
    ("edit", "a"): ([(BETTER, A)], [(BETTER, True), (A, False)]),
    ("edit", "b"): ([(BETTER, B)], [(BETTER, True), (B, False)]),
    ("both_good", None): ([], [(A, True), (B, True)]),
    ("both_bad", None): ([], [(A, False), (B, False)]),
    ("skip", None): ([], []),
}
"""(outcome, winner) → DPO rows as (chosen, rejected), KTO rows as (completion, label)."""


@pytest.mark.parametrize(("outcome", "winner"), TABLE)
def test_a_vote_becomes_the_rows_of_the_table(outcome, winner):
    dpo, kto = TABLE[outcome, winner]
    assert dpo_rows(judged(outcome, winner)) == [
        {"prompt": PROMPT, "chosen": as_reply(chosen), "rejected": as_reply(rejected)} for chosen, rejected in dpo
    ]
    assert kto_rows(judged(outcome, winner)) == [
        {"prompt": PROMPT, "completion": as_reply(text), "label": label} for text, label in kto
    ]


@pytest.mark.parametrize(("outcome", "winner"), TABLE)
def test_the_counters_count_the_rows_that_are_made(outcome, winner):
    made = judged(outcome, winner)
    assert ROWS[outcome] == (len(dpo_rows(made)), len(kto_rows(made)))


def test_the_table_knows_every_outcome():
    assert set(ROWS) == set(OUTCOMES) == {outcome for outcome, _ in TABLE}


def test_a_dpo_row_is_a_record_that_training_takes():
    assert check_record(dpo_rows(judged("win", "a"))[0]) == []


def test_a_row_shares_nothing_with_the_pair_it_was_made_of():
    pair = judged("win", "a")
    dpo_rows(pair)[0]["prompt"].append("more")
    assert pair.prompt == PROMPT
