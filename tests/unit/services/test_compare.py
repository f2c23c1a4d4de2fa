"""One prompt, several columns: who is asked what, what is kept, and how each reply comes to its end."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.errors import OptionsInvalid, RequestRefused, StillWriting
from studio.events import Stopped
from studio.models.machine import Machine, write_machine
from studio.people import Person, person_from
from studio.services import compare_writing
from studio.services.compare_settings import PROMPT_CHARACTERS, Sampling
from studio.services.conversation import Conversation, Follower
from studio.services.studio import Studio
from studio.settings import Settings, read_settings
from tests.paced_endpoint import AskedFor, PacedEndpoint, paced_endpoint
from tests.processes import wait_for
from tests.written_runs import WrittenRun

A, B = {"kind": "endpoint", "id": "desk/a"}, {"kind": "endpoint", "id": "desk/b"}


@pytest.fixture
def endpoint() -> Iterator[PacedEndpoint]:
    with paced_endpoint("a", "b", "c") as running:
        yield running


@pytest.fixture
def settings(root: Path, endpoint: PacedEndpoint) -> Settings:
    return read_settings(["--root", str(root), "--port", "0", "--endpoint", f"desk={endpoint.url}"], {})


@pytest.fixture
def asked_of_two(studio: Studio, person: Person) -> Studio:
    return with_two(studio, person)


def with_two(studio: Studio, person: Person) -> Studio:
    """Its columns are the endpoint's models a and b."""
    wait_for(lambda: any(choice["id"] == "desk/b" for choice in studio.compare.offers(person)["choices"]))
    studio.compare.set_columns(person, [A, B])
    return studio


def send(studio: Studio, person: Person, text: str = "Hello?") -> str:
    deed = secrets.token_hex(8)
    studio.compare.send(person, text, deed)
    return deed


def replies(studio: Studio, person: Person, number: int = 1) -> dict[str, dict]:
    """The replies to a prompt by their model."""
    found = studio.compare.snapshot(person)["replies"]
    return {reply["model"].partition("/")[2]: reply for reply in found if reply["number"] == number}


def wait_idle(studio: Studio, person: Person) -> None:
    wait_for(lambda: not studio.compare.snapshot(person)["live"])


def answer_all(studio: Studio, person: Person, endpoint: PacedEndpoint, count: int, *words: str) -> dict[str, AskedFor]:
    asked = endpoint.by_model(count)
    for one in asked.values():
        one.end(*words)
    wait_idle(studio, person)
    return asked


# ---- asking ----------------------------------------------------------------------------------------------------------


def test_both_columns_are_asked_the_same_with_the_same_settings(asked_of_two, person, endpoint):
    asked_of_two.compare.set_settings(person, {"system": "Be brief.", "temperature": 0.3, "top_p": 0.9, "seed": 11, "max_tokens": 20})  # fmt: skip
    send(asked_of_two, person, "  Hello?\n")
    asked = answer_all(asked_of_two, person, endpoint, 2, "Hi", " there")
    assert set(asked) == {"a", "b"}
    for one in asked.values():
        assert one.messages == [("system", "Be brief."), ("user", "Hello?")]
        assert {name: one.body[name] for name in ("temperature", "top_p", "seed", "max_tokens")} == {
            "temperature": 0.3, "top_p": 0.9, "seed": 11, "max_tokens": 20,
        }  # fmt: skip
    for reply in replies(asked_of_two, person).values():
        assert (reply["state"], reply["text"]) == ("done", "Hi there")
        assert (reply["facts"]["tokens"], reply["facts"]["finish"], reply["facts"]["seed"]) == (2, "stop", 11)
        assert reply["facts"]["first_token_s"] >= 0


def test_the_same_deed_asks_once(asked_of_two, person, endpoint):
    deed = send(asked_of_two, person)
    asked_of_two.compare.send(person, "Hello?", deed)
    answer_all(asked_of_two, person, endpoint, 2, "Hi")
    asked_of_two.compare.send(person, "Hello?", deed)
    assert endpoint.asked.empty()
    assert len(asked_of_two.compare.snapshot(person)["setup"]["turns"]) == 1


