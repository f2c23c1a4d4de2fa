"""What a model is asked for new rows, and how its answer is read."""

from __future__ import annotations

import pytest

from studio.data.making.asking import (
    Seed,
    build_record,
    question_messages,
    read_question,
    read_seed,
    reply_messages,
)
from studio.data.records import check_record

SEEDS = [
    Seed(1, "Be brief.", "How much is the mug?", "500 yen."),
    Seed(2, "", "Is the shop open today?", "Yes, until six."),
]


def test_a_seed_is_the_first_question_and_its_reply():
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": " How much? "},
        {"role": "assistant", "content": "500 yen."},
        {"role": "user", "content": "And the pot?"},
        {"role": "assistant", "content": "900 yen."},
    ]
    assert read_seed(7, {"messages": messages}) == Seed(7, "Be brief.", "How much?", "500 yen.")
    assert read_seed(7, {"prompt": messages[:2], "completion": messages[2:3]}) == read_seed(7, {"messages": messages})
    assert read_seed(7, {"messages": messages[2:]}) is None, "it begins with a reply"
    assert read_seed(7, {"text": "a document"}) is None


def test_the_seeds_are_examples_in_a_conversation_that_ends_with_the_request():
    asked = question_messages(SEEDS)
    assert [turn["role"] for turn in asked] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [turn["content"] for turn in asked if turn["role"] == "assistant"] == [seed.question for seed in SEEDS]
    replied = reply_messages(SEEDS, "Do you gift wrap?")
    assert replied[0] == {"role": "system", "content": "Be brief."}
    assert replied[-1] == {"role": "user", "content": "Do you gift wrap?"}
    japanese = question_messages([Seed(1, "", "営業時間は？", "10時からです。")])
    assert japanese[-1]["content"] == "もう一つ書いてください。"


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ("Do you gift wrap?", "Do you gift wrap?"),
        ("\n\n1. Do you gift wrap?\n2. Another?", "Do you gift wrap?"),
        ('- "Do you gift wrap?"', "Do you gift wrap?"),
        ("質問：「包装はできますか。」", "包装はできますか。"),
        ("", ""),
        ("x" * 5000, "x" * 2000),
    ],
)
def test_the_question_is_read_out_of_what_was_written(written, question):
    assert read_question(written) == question


@pytest.mark.parametrize("kind", ["conversation", "prompt_completion"])
def test_a_made_record_is_whole_and_reads_back(kind):
    record = build_record(kind, "Be brief.", "How much?", "500 yen.")
    assert check_record(record) == []
    assert read_seed(3, record) == Seed(3, "Be brief.", "How much?", "500 yen.")
