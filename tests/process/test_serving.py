"""The model server asked by OpenAI's own client: chat, completions, streams, seeds, stops, probabilities, adapters."""

from __future__ import annotations

import math
import os
import threading

import pytest

from studio.jobs.lease import take_lease
from tests.process.served import QUESTION, RUN, Served
from tests.processes import wait_for

pytestmark = pytest.mark.slow
GREEDY = {"model": "pocket", "messages": QUESTION, "temperature": 0}


def test_a_chat_is_answered_with_its_tokens_counted_and_told_how(served: Served):
    answer = served.openai().chat.completions.create(**GREEDY, max_tokens=60)
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.message.content.strip()
    assert choice.finish_reason == "stop" and answer.model == "pocket"
    prompt = served.studio.server.client(served.alice).tokenize("pocket", messages=QUESTION)["count"]
    assert answer.usage.prompt_tokens == prompt
    assert answer.usage.total_tokens == prompt + answer.usage.completion_tokens
    assert answer.whetstone["how"] == "stacked" and answer.whetstone["first_token_s"] > 0


def test_a_stream_says_piece_by_piece_what_one_answer_says_at_once(served: Served):
    """Pieces that wait for a busy event loop come as one, so only that there are several is sure."""
    asked = {**GREEDY, "max_tokens": 200, "extra_body": {"ignore_eos": True}}
    whole = served.openai().chat.completions.create(**asked)
    events = list(served.openai().chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    pieces = [event.choices[0].delta.content for event in events if event.choices and event.choices[0].delta.content]
    assert len(pieces) > 2 and "".join(pieces) == whole.choices[0].message.content
    assert events[0].choices[0].delta.role == "assistant"
    assert [e.choices[0].finish_reason for e in events if e.choices and e.choices[0].finish_reason] == ["length"]
    assert events[-1].choices == [] and events[-1].usage == whole.usage
    assert len({event.id for event in events}) == 1
    counted = [e.whetstone["tokens"] for e in events if "tokens" in getattr(e, "whetstone", {})]
    assert counted == sorted(counted) and counted[-1] == whole.usage.completion_tokens


def test_a_seed_says_the_same_again_and_another_one_something_else(served: Served):
    def said(seed: int) -> str:
        asked = {**GREEDY, "temperature": 1.0, "seed": seed, "max_tokens": 40}
        return served.openai().chat.completions.create(**asked).choices[0].message.content

    assert said(7) == said(7)
    assert len({said(seed) for seed in range(5)}) > 1


def test_without_a_seed_the_one_that_was_drawn_is_told_and_gives_the_same_reply(served: Served):
    asked = {**GREEDY, "temperature": 1.0, "max_tokens": 30}
    first = served.openai().chat.completions.create(**asked)
    again = served.openai().chat.completions.create(**asked, seed=first.whetstone["seed"])
    assert first.choices[0].message.content == again.choices[0].message.content


def test_a_stop_text_ends_the_reply_before_it(served: Served):
    whole = served.openai().chat.completions.create(**GREEDY).choices[0].message.content
    word = whole.split()[3]
    before = whole[: whole.index(word)]
    for stop in (word, ["no such words", word]):
        choice = served.openai().chat.completions.create(**GREEDY, stop=stop).choices[0]
        assert (choice.message.content, choice.finish_reason) == (before, "stop")
    streamed = served.openai().chat.completions.create(**GREEDY, stop=word, stream=True)
    assert "".join(event.choices[0].delta.content or "" for event in streamed) == before


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_reply_is_cut_at_the_tokens_asked_for(served: Served, name: str):
    answer = served.openai().chat.completions.create(**GREEDY, **{name: 3})
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 3


def test_probabilities_belong_to_the_tokens_that_were_said(served: Served):
    choice = served.openai().chat.completions.create(**GREEDY, max_tokens=8, logprobs=True, top_logprobs=3).choices[0]
    places = choice.logprobs.content
    assert len(places) == 8 and "".join(place.token for place in places).strip() == choice.message.content.strip()
    for place in places:
        assert place.logprob <= 0 and len(place.top_logprobs) == 3
        assert place.top_logprobs[0].token == place.token  # the likeliest is the one that greedy decoding takes
        assert sum(math.exp(other.logprob) for other in place.top_logprobs) <= 1.0001
        assert bytes(place.bytes).decode() == place.token


def test_a_completion_goes_on_from_a_text_or_its_tokens(served: Served):
    client = served.openai()
    ids = served.studio.server.client(served.alice).tokenize("pocket", "The shop opens")["tokens"]
    asked = {"model": "pocket", "temperature": 0, "max_tokens": 12}
    by_text = client.completions.create(prompt="The shop opens", **asked)
    by_ids = client.completions.create(prompt=ids, **asked)
    listed = client.completions.create(prompt=["The shop opens"], **asked, logprobs=2)
    assert by_text.choices[0].text and by_text.choices[0].text == by_ids.choices[0].text == listed.choices[0].text
    assert len(listed.choices[0].logprobs.tokens) == listed.usage.completion_tokens
    assert len(listed.choices[0].logprobs.top_logprobs[0]) == 2
    streamed = client.completions.create(prompt="The shop opens", **asked, stream=True)
    assert "".join(event.choices[0].text for event in streamed) == by_text.choices[0].text
    short = client.completions.create(model="pocket", prompt="The shop opens", extra_body={"ignore_eos": True})
    assert short.usage.completion_tokens == 16


def test_models_are_the_bases_and_the_callers_own_adapters(served: Served):
    listed = {name: {m.id for m in served.openai(who).models.list()} for name, who in people(served).items()}
    alices, bobs = {"alice/kind", f"alice/run:{RUN}"}, {"bob/plain"}
    assert "pocket" in listed["alice"] and alices <= listed["alice"] and not bobs & listed["alice"]
    assert "pocket" in listed["bob"] and bobs <= listed["bob"] and not alices & listed["bob"]
    assert alices | bobs <= listed["app"]


def people(served: Served) -> dict:
    return {"app": None, "alice": served.alice, "bob": served.bob}


@pytest.mark.parametrize("name", ["kind", f"run:{RUN}", f"run:{RUN}:step-20", f"run:{RUN}:step-000020"])
def test_an_adapter_a_run_and_a_checkpoint_reply_and_not_as_the_base_does(served: Served, name: str):
    client = served.openai(served.alice)
    base = client.chat.completions.create(**GREEDY, max_tokens=20)
    asked = {**GREEDY, "model": f"alice/{name}", "max_tokens": 20}
    answer = client.chat.completions.create(**asked)
    assert answer.choices[0].message.content != base.choices[0].message.content
    assert answer.whetstone["how"] == "stacked"


def test_columns_asked_at_once_say_what_each_says_alone(served: Served):
    """Base, two adapters and a seeded row share a batch; nobody's reply depends on the others."""
    columns = [
        {**GREEDY, "max_tokens": 40},
        {**GREEDY, "model": "alice/kind", "max_tokens": 30},
        {**GREEDY, "model": f"alice/run:{RUN}", "max_tokens": 20},
        {**GREEDY, "temperature": 0.9, "seed": 3, "max_tokens": 40},
    ]
    client = served.openai(served.alice)
    alone = [client.chat.completions.create(**column).choices[0].message.content for column in columns]
    together: list[str | None] = [None] * len(columns)

    def ask(place: int) -> None:
        together[place] = client.chat.completions.create(**columns[place]).choices[0].message.content

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(columns))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_a_client_that_leaves_in_mid_stream_frees_its_row(served: Served):
    asked = {**GREEDY, "stream": True, "extra_body": {"ignore_eos": True}}
    stream = served.openai().chat.completions.create(**asked)
    next(iter(stream))
    assert served.status()["rows"] == 1
    stream.close()
    wait_for(lambda: served.status()["rows"] == 0 and served.status()["under_way"] == 0, 20)


