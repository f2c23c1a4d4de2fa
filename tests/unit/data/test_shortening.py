"""A record that is too long becomes shorter in the way that was chosen, and nothing else about it changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.records import check_record
from studio.data.shortening import DROP, OLDEST, cut_oldest, drop_turn, list_ways, split_windows
from studio.errors import OptionsInvalid, RecordInvalid

SYSTEM = {"role": "system", "content": "s"}


def ask(text: str) -> dict:
    return {"role": "user", "content": text}


def say(text: str, **more) -> dict:
    return {"role": "assistant", "content": text} | more


def talk(count: int, *, system: bool = True) -> dict:
    turns = [turn for n in range(1, count + 1) for turn in (ask(f"q{n}"), say(f"a{n}"))]
    return {"messages": [SYSTEM, *turns] if system else turns}


def at_most(turns: int):
    return lambda record: sum(len(record.get(name, ())) for name in ("messages", "prompt")) <= turns


def words(record: dict, section: str = "messages") -> list[str]:
    return [turn["content"] for turn in record[section]]


def test_as_few_of_the_oldest_exchanges_go_as_it_takes_and_the_system_turn_stays():
    (left,) = cut_oldest(talk(4), at_most(5))
    assert words(left) == ["s", "q3", "a3", "q4", "a4"]
    (one,) = cut_oldest(talk(4), at_most(1))
    assert words(one) == ["s", "q4", "a4"], "the last exchange stays, even if it is too long"


def test_a_dialogue_is_split_into_windows_that_each_keep_the_system_turn():
    windows = split_windows(talk(5) | {"tools": [{"x": 1}]}, at_most(5))
    assert [words(window) for window in windows] == [["s", "q1", "a1", "q2", "a2"], ["s", "q3", "a3", "q4", "a4"], ["s", "q5", "a5"]]  # fmt: skip
    assert all(window["tools"] == [{"x": 1}] for window in windows)


@given(st.integers(2, 30), st.integers(1, 70), st.booleans())
def test_no_turn_is_lost_or_doubled_and_every_window_is_a_record(count, most, system):
    record = talk(count, system=system)
    windows = split_windows(record, at_most(most))
    joined = [turn for window in windows for turn in window["messages"][system:]]
    assert joined == record["messages"][system:]
    assert not any(check_record(window) for window in windows)
    assert all(len(window["messages"]) <= max(most, 2 + system) for window in windows)


def test_tokens_are_counted_seldom():
    asked = []
    fits = at_most(40)
    cut_oldest(talk(500), lambda record: asked.append(1) or fits(record))
    assert len(asked) < 12


def test_of_a_prompt_its_history_goes_and_what_is_replied_to_stays():
    record = {"prompt": [SYSTEM, ask("q1"), say("a1"), ask("q2")], "chosen": [say("yes")], "rejected": [say("no")]}
    assert list_ways(record) == [OLDEST, DROP]
    (left,) = cut_oldest(record, at_most(2))
    assert words(left, "prompt") == ["s", "q2"] and left["chosen"] == [say("yes")]
    assert list_ways({"prompt": [ask("q")], "completion": [say("a")]}) == [] == list_ways({"text": "x"})


def test_a_question_without_reply_and_a_greeting_make_no_window_of_their_own():
    record = {"messages": [say("Hello."), ask("q1"), say("a1"), ask("q2"), say("a2"), ask("bye")]}
    assert [words(window) for window in split_windows(record, at_most(3))] == [
        ["Hello.", "q1", "a1"],
        ["q2", "a2", "bye"],
    ]


def test_one_turn_is_dropped_and_a_tool_call_with_its_replies():
    call = say("", tool_calls=[{"function": {"name": "f"}}])
    record = {"messages": [ask("q"), call, {"role": "tool", "content": "r"}, say("a")]}
    assert words(drop_turn(record, 1)[0]) == ["q", "a"]
    assert words(drop_turn(talk(2), 0)[0]) == ["q1", "a1", "q2", "a2"]
    with pytest.raises(RecordInvalid):
        drop_turn(talk(1, system=False), 1)
    for index in (-1, 9):
        with pytest.raises(OptionsInvalid):
            drop_turn(talk(2), index)
    for shorten in (cut_oldest, split_windows):
        with pytest.raises(OptionsInvalid):
            shorten(talk(1), at_most(1))
