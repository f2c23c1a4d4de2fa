"""Repeated text: circles, runs and broken ends are found; lists, tables, code and refrains are not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.checks import CheckContext, example_row
from studio.data.checks.repetition import PLUG, REPEATED, SAME_LETTER, SAME_LINE, UNFINISHED, breaks_off, repeated_share

SENTENCE = "The parcel left our house this morning and will be with you tomorrow at noon or a little later. "
SENTENCE_JA = "ご注文の商品は今朝発送いたしましたので、明日のお昼ごろにはお手元に届く見込みでございます。"


def found(reply: str, kind: str = "reply") -> list[str]:
    record = {"text": reply} if kind == "text" else {
        "messages": [{"role": "user", "content": "Well?"}, {"role": "assistant", "content": reply}]
    }  # fmt: skip
    return [finding.code for finding in PLUG.find(lambda: iter([example_row(1, record)]), CheckContext())]


@pytest.mark.parametrize("sentence", [SENTENCE, SENTENCE_JA])
@pytest.mark.parametrize("times", [3, 5, 50])
def test_a_sentence_said_again_and_again_is_found(sentence, times):
    """Said n times, about (n − 1) / n of its pieces were there before."""
    share, shown = repeated_share(sentence * times)
    assert share == pytest.approx((times - 1) / times, abs=0.08)
    assert shown[:20] in sentence * 2
    assert found(sentence * times) == [REPEATED]


@pytest.mark.parametrize(
    "reply",
    [
        SENTENCE + SENTENCE_JA,
        "| a | b |\n|---|---|\n" + "".join(f"| row {n} | {n * n * 17 % 1000} |\n" for n in range(20)),
        "```python\n" + "if error is not None:\n    raise error\n" * 20 + "```",
        "----------------------------------------\nTotal: 12\n========================================",
        "".join(f"{n}. Step {n}: turn the {word}.\n" for n, word in enumerate(["mug", "cup", "plate", "bowl", "jar"])),
        "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is but a dream.",
        "12 + 34 = 46\n46 + 34 = 80\n80 + 34 = 114\n#### 114",
        "😀" * 10,
        "1000000000000000000000000",
        "ありがとうございます",
    ],
)
def test_tables_lists_code_and_songs_are_no_circles(reply):
    assert found(reply) == []


def test_a_letter_that_does_not_stop_and_a_line_that_comes_back_are_found():
    assert found("Noooooooooooooooooooooo") == [SAME_LETTER]
    assert found("はい" + "！" * 30) == [SAME_LETTER]
    other = "Mugs are on the left.\nCups hang above them.\nPlates stand behind you.\nAsk for jars, we keep them in the cellar.\n"
    assert found("The shop is open.\n" * 4 + other) == [SAME_LINE]


@pytest.mark.parametrize(
    "reply",
    [
        "It is open. You can come on Monday, Tuesday and",
        "はい、開いています。月曜日と火曜日は、",
        "Yes. It is made of clay,",
    ],
)
def test_a_reply_that_breaks_off_is_found(reply):
    assert breaks_off(reply)
    assert found(reply) == [UNFINISHED]


@pytest.mark.parametrize(
    "reply",
    [
        "Paris",
        "42",
        "It is open. See you",
        "はい。お待ちしております",
        "- mugs\n- cups and plates",
        "the",
        "開いています。月曜日から",
        "Yes. #### 7",
    ],
)
def test_short_and_unpunctuated_replies_are_whole(reply):
    assert not breaks_off(reply)


def test_a_document_may_end_anywhere():
    """A file of text is cut into documents at a length, not at a sentence."""
    assert found("It was open. He went in and", "text") == []


def test_what_is_asked_may_repeat_itself():
    record = {
        "prompt": [{"role": "user", "content": SENTENCE * 9}],
        "completion": [{"role": "assistant", "content": "Yes."}],
    }
    assert list(PLUG.find(lambda: iter([example_row(1, record)]), CheckContext())) == []


def test_real_replies_do_not_go_in_circles(shared_rows):
    for path in ("instruct_ja/messages_a.jsonl", "instruct_en/gsm8k_train_head2000.messages.jsonl"):
        assert list(PLUG.find(shared_rows(path), CheckContext())) == []


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=20), st.integers(1, 40))
def test_any_reply_is_read(text, times):
    found(text * times, "text")


@pytest.mark.parametrize(
    "unit", ["a", "ab ", "\n", "- x\n", "。", "😀", "\ud800", "`", "```", "word, ", "aaaaaaaaaaaaab"]
)
def test_a_reply_of_a_million_characters_takes_less_than_a_second(unit):
    reply = unit * (1_000_000 // len(unit))
    began = time.process_time()
    found(reply, "text")
    assert time.process_time() - began < 1.0