def test_a_client_that_leaves_before_its_answer_frees_its_row(served: Served):
    with served.http(served.secret) as http, pytest.raises(Exception, match="timed out"):
        http.post("/v1/chat/completions", json={**GREEDY, "ignore_eos": True}, timeout=0.15)
    wait_for(lambda: served.status()["rows"] == 0 and served.status()["under_way"] == 0, 20)


def test_a_record_is_rendered_with_the_tokens_that_are_trained(served: Served):
    record = {"messages": [*QUESTION, {"role": "assistant", "content": "2400 yen."}]}
    side = served.studio.server.client(served.alice).render("pocket", record)["sides"][0]
    assert 0 < side["trained"] < side["total"]


def test_weights_are_given_up_and_come_back_with_the_next_request(served: Served):
    served.openai().chat.completions.create(**GREEDY, max_tokens=1)
    assert served.status()["base"] == "pocket"
    served.studio.server.unload()
    assert served.status()["base"] is None
    assert served.studio.server.client(served.alice).tokenize("pocket", "Hello")["count"] > 0
    assert served.studio.server.client(served.bob).load("pocket")["base"] == "pocket"
    assert served.status()["base"] == "pocket"


def test_a_reply_under_way_is_said_to_its_end_before_weights_are_given_up(served: Served):
    sampling = {"temperature": 0, "ignore_eos": True, "max_tokens": 300}
    pieces = served.studio.server.client(served.alice).stream_chat("pocket", QUESTION, sampling)
    next(pieces)
    unloading = threading.Thread(target=served.studio.server.unload)
    unloading.start()
    assert list(pieces)[-1].tokens == 300
    unloading.join()
    assert served.status()["base"] is None


def test_while_a_job_has_the_processor_the_server_answers_and_says_so(served: Served):
    lease = take_lease(served.studio.queue.lease, {"who": "job", "job": "a-job", "since": "now"})
    try:
        served.openai().chat.completions.create(**GREEDY, max_tokens=2)
        wait_for(lambda: busy_reply(served)["job_running"])
        assert served.status()["threads"] == 1
    finally:
        os.close(lease)
    wait_for(lambda: not busy_reply(served)["job_running"])


def busy_reply(served: Served) -> dict:
    """What the server says of itself just after a reply; it looks for a job while it writes."""
    served.openai().chat.completions.create(**GREEDY, max_tokens=2)
    return served.status()
