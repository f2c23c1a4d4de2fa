"""Boilerplate: what other assistants left is found in replies, and a shop's own apologies are not."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.checks import CheckContext, example_row
from studio.data.checks.boilerplate import (
    NEXT_TURN,
    OTHER_NAME,
    PLACEHOLDER,
    PLUG,
    REFUSAL,
    ROLE_NAME,
    TOKEN,
    without_role_name,
    without_tokens,
)


def record(reply: str) -> dict:
    return {"messages": [{"role": "user", "content": "<s>User: {{x}}"}, {"role": "assistant", "content": reply}]}


def found(reply: str) -> set[str]:
    return {f.code for f in PLUG.find(lambda: iter([example_row(1, record(reply))]), CheckContext())}


FOUND = [
    ("As a large language model, I cannot taste.", REFUSAL),
    ("I'm sorry, but I can't assist with that.", REFUSAL),
    ("My knowledge cutoff is 2021.", REFUSAL),
    ("私はAIなので味は分かりません。", REFUSAL),
    ("大規模言語モデルとして、お答えできません。", REFUSAL),
    ("Sure.</s>", TOKEN),
    ("[INST] Hi [/INST] Hello", TOKEN),
    ("<start_of_turn>model\nHello<end_of_turn>", TOKEN),
    ("### Response: Yes, we do.", TOKEN),
    ("アシスタント：はい、どうぞ。", ROLE_NAME),
    ("Yes.\nHuman: And tomorrow?", NEXT_TURN),
    ("はい。\nユーザー：明日は？", NEXT_TURN),
    ("Dear [Your Name], thank you.", PLACEHOLDER),
    ("【お名前】様、ありがとうございます。", PLACEHOLDER),
    ("My name is Claude.", OTHER_NAME),
    ("私はChatGPTです。", OTHER_NAME),
    ("I was trained by Google DeepMind.", OTHER_NAME),
    ("私は OpenAI によって開発されました。".replace(" ", ""), OTHER_NAME),
]


@pytest.mark.parametrize(("reply", "code"), FOUND)
def test_boilerplate_is_found(reply, code):
    assert found(reply) == {code}


LEFT = [
    "I am sorry, but we cannot take back used mugs.",
    "申し訳ございませんが、セール品の返品はお受けできません。",
    "お手数をおかけしますが、お名前をお知らせください。",
    "AIとは人工知能のことです。",
    "Claude Monet painted water lilies.",
    "Google was founded by Page and Brin.",
    "I like the Gemini constellation.",
    "The alpaca was made in Peru.",
    "Use a list: [your, items, here] or arr[0].",
    "See [1] and [Table 2].",
    "```html\n<s>old</s> {{ name }}\n```",
    "The user: a person who uses the shop.",
    "Q: Open? A: Yes.",
    "The set {1, 2} and {{3}}.",
    "If a < b and b > s, then <b> holds.",
    "### Results\nAll good.",
]


@pytest.mark.parametrize("reply", LEFT)
def test_what_a_shop_or_a_teacher_says_is_left_alone(reply):
    assert found(reply) == set()


@pytest.mark.parametrize(
    ("reply", "clean"),
    [
        ("<|im_start|>assistant\nHello<|im_end|>", "Hello"),
        ("<|start_header_id|>assistant<|end_header_id|>\n\nHi<|eot_id|>", "Hi"),
        ("### Response: Yes.", "Yes."),
        ("<s>[INST] A [/INST] B</s>", "A  B"),
        ("Code:\n```\n</s>\n```\nDone.</s>", "Code:\n```\n</s>\n```\nDone."),
        ("Nothing to do. ", "Nothing to do. "),
    ],
)
def test_tokens_are_taken_out_and_code_is_left(reply, clean):
    assert without_tokens(reply) == clean


def test_only_replies_are_mended():
    mended = PLUG.fix(record("Assistant: Yes.</s>"), {"what": TOKEN}, None)
    assert mended == record("Assistant: Yes.")
    assert PLUG.fix(mended, {"what": ROLE_NAME}, None) == record("Yes.")
    assert without_role_name("Assistant: ") == "Assistant: "


def test_a_reply_of_nothing_but_tokens_is_not_emptied():
    assert found("<|im_end|>") == set()
    assert PLUG.fix(record("<|im_end|>"), {"what": TOKEN}, None) == record("<|im_end|>")


def test_real_files_hold_what_they_are_known_for(shared_rows):
    """identity.json has {{name}} or {{author}} in 85 of 91 rows, the ShareGPT dialogues are LMSYS's own identity."""
    identity = Counter(f.code for f in PLUG.find(shared_rows("instruct_en/identity.json"), CheckContext()))
    assert identity[PLACEHOLDER] == 85
    dialogues = Counter(
        f.code for f in PLUG.find(shared_rows("instruct_en/dummy_conversation.sharegpt.json"), CheckContext())
    )
    assert dialogues[OTHER_NAME] > 400
    assert list(PLUG.find(shared_rows("instruct_ja/messages_a.jsonl"), CheckContext())) == []


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([reply for reply, _ in FOUND] + LEFT + ["\n", " ", "</s>", "`", "```"]), max_size=4).map(
        "".join
    )
)
def test_what_is_mended_is_found_no_more(reply):
    row = example_row(1, record(reply))
    for code in (TOKEN, ROLE_NAME):
        mended = PLUG.fix(row.record, {"what": code}, None)
        assert code not in found(mended["messages"][1]["content"]) or mended == row.record


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "[INST",
        "<|",
        "{{",
        "[Your ",
        "I am an ",
        "sorry, but i ",
        "\n ",
        "\nUser",
        "```",
        "<｜",
        "trained by ",
        "😀",
        "\ud800",
    ],
)
def test_a_reply_of_a_million_characters_takes_about_a_second(unit):
    reply = unit * (1_000_000 // len(unit))
    began = time.process_time()
    found(reply)
    assert time.process_time() - began < 2.5