def test_each_column_goes_on_from_its_own_replies(asked_of_two, person, endpoint):
    send(asked_of_two, person, "First")
    asked = endpoint.by_model(2)
    asked["a"].end("from a")
    asked["b"].end("from b")
    wait_idle(asked_of_two, person)
    send(asked_of_two, person, "Second")
    asked = answer_all(asked_of_two, person, endpoint, 2, "ok")
    assert asked["a"].messages == [("user", "First"), ("assistant", "from a"), ("user", "Second")]
    assert asked["b"].messages == [("user", "First"), ("assistant", "from b"), ("user", "Second")]


def test_the_next_prompt_waits_until_every_reply_is_complete(asked_of_two, person, endpoint):
    send(asked_of_two, person)
    asked = endpoint.by_model(2)
    asked["a"].end("done")
    wait_for(lambda: replies(asked_of_two, person)["a"]["state"] == "done")
    with pytest.raises(StillWriting):
        send(asked_of_two, person, "Too early")
    asked["b"].end("done")
    wait_idle(asked_of_two, person)
    send(asked_of_two, person, "Now")
    answer_all(asked_of_two, person, endpoint, 2)


@pytest.mark.parametrize(("text", "code"), [("", "prompt_empty"), (" \n", "prompt_empty"), ("x" * (PROMPT_CHARACTERS + 1), "prompt_too_long")])  # fmt: skip
def test_a_prompt_that_cannot_be_asked_is_refused_with_the_reason(asked_of_two, person, text, code):
    with pytest.raises(OptionsInvalid) as refused:
        send(asked_of_two, person, text)
    assert [problem["code"] for problem in refused.value.problems] == [code]
    assert all(refused.value.message(language) for language in ("en", "ja"))
    assert asked_of_two.compare.snapshot(person)["setup"]["turns"] == []


def test_a_deed_that_is_none_is_refused(asked_of_two, person):
    for deed in ("", "x" * 201, None, 7):
        with pytest.raises(RequestRefused):
            asked_of_two.compare.send(person, "Hello?", deed)


# ---- how a reply ends ------------------------------------------------------------------------------------------------


def test_stop_keeps_what_is_there_and_leaves_the_endpoint(asked_of_two, person, endpoint):
    send(asked_of_two, person)
    asked = endpoint.by_model(2)
    asked["a"].say("half a ")
    wait_for(lambda: replies(asked_of_two, person)["a"]["text"])
    asked_of_two.compare.stop(person)
    assert {name: (r["state"], r["text"]) for name, r in replies(asked_of_two, person).items()} == {
        "a": ("stopped", "half a "), "b": ("stopped", ""),
    }  # fmt: skip
    for one in asked.values():
        one.say("sentence")
        assert one.left.wait(20)
    assert replies(asked_of_two, person)["a"]["text"] == "half a "
    send(asked_of_two, person, "And now?")
    asked = answer_all(asked_of_two, person, endpoint, 2, "ok")
    assert asked["a"].messages == [("user", "Hello?"), ("assistant", "half a "), ("user", "And now?")]
    assert asked["b"].messages == [("user", "And now?")]


def test_an_error_is_told_in_its_column_and_the_other_goes_on(asked_of_two, person, endpoint):
    send(asked_of_two, person)
    asked = endpoint.by_model(2)
    asked["a"].say("half")
    asked["a"].drop()
    asked["b"].end("whole")
    wait_idle(asked_of_two, person)
    found = replies(asked_of_two, person)
    assert (found["a"]["state"], found["a"]["text"], found["a"]["error"]["code"]) == (
        "failed",
        "half",
        "EndpointBroken",
    )
    assert found["a"]["error"]["message"] and found["a"]["error"]["hint"]
    assert (found["b"]["state"], found["b"]["text"]) == ("done", "whole")
    asked_of_two.compare.retry(person, "endpoint:desk/a", False, secrets.token_hex(8))
    endpoint.next().end("mended")
    wait_idle(asked_of_two, person)
    assert replies(asked_of_two, person)["a"]["text"] == "mended"
    assert replies(asked_of_two, person)["a"]["error"] is None


def test_a_reply_that_broke_off_is_no_part_of_what_comes_later(asked_of_two, person, endpoint):
    send(asked_of_two, person)
    asked = endpoint.by_model(2)
    asked["a"].say("half a")
    asked["a"].drop()
    asked["b"].end("whole")
    wait_idle(asked_of_two, person)
    send(asked_of_two, person, "Next")
    asked = answer_all(asked_of_two, person, endpoint, 2, "ok")
    assert asked["a"].messages == [("user", "Next")]
    assert len(asked["b"].messages) == 3


