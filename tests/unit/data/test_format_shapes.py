"""The shapes in which one format comes in real files, and the causes for which a row of it is refused."""

from __future__ import annotations

import json

import pytest

from studio.data.formats import FORMATS, read_record
from studio.errors import RowInvalid
from studio.words import catalogue


def user(content: str) -> dict:
    return {"role": "user", "content": content}


def assistant(content: str, **more) -> dict:
    return {"role": "assistant", "content": content} | more


def system(content: str) -> dict:
    return {"role": "system", "content": content}


def call(arguments: dict) -> list[dict]:
    return [{"type": "function", "function": {"name": "f", "arguments": arguments}}]


PAIR = {"prompt": [user("Q")], "chosen": [assistant("good")], "rejected": [assistant("bad")]}
HH = "\n\nHuman: Q\n\nAssistant: A\n\nHuman: more\n\nAssistant: "

READ = [
    ("preference", {"prompt": "Q", "chosen": "good", "rejected": "bad"}, PAIR),
    ("preference", {"prompt": [user("Q")], "chosen": [assistant("good")], "rejected": [assistant("bad")]}, PAIR),
    ("preference", {"prompt": "Q", "chosen": [user("Q"), assistant("good")], "rejected": [user("Q"), assistant("bad")]}, PAIR),
    ("preference", {"chosen": [user("Q"), assistant("good")], "rejected": [user("Q"), assistant("bad")]}, PAIR),
    ("preference", {"prompt": "Q", "system": "S", "chosen": "good", "rejected": "bad", "margin": 0.5},
     PAIR | {"prompt": [system("S"), user("Q")], "margin": 0.5}),
    ("preference", {"chosen": HH + "good", "rejected": HH + "bad"},
     {"prompt": [user("Q"), assistant("A"), user("more")], "chosen": [assistant("good")], "rejected": [assistant("bad")]}),
    ("alpaca", {"instruction": "Q", "output": "A"}, {"messages": [user("Q"), assistant("A")]}),
    ("alpaca", {"instruction": "", "input": "Q", "output": "A"}, {"messages": [user("Q"), assistant("A")]}),
    ("alpaca", {"instruction": "Q", "input": "more", "output": "A", "system": "S", "history": [["q", "a"]]},
     {"messages": [system("S"), user("q"), assistant("a"), user("Q\nmore"), assistant("A")]}),
    ("sharegpt", {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}], "tools": "[]"},
     {"messages": [user("Q"), assistant("A")]}),
    ("sharegpt", {"conversation": [user("Q"), assistant("A")]}, {"messages": [user("Q"), assistant("A")]}),
    ("sharegpt", {"tools": '[{"name": "f"}]', "conversations": [
        {"from": "user", "value": "Q"}, {"from": "function_call", "value": '{"name": "f", "arguments": "{\\"x\\": 1}"}'},
        {"from": "observation", "value": "3"}, {"from": "assistant", "value": "A"}]},
     {"messages": [user("Q"), assistant("", tool_calls=call({"x": 1})), {"role": "tool", "content": "3"}, assistant("A")],
      "tools": [{"name": "f"}]}),
    ("messages", {"messages": [{"role": "developer", "content": "S"}, user("Q"),
                               {"role": "assistant", "content": None, "tool_calls": [
                                   {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}]},
                               {"role": "tool", "content": "3", "tool_call_id": "1"}, assistant("A")]},
     {"messages": [system("S"), user("Q"),
                   assistant("", tool_calls=[call({"x": 1})[0] | {"id": "1"}]),
                   {"role": "tool", "content": "3", "tool_call_id": "1"}, assistant("A")]}),
    ("messages", {"messages": '[{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]'},
     {"messages": [user("Q"), assistant("A")]}),
    ("messages", {"messages": [user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), assistant("A")]},
     {"messages": [user("a\nb"), assistant("A")]}),
    ("prompt_completion", {"question": "Q", "answer": "A"}, {"messages": [user("Q"), assistant("A")]}),
    ("prompt_completion", {"prompt": "Q", "response": "A", "system": "S"},
     {"messages": [system("S"), user("Q"), assistant("A")]}),
    ("prompt_completion", {"prompt": [user("q"), assistant("a"), user("Q")], "completion": [assistant("A")]},
     {"prompt": [user("q"), assistant("a"), user("Q")], "completion": [assistant("A")]}),
    ("prompt_completion", {"prompt": "Q", "completion": None, "response": "A"}, {"messages": [user("Q"), assistant("A")]}),
    ("prompt_completion", {"prompt": "Q", "completion": '{"n": 1, "n": 2}'},
     {"messages": [user("Q"), assistant('{"n": 1, "n": 2}')]}),
    ("messages", {"messages": [user("Q"), {"role": "assistant", "tool_calls": call({})}, assistant("A")]},
     {"messages": [user("Q"), assistant("", tool_calls=call({})), assistant("A")]}),
]  # fmt: skip

