"""The shapes in which one format comes in real files, and the causes for which a row of it is refused."""

from __future__ import annotations

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
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "record"), READ)
def test_a_shape_is_read_as_the_record_it_means(name, row, record):
    assert read_record(FORMATS[name], row) == record


REFUSED = [
    ("preference", {"chosen": "good", "rejected": "bad"}, "prompt", "prompt_missing"),
    ("preference", {"chosen": HH + "x", "rejected": HH + "x"}, "rejected", "sides_identical"),
    ("preference", {"prompt": "Q", "chosen": "x", "rejected": "x"}, "rejected", "sides_identical"),
    ("preference", {"prompt": "Q", "chosen": "x"}, "rejected", "field_missing"),
    ("preference", {"prompt": "Q", "chosen": "x", "rejected": ""}, "rejected", "content_empty"),
    ("alpaca", {"instruction": "Q", "output": 3}, "output", "content_not_text"),
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
    ("prompt_completion", {"prompt": "Q", "completion": 3}, "completion", "messages_not_a_list"),
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