def test_an_error_is_worded_in_the_language_of_whoever_looks(asked_of_two, settings, person, endpoint):
    send(asked_of_two, person)
    for one in endpoint.by_model(2).values():
        one.drop()
    wait_idle(asked_of_two, person)
    japanese = person_from(None, {"whetstone_language": "ja"}, {}, settings)
    here, there = (replies(asked_of_two, who)["a"]["error"]["message"] for who in (person, japanese))
    assert here.isascii() and not there.isascii()


def test_a_reply_that_no_page_waits_for_is_stopped(asked_of_two, person, endpoint, monkeypatch):
    monkeypatch.setattr(compare_writing, "UNWATCHED_S", 0.0)
    watched = asked_of_two.compare.follow(person, lambda: None)
    send(asked_of_two, person)
    asked = endpoint.by_model(2)
    asked["a"].say("one ")
    wait_for(lambda: replies(asked_of_two, person)["a"]["text"] == "one ")
    watched.close()
    for one in asked.values():
        one.say("two ")
        assert one.left.wait(20)
    assert {reply["facts"]["stopped_by"] for reply in replies(asked_of_two, person).values()} == {"nobody"}


def test_an_endpoint_without_end_is_left(asked_of_two, person, endpoint, monkeypatch):
    monkeypatch.setattr(compare_writing, "LONGEST_REPLY_CHARACTERS", 10)
    send(asked_of_two, person)
    for one in endpoint.by_model(2).values():
        one.say("x" * 11)
        one.say("more")
        assert one.left.wait(20)
    found = replies(asked_of_two, person)["a"]
    assert (found["state"], found["facts"]["stopped_by"], found["text"]) == ("stopped", "length", "x" * 11)


def test_a_reply_that_was_being_written_when_the_app_died_is_broken_off(tmp_path):
    """Nothing is closed: what the next app finds is what lies on the disk."""
    died = Conversation(tmp_path, "ann")
    died.set_up([A], Sampling(seed=3))
    reply = died.begin(died.ask("Hello?", "deed-1"), "endpoint:desk/a", "deed-1", {"seed": 3})
    assert died.add(reply, "half a sentence", {"tokens": 3})
    waiting = died.begin(died.ask("More?", "deed-2"), "endpoint:desk/a", "deed-2", {})
    assert waiting.is_live

    found = Follower(Conversation(tmp_path, "ann"), "en").news()
    assert found["setup"]["turns"] == [{"number": 1, "prompt": "Hello?"}, {"number": 2, "prompt": "More?"}]
    assert found["setup"]["settings"]["seed"] == 3
    assert [(r["state"], r["text"]) for r in found["replies"]] == [("broken", "half a sentence"), ("broken", "")]
    assert not found["live"]


def test_a_conversation_outlives_the_app(settings, person, endpoint, mark):
    first = with_two(Studio(settings), person)
    send(first, person, "<img src=x onerror=alert(1)>")
    answer_all(first, person, endpoint, 2, "<b>bold</b>")
    before = first.compare.snapshot(person)
    first.close()
    again = Studio(settings)
    after = again.compare.snapshot(person)
    again.close()
    assert after["setup"] == before["setup"]
    assert after["replies"] == before["replies"]
    assert after["setup"]["turns"][0]["prompt"] == "<img src=x onerror=alert(1)>"


# ---- again, and later ------------------------------------------------------------------------------------------------


def test_a_new_seed_for_all_is_the_seed_from_then_on(asked_of_two, person, endpoint):
    send(asked_of_two, person)
    answer_all(asked_of_two, person, endpoint, 2, "first")
    deed = secrets.token_hex(8)
    asked_of_two.compare.retry(person, None, True, deed)
    asked_of_two.compare.retry(person, None, True, deed)
    asked = answer_all(asked_of_two, person, endpoint, 2, "second")
    seeds = {one.body["seed"] for one in asked.values()}
    assert seeds == {asked_of_two.compare.snapshot(person)["setup"]["settings"]["seed"]} and 7 not in seeds
    assert {reply["text"] for reply in replies(asked_of_two, person).values()} == {"second"}
    assert endpoint.asked.empty()


def test_one_column_asked_again_leaves_the_other_and_the_settings_alone(asked_of_two, person, endpoint):
    send(asked_of_two, person)
    answer_all(asked_of_two, person, endpoint, 2, "first")
    asked_of_two.compare.retry(person, "endpoint:desk/b", True, secrets.token_hex(8))
    again = endpoint.next()
    assert again.body["model"] == "b" and again.body["seed"] != 7
    again.end("second")
    wait_idle(asked_of_two, person)
    assert {name: reply["text"] for name, reply in replies(asked_of_two, person).items()} == {
        "a": "first",
        "b": "second",
    }
    assert asked_of_two.compare.snapshot(person)["setup"]["settings"]["seed"] == 7


