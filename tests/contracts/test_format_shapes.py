"""The many shapes in which files write the same thing down, each read into the record it means."""

from __future__ import annotations

import csv
import io
import json

import pytest

from studio.data.formats import FORMATS, guess_format, read_record
from studio.data.records import check_record
from studio.errors import RowInvalid

ASK = {"role": "user", "content": "Is the shop open?"}
GOOD, BAD = {"role": "assistant", "content": "Yes, until six."}, {"role": "assistant", "content": "Dunno."}
PAIR = {"prompt": [ASK], "chosen": [GOOD], "rejected": [BAD]}
ASKED, YES, NO = ASK["content"], GOOD["content"], BAD["content"]


def sides(turn: str = "Human", reply: str = "Assistant") -> dict[str, str]:
    return {name: f"\n\n{turn}: {ASKED}\n\n{reply}: {said}" for name, said in (("chosen", YES), ("rejected", NO))}


def aspects(rating: int) -> dict:
    return {name: {"Rating": str(rating)} for name in ("helpfulness", "honesty")}


PREFERENCES = [
    ("preference", {"prompt": ASKED, "chosen": YES, "rejected": NO}, {}),
    ("preference", {"question": ASKED, "chosen": YES, "rejected": NO}, {}),
    ("preference", {"prompt": [ASK], "chosen": [GOOD], "rejected": [BAD], "margin": 2.0}, {"margin": 2.0}),
    ("preference", sides(), {}),
    ("preference", {"chosen": [ASK, GOOD], "rejected": [ASK, BAD]}, {}),
    (
        "preference",
        {"prompt": ASKED, "chosen": [ASK, GOOD], "rejected": [ASK, BAD], "score_chosen": 8.5, "score_rejected": 6.0},
        {"margin": 2.5},
    ),
    (
        "preference",
        {
            "source": "evol_instruct", "prompt": ASKED + " ", "chosen": [ASK, GOOD], "chosen-rating": 4.75,
            "chosen-model": "a", "rejected": [ASK, BAD], "rejected-rating": 2.25, "rejected-model": "b",
        },
        {"margin": 2.5},
    ),
    ("rated_replies", {"instruction": ASKED, "generations": [NO, YES], "ratings": [1, 5]}, {"margin": 4}),
    ("rated_replies", {"input": ASKED, "generations": [NO, YES, ""], "ratings": [1, 5, None]}, {"margin": 4}),
    (
        "rated_replies",
        {
            "instruction": ASKED,
            "completions": [
                {"model": "a", "response": NO, "overall_score": 10.0, "fine-grained_score": 1.5},
                {"model": "b", "response": YES, "overall_score": 8.0, "fine-grained_score": 4.5},
            ],
        },
        {"margin": 3.0},
    ),
    (
        "rated_replies",
        {
            "instruction": ASKED,
            "completions": [
                {"response": NO, "annotations": aspects(2)},
                {"response": YES, "annotations": aspects(5)},
            ],
        },
        {"margin": 3.0},
    ),
    (
        "comparison",
        {
            "id": 1, "model_a": "x", "model_b": "y", "prompt": json.dumps([ASKED]),
            "response_a": json.dumps([YES]), "response_b": json.dumps([NO]),
            "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0,
        },
        {},
    ),
    ("comparison", {"conversation_a": [ASK, BAD], "conversation_b": [ASK, GOOD], "winner": "model_b"}, {}),
    ("comparison", {"prompt": ASKED, "response_1": YES, "response_2": NO, "preference_strength": -2}, {"margin": 2}),
    ("comparison", {"context": [ASK], "response1": NO, "response2": YES, "overall_preference": 3}, {"margin": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "more"), PREFERENCES)
def test_a_preference_in_any_shape_is_the_same_pair(name, row, more):
    assert guess_format("rows.jsonl", [row] * 3).value == name
    assert read_record(FORMATS[name], row) == PAIR | more


def test_a_transcript_of_several_turns_shares_all_but_the_last_reply():
    before = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: "
    row = {name: before + text.split("Human: ")[1] for name, text in sides().items()}
    record = read_record(FORMATS["preference"], row)
    assert [message["content"] for message in record["prompt"]] == ["Hi", "Hello.", ASKED]
    assert (record["chosen"], record["rejected"]) == ([GOOD], [BAD])
    with pytest.raises(RowInvalid) as refused:
        read_record(FORMATS["preference"], row | {"rejected": "\n\nHuman: Other?\n\nAssistant: No."})
    assert refused.value.values["cause"] == "prompt_missing"


@pytest.mark.parametrize(
    ("verdict", "is_good"),
    [
        ({"winner": "tie"}, True),
        ({"winner": "tie (bothbad)"}, False),
        ({"winner_model_a": 0, "winner_model_b": 0, "winner_tie": 1}, True),
        ({"overall_preference": 0}, True),
    ],
)
def test_a_tie_is_no_pair_but_two_rated_replies(verdict, is_good):
    plug = FORMATS["comparison"]
    row = {"prompt": ASKED, "response_a": YES, "response_b": NO, "model_a": "x"} | verdict
    records = [read_record(plug, piece) for piece in plug.unfold(row)]
    assert records == [{"prompt": [ASK], "completion": [reply], "label": is_good} for reply in (GOOD, BAD)]
    with pytest.raises(RowInvalid):
        plug.unfold(row | dict.fromkeys(verdict) | {"winner": "neither"})


def test_equal_ratings_are_refused_and_the_same_row_always_makes_the_same_pair():
    plug = FORMATS["rated_replies"]
    with pytest.raises(RowInvalid) as refused:
        read_record(plug, {"instruction": ASKED, "generations": [YES, NO], "ratings": [3, 3]})
    assert refused.value.values["cause"] == "ratings_all_equal"
    made = [
        read_record(plug, {"instruction": ASKED, "generations": [f"{n}{m}" for m in "abcd"], "ratings": [4, 1, 2, 3]})
        for n in range(40)
    ]
    assert {record["margin"] for record in made} == {1, 2, 3}, "a lower one at random, not always the lowest"
    assert all(record["chosen"][0]["content"].endswith("a") for record in made)


RATED = {"prompt": [ASK], "completion": [BAD], "label": False}
TASK = {"prompt": [{"role": "user", "content": "What is 3 + 6?"}], "answer": "9", "verifier": "number"}
CHOICE = {
    "prompt": [{"role": "user", "content": "Which is a tea?\nA. Miso\nB. Sencha\nC. Soba\nD. Udon"}],
    "answer": "B",
    "verifier": "choice",
}
OPTIONS = ["Miso", "Sencha", "Soba", "Udon"]
SPANS = {"text": "東京で会う", "entities": [{"start": 0, "end": 2, "label": "LOC", "text": "東京"}]}
OTHERS = [
    ("unpaired", {"prompt": ASKED, "completion": NO, "label": False}, RATED),
    ("unpaired", {"prompt": [ASK], "response": NO, "label": "0"}, RATED),
    ("unpaired", {"prompt": ASKED, "response": NO, "follow_all_instructions": False}, RATED),
    ("verifiable", {"question": "What is 3 + 6?", "answer": "9"}, TASK),
    ("verifiable", {"question": "What is 3 + 6?", "answer": 9.0}, TASK),
    ("verifiable", {"prompt": TASK["prompt"], "answer": "9"}, TASK),
    ("verifiable", {"input": "What is 3 + 6?", "target": "9"}, TASK),
    ("verifiable", {"column 1": "What is 3 + 6?", "column 2": "9"}, TASK),
    ("multiple_choice", {"question": "Which is a tea?", **{f"choice{n}": o for n, o in enumerate(OPTIONS)}, "label": 1},
     CHOICE),
    ("multiple_choice", {"question": "Which is a tea?", **dict(zip("ABCD", OPTIONS, strict=True)), "answer": "B"},
     CHOICE),
    ("multiple_choice", {"question": "Which is a tea?", "choices": OPTIONS, "answer": 1}, CHOICE),
    ("multiple_choice", {"question": "Which is a tea?", "choices": {"text": OPTIONS, "label": list("1234")},
                         "answerKey": "2"}, CHOICE),
    ("multiple_choice", {f"column {n}": cell for n, cell in enumerate(["Which is a tea?", *OPTIONS, "B"], 1)}, CHOICE),
    ("classification", {"text": "Hi", "intent": "greet"}, {"text": "Hi", "label": "greet"}),
    ("classification", {"sentence": "Hi", "label": 3}, {"text": "Hi", "label": "3"}),
    ("classification", {"text": "Hi", "intents": ["greet", "affirm"]}, {"text": "Hi", "label": ["greet", "affirm"]}),
    ("classification", {"text": "Hi", "labels": '["greet", "affirm"]'}, {"text": "Hi", "label": ["greet", "affirm"]}),
    ("sentence_pair", {"premise": "A", "hypothesis": "B", "label": "neutral"}, {"text": "A\nB", "label": "neutral"}),
    ("sentence_pair", {"sentence1": "A", "sentence2": "B", "score": 2.4}, {"text": "A\nB", "label": "2.4"}),
    ("extraction", SPANS, SPANS),
    ("extraction", {"text": "東京で会う", "entities": [[0, 2, "LOC"]]}, SPANS),
    ("extraction", {"text": "東京で会う", "label": [[0, 2, "LOC"]]}, SPANS),
    ("extraction", {"text": "東京で会う", "entities": [{"start_offset": 0, "end_offset": 2, "label": "LOC"}]}, SPANS),
    ("extraction", {"text": "東京で会う", "slots": {"LOC": {"text": "東京", "span": [0, 2]}}}, SPANS),
    ("extraction", {"text": "東京で会う", "entities": json.dumps([{"span": [0, 2], "type": "LOC"}])}, SPANS),
    ("document", {"id": 7, "content": "吾輩は猫である。", "title": "猫"}, {"text": "吾輩は猫である。"}),
    ("alpaca", {"instruction": ASKED, "context": "", "response": YES, "category": "open_qa"}, {"messages": [ASK, GOOD]}),
    ("prompt_completion", {"query": ASKED, "response": YES}, {"messages": [ASK, GOOD]}),
    ("prompt_completion", {"prompt": ASKED, "completion": '[{"city": "Uji"}]'},
     {"messages": [ASK, {"role": "assistant", "content": '[{"city": "Uji"}]'}]}),
    ("sharegpt", {"utterances": [{"name": "user", "text": ASKED}, {"name": "agent", "text": YES}]},
     {"messages": [ASK, GOOD]}),
    ("sharegpt", {"messages": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": YES}]},
     {"messages": [ASK, GOOD]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "record"), OTHERS)
def test_the_same_record_is_read_from_other_shapes(name, row, record):
    assert guess_format("rows.jsonl", [row] * 3).value == name
    assert read_record(FORMATS[name], row) == record


def test_a_worked_answer_is_learned_whole_unless_the_result_alone_is_asked_for():
    row = {"question": "What is 3 + 6?", "answer": "3 + 6 = <<3+6=9>>9\n#### 1,009"}
    guess = guess_format("gsm8k.jsonl", [row])
    assert (guess.value, guess.reason) == ("prompt_completion", "format_worked_answers")
    assert read_record(FORMATS["verifiable"], row)["answer"] == "1,009"
    boxed = {"problem": "What is 3 + 6?", "solution": "It is $\\boxed{9}$."}
    assert read_record(FORMATS["verifiable"], boxed)["answer"] == "9"


def test_instances_become_records_of_their_own_and_a_bad_one_is_refused_alone():
    plug = FORMATS["self_instruct"]
    instances = [{"input": "Tea", "output": "お茶"}, {"input": "", "output": ""}, {"input": "", "output": "はい"}]
    pieces = plug.unfold({"instruction": "Translate.", "instances": instances, "id": "seed_1"})
    assert [piece["id"] for piece in pieces] == ["seed_1"] * 3
    assert read_record(plug, pieces[0])["messages"][0]["content"] == "Translate.\nTea"
    assert read_record(plug, pieces[2])["messages"][0]["content"] == "Translate."
    with pytest.raises(RowInvalid) as refused:
        read_record(plug, pieces[1])
    assert (refused.value.values["field"], refused.value.values["cause"]) == ("output", "content_empty")
    with pytest.raises(RowInvalid):
        plug.unfold({"instruction": "Translate.", "instances": []})


def test_a_pair_is_never_written_with_a_text_beside_a_list():
    """trl pops one of the columns to tell whether rows are conversations: a text beside lists is a coin toss."""
    record = PAIR | {"prompt": [ASK, BAD, ASK]}
    row = FORMATS["preference"].render(record)
    assert {type(side) for side in row.values()} == {list}
    assert {type(side) for side in FORMATS["preference"].render(PAIR).values()} == {str}


@pytest.mark.parametrize("name", FORMATS.names)
def test_what_a_format_writes_is_guessed_to_be_it_also_from_a_table_of_text(name):
    """As an export writes a CSV: lists and objects as JSON text, everything else as it is said."""
    plug = FORMATS[name]
    row = plug.render(plug.example.record)
    assert guess_format("rows.jsonl", [row] * 3).value == name
    text = io.StringIO()
    table = csv.DictWriter(text, row)
    table.writeheader()
    table.writerow({key: value if isinstance(value, str) else json.dumps(value) for key, value in row.items()})
    (cells,) = csv.DictReader(io.StringIO(text.getvalue()))
    assert read_record(plug, cells) == plug.example.record
    assert check_record(plug.example.record) == []