NUMBERS = [
    ("alpaca", {"instruction": "Q", "output": 42}, {"messages": [user("Q"), assistant("42")]}),
    ("alpaca", {"instruction": 6, "input": 7.0, "output": 42.5, "history": [[1, True]]},
     {"messages": [user("1"), assistant("true"), user("6\n7"), assistant("42.5")]}),
    ("self_instruct", {"instruction": "Q", "input": 0, "output": False}, {"messages": [user("Q\n0"), assistant("false")]}),
    ("prompt_completion", {"question": "Q", "answer": 42}, {"messages": [user("Q"), assistant("42")]}),
    ("prompt_completion", {"question": 1, "answer": True}, {"messages": [user("1"), assistant("true")]}),
    ("prompt_completion", {"prompt": "Q", "input": 3, "output": 4}, {"messages": [user("Q\n3"), assistant("4")]}),
    ("preference", {"prompt": "Q", "chosen": 42, "rejected": 41.0},
     {"prompt": [user("Q")], "chosen": [assistant("42")], "rejected": [assistant("41")]}),
    ("unpaired", {"prompt": "Q", "completion": 42, "label": True},
     {"prompt": [user("Q")], "completion": [assistant("42")], "label": True}),
    ("rated_replies", {"prompt": "Q", "generations": [42, 41], "ratings": [2, 1]},
     {"prompt": [user("Q")], "chosen": [assistant("42")], "rejected": [assistant("41")], "margin": 1}),
    ("messages", {"messages": [user(6), assistant(42)]}, {"messages": [user("6"), assistant("42")]}),
    ("sharegpt", {"conversations": [{"from": "human", "value": 6}, {"from": "gpt", "value": 42}]},
     {"messages": [user("6"), assistant("42")]}),
    ("reading", {"context": "42.", "question": 1, "answers": [42]}, {"messages": [user("42.\n\n1"), assistant("42")]}),
    ("multiple_choice", {"question": 1, "choices": [1.0, True], "answer": "A"},
     {"prompt": [user("1\nA. 1\nB. true")], "answer": "A", "verifier": "choice"}),
    ("classification", {"text": 42, "label": 1.0}, {"text": "42", "label": "1"}),
    ("document", {"text": 42}, {"text": "42"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "record"), NUMBERS)
def test_a_cell_with_a_number_is_read_as_the_text_that_a_csv_file_would_hold(name, row, record):
    assert read_record(FORMATS[name], row) == record


@pytest.mark.parametrize(("name", "row", "record"), READ)
def test_a_shape_is_read_as_the_record_it_means(name, row, record):
    assert read_record(FORMATS[name], row) == record


REFUSED = [
    ("preference", {"chosen": "good", "rejected": "bad"}, "prompt", "prompt_missing"),
    ("preference", {"chosen": HH + "x", "rejected": HH + "x"}, "rejected", "sides_identical"),
    ("preference", {"prompt": "Q", "chosen": "x", "rejected": "x"}, "rejected", "sides_identical"),
    ("preference", {"prompt": "Q", "chosen": "x"}, "rejected", "field_missing"),
    ("preference", {"prompt": "Q", "chosen": "x", "rejected": ""}, "rejected", "content_empty"),
    ("alpaca", {"instruction": "Q", "output": [3]}, "output", "content_not_text"),
    ("alpaca", {"instruction": " ", "output": "A"}, "instruction", "content_empty"),
    ("alpaca", {"instruction": "Q", "output": "A", "history": [["only one"]]}, "history[0]", "history_unreadable"),
    ("sharegpt", {"conversations": [{"from": "narrator", "value": "x"}]}, "conversations[0].from", "role_unknown"),
    ("sharegpt", {"conversations": [{"from": "gpt", "value": "A"}]}, "messages", "question_missing"),
    ("sharegpt", {"conversations": [{"from": "function_call", "value": "f(x)"}]}, "conversations[0].value",
     "tool_call_unreadable"),
    ("sharegpt", {"system": "S", "conversations": [{"from": "system", "value": "T"}]}, "system", "system_twice"),
    ("sharegpt", {"conversations": [{"from": "human", "value": "Q"}], "tools": "f"}, "tools", "tools_unreadable"),
    ("messages", {"messages": [user("Q"), {"role": "assistant", "content": [{"type": "image_url"}]}]},
     "messages[1].content", "content_not_text"),
    ("messages", {"messages": "[broken"}, "messages", "messages_not_a_list"),
    ("messages", {"messages": [user("Q")]}, "messages", "reply_missing"),
    ("prompt_completion", {"prompt": "Q", "completion": None}, "completion", "field_missing"),
    ("prompt_completion", {"prompt": "Q", "completion": {"x": 3}}, "completion", "messages_not_a_list"),
    ("prompt_completion", {"prompt": "Q", "completion": float("inf")}, "completion", "content_not_text"),
    ("preference", {"system": "S", "prompt": [{"role": "system", "content": "T"}, user("Q")], "chosen": "x",
                    "rejected": "y"}, "system", "system_twice"),
    ("sharegpt", {"conversations": [{"from": "human", "value": "Q"},
                                    {"from": "function_call", "value": '{"name": "f", "arguments": {"n": 1, "n": 2}}'}]},
     "conversations[1].value.n", "json_key_twice"),
    ("messages", {"messages": [user("Q"), assistant("", tool_calls=call('{"n": 18446744073709551616}'))]},
     "messages[1].tool_calls", "json_number_too_long"),
    ("messages", {"messages": json.dumps([user("Q")])[:-1] + ', {"role": "assistant", "content": "A", "content": "B"}]'},
     "messages.content", "json_key_twice"),
    ("prompt_completion", {"prompt": '[{"role": "user", "content": "Q", "content": "R"}]', "completion": "A"},
     "prompt.content", "json_key_twice"),
    ("extraction", {"text": "Tea", "entities": '[{"start": 0, "end": 3, "label": "a", "label": "b"}]'},
     "entities.label", "json_key_twice"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "field", "cause"), REFUSED)
def test_a_row_that_cannot_be_read_is_refused_with_field_and_cause(name, row, field, cause):
    with pytest.raises(RowInvalid) as refused:
        read_record(FORMATS[name], row)
    assert (refused.value.values["field"], refused.value.values["cause"]) == (field, cause)
    assert catalogue("ja")[f"refused.{cause}"].split("{")[0] in refused.value.message("ja")


def test_a_prompt_of_many_turns_cannot_be_written_as_two_texts_nor_a_tool_call_as_alpaca():
    many = {"messages": [user("q"), assistant("a"), user("Q"), assistant("A")]}
    assert FORMATS["alpaca"].render(many) == {"instruction": "Q", "input": "", "output": "A", "history": [["q", "a"]]}
    for name, record in (
        ("prompt_completion", many),
        ("alpaca", {"messages": [user("Q"), assistant("", tool_calls=call({}))]}),
    ):
        with pytest.raises(RowInvalid):
            FORMATS[name].render(record)