def test_a_model_that_joins_later_is_asked_what_the_others_were(asked_of_two, person, endpoint):
    for prompt in ("First", "Second"):
        send(asked_of_two, person, prompt)
        answer_all(asked_of_two, person, endpoint, 2, prompt.lower())
    late = {"kind": "endpoint", "id": "desk/c"}
    asked_of_two.compare.set_columns(person, [A, late])
    assert "c" not in replies(asked_of_two, person)
    asked_of_two.compare.catch_up(person, "endpoint:desk/c", secrets.token_hex(8))
    endpoint.next().end("one")
    second = endpoint.next()
    assert second.messages == [("user", "First"), ("assistant", "one"), ("user", "Second")]
    second.end("two")
    wait_idle(asked_of_two, person)
    assert [replies(asked_of_two, person, number)["c"]["text"] for number in (1, 2)] == ["one", "two"]
    asked_of_two.compare.set_columns(person, [A, B])
    assert replies(asked_of_two, person, 2)["b"]["text"] == "second", "its replies are there again with the model"


def test_clearing_in_the_middle_of_a_reply_leaves_nothing(asked_of_two, person, endpoint):
    send(asked_of_two, person)
    asked = endpoint.by_model(2)
    asked_of_two.compare.clear(person)
    for one in asked.values():
        one.say("late")
        assert one.left.wait(20)
    found = asked_of_two.compare.snapshot(person)
    assert (found["setup"]["turns"], found["replies"], found["live"]) == ([], [], False)
    assert len(found["setup"]["columns"]) == 2
    send(asked_of_two, person, "Anew")
    asked = answer_all(asked_of_two, person, endpoint, 2, "ok")
    assert asked["a"].messages == [("user", "Anew")]


# ---- what a page is told ---------------------------------------------------------------------------------------------


def test_a_page_is_sent_only_what_is_new(asked_of_two, person, endpoint):
    send(asked_of_two, person)
    asked = endpoint.by_model(2)
    woken: list[bool] = []
    follower = asked_of_two.compare.follow(person, lambda: woken.append(True))
    assert len(follower.news()["replies"]) == 2
    assert follower.news() is None
    for word, place in (("one ", 0), ("two ", 4)):
        woken.clear()
        asked["a"].say(word)
        wait_for(lambda: woken)
        (only,) = follower.news()["replies"]
        assert (only["model"], only["text"], only["from"]) == ("endpoint:desk/a", word, place)
    for one in asked.values():
        one.end()
    wait_idle(asked_of_two, person)
    last = follower.news()
    assert "setup" not in last and not last["live"]
    assert {reply["state"] for reply in last["replies"]} == {"done"}
    follower.close()


def test_a_page_that_knows_everything_is_told_so(asked_of_two, person):
    mark = asked_of_two.compare.snapshot(person)["mark"]
    assert asked_of_two.compare.look(person, mark) == {"busy": None}
    asked_of_two.compare.set_settings(person, {"seed": 1})
    assert asked_of_two.compare.look(person, mark)["setup"]["settings"]["seed"] == 1


def test_a_page_is_told_which_device_a_job_has_taken(settings, person):
    """Beside a job the processor still replies, with one thread; weights cannot be loaded onto a GPU that is taken."""
    run = WrittenRun(person.workspace)
    found = Studio(settings)
    assert found.compare.snapshot(person)["busy"] == "cpu"
    write_machine(settings.root, Machine("cuda", "A GPU", 4, 10**9))
    assert found.compare.snapshot(person)["busy"] == "cuda"
    run.write(Stopped(0, None))
    run.close()
    wait_for(lambda: found.compare.snapshot(person)["busy"] is None)
    found.close()


def test_people_see_their_own_conversation_alone(asked_of_two, settings, person, endpoint):
    send(asked_of_two, person, "Mine")
    answer_all(asked_of_two, person, endpoint, 2, "yours")
    other = person_from("bob", {}, {}, settings)
    assert asked_of_two.compare.snapshot(other)["setup"]["turns"] == []
    assert "Mine" not in json.dumps(asked_of_two.compare.snapshot(other))
