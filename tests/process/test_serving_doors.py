"""What the model server refuses: strangers, other people's adapters, requests of another shape; always in the protocol's form."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from studio.models.catalogue import POCKET_FOLDER
from studio.serving.tokens import workspace_token
from tests.process.served import QUESTION, RUN, Served, write_adapter

pytestmark = pytest.mark.slow
CHAT = {"model": "pocket", "messages": QUESTION, "max_tokens": 1}
ROUTES: dict[tuple[str, str], Any] = {
    ("GET", "/health"): None,
    ("GET", "/v1/models"): None,
    ("POST", "/v1/chat/completions"): CHAT,
    ("POST", "/v1/completions"): {"model": "pocket", "prompt": "Hello", "max_tokens": 1},
    ("POST", "/tokenize"): {"model": "pocket", "text": "Hello"},
    ("POST", "/render"): {
        "model": "pocket",
        "record": {"messages": [*QUESTION, {"role": "assistant", "content": "x"}]},
    },
    ("POST", "/count"): {"model": "pocket", "records": [{"text": "Hello"}, {}]},
    ("POST", "/load"): {"model": "pocket"},
    ("POST", "/unload"): {},
    ("GET", "/status"): None,
}
FOR_THE_APP_ALONE = {"/unload", "/status"}


def ask(served: Served, token: str | None, route: tuple[str, str], body: Any = None, **more: Any):
    with served.http(token) as http:
        return http.request(*route, **({"json": body} if body is not None else {}), **more)


def refusal(answer) -> tuple[int, str]:
    """Status and code, after checking that the error has the protocol's form."""
    error = answer.json()["error"]
    assert error["message"] and error["type"].endswith("_error") and "param" in error
    return answer.status_code, error["code"]


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_every_route_answers_the_app(served: Served, route: tuple[str, str]):
    assert ask(served, served.secret, route, ROUTES[route]).status_code == 200


@pytest.mark.parametrize("route", [*ROUTES, ("GET", "/nowhere"), ("DELETE", "/health"), ("GET", "/docs")], ids=str)
def test_no_route_answers_a_stranger(served: Served, route: tuple[str, str]):
    right = workspace_token(served.secret, "alice")
    forged = [None, ".", "x", right[:-1], right.replace(".", "", 1), workspace_token("another secret", "alice")]
    forged += ["workspace.!!!.00", f"workspace..{right[-64:]}", "workspace." + right.split(".")[1]]
    for token in forged:
        answer = ask(served, token, route, ROUTES.get(route))
        assert refusal(answer) == (401, "invalid_api_key"), token
        assert answer.headers["www-authenticate"] == "Bearer"
    with served.http(None) as http:
        answer = http.request(*route, headers={"authorization": f"Basic {served.secret}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_workspace_may_ask_models_but_neither_unload_nor_look_at_others(served: Served, route: tuple[str, str]):
    answer = ask(served, served.studio.server.token_for(served.bob), route, ROUTES[route])
    if route[1] in FOR_THE_APP_ALONE:
        assert refusal(answer) == (404, "not_found")
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize("route", [r for r, body in ROUTES.items() if body and r[1] not in FOR_THE_APP_ALONE], ids=str)
@pytest.mark.parametrize("name", ["alice/kind", f"alice/run:{RUN}", f"alice/run:{RUN}:step-20", "alice/kind@float32"])
def test_anothers_adapter_is_as_one_that_does_not_exist(served: Served, route: tuple[str, str], name: str):
    token = served.studio.server.token_for(served.bob)
    told = ask(served, token, route, ROUTES[route] | {"model": name})
    none = ask(served, token, route, ROUTES[route] | {"model": name.replace("alice/kind", "alice/none")})
    assert refusal(told) == refusal(none) == (404, "model_not_found")
    if route[1] not in ("/render", "/count"):
        assert ask(
            served, served.studio.server.token_for(served.alice), route, ROUTES[route] | {"model": name}
        ).is_success


@pytest.mark.parametrize(
    "name",
    [
        "nothing", "pocket@nf5", "folder:../pocket", "folder:..", "hub:../../etc", "hub:a/b", "/etc/passwd", "../pocket",
        "alice/../bob/plain", "alice/adapters/kind", "alice/..", "alice/", "/kind", "./kind", "../alice/kind",
        "alice/kind/1", "alice/KIND", "alice/run:..", f"alice/run:{RUN}/../..", f"alice/run:{RUN}:step-", "alice\0/kind",
        f"alice/run:{RUN}:step-9", "alice/link", "people/alice", "%2e%2e/kind", "‥/kind", "a" * 300,
    ],
)  # fmt: skip
def test_no_model_id_leads_anywhere_but_to_a_model(served: Served, name: str):
    link = served.alice.workspace / "adapters" / "link"
    if not link.is_symlink():
        link.symlink_to(served.bob.workspace / "adapters" / "plain")
    assert refusal(ask(served, served.secret, ("POST", "/v1/chat/completions"), CHAT | {"model": name})) == (
        404,
        "model_not_found",
    )


def test_an_adapter_of_another_base_is_told_as_that(served: Served):
    folder = served.bob.workspace / "adapters" / "foreign" / "1"
    write_adapter(folder, seed=5)
    path = folder / "adapter_config.json"
    path.write_text(path.read_text("utf-8").replace('"pocket"', '"a-base-that-is-gone"'), "utf-8")
    asked = CHAT | {"model": "bob/foreign"}
    assert refusal(ask(served, served.secret, ("POST", "/v1/chat/completions"), asked)) == (422, "adapter_mismatch")


def user(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hello"} | fields]}


WRONG = {
    "no_model": ({"model": None}, 400, "model"),
    "model_no_text": ({"model": 5}, 400, "model"),
    "messages_missing": ({"messages": None}, 400, "messages"),
    "messages_empty": ({"messages": []}, 400, "messages"),
    "messages_text": ({"messages": "Hello"}, 400, "messages"),
    "message_text": ({"messages": ["Hello"]}, 400, "messages[0]"),
    "role": (user(role="wizard"), 400, "messages[0].role"),
    "content_number": (user(content=5), 400, "messages[0].content"),
    "content_none": (user(content=None), 400, "messages[0]"),
    "image": (user(content=[{"type": "image_url", "image_url": {"url": "x"}}]), 400, "messages[0].content"),
    "temperature_text": ({"temperature": "hot"}, 400, "temperature"),
    "temperature_high": ({"temperature": 2.1}, 400, "temperature"),
    "temperature_low": ({"temperature": -0.1}, 400, "temperature"),
    "top_p": ({"top_p": 1.5}, 400, "top_p"),
    "seed_text": ({"seed": "7"}, 400, "seed"),
    "seed_huge": ({"seed": 2**64}, 400, "seed"),
    "seed_part": ({"seed": 1.5}, 400, "seed"),
    "stop_empty": ({"stop": ""}, 400, "stop"),
    "stop_many": ({"stop": ["a", "b", "c", "d", "e"]}, 400, "stop"),
    "stop_number": ({"stop": 5}, 400, "stop"),
    "max_tokens_zero": ({"max_tokens": 0}, 400, "max_tokens"),
    "max_tokens_true": ({"max_tokens": True}, 400, "max_tokens"),
    "max_tokens_beyond": ({"max_tokens": 513}, 400, "max_tokens"),
    "max_tokens_two": ({"max_completion_tokens": 2}, 400, "max_tokens"),
    "stream_text": ({"stream": "yes"}, 400, "stream"),
    "top_logprobs_alone": ({"top_logprobs": 3}, 400, "top_logprobs"),
    "top_logprobs_many": ({"logprobs": True, "top_logprobs": 21}, 400, "top_logprobs"),
    "n": ({"n": 2}, 400, "n"),
    "tools": ({"tools": [{"type": "function", "function": {"name": "x"}}]}, 400, "tools"),
    "json_mode": ({"response_format": {"type": "json_object"}}, 400, "response_format"),
    "penalty": ({"presence_penalty": 0.5}, 400, "presence_penalty"),
    "unknown": ({"zebra": 1}, 400, "zebra"),
    "prompt_long": (user(content="Hello there. " * 600), 400, "messages"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_parameter_is_named(served: Served, case: str):
    change, status, param = WRONG[case]
    answer = ask(served, served.secret, ("POST", "/v1/chat/completions"), CHAT | change)
    refusal(answer)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text


def test_parameters_of_the_protocol_that_ask_for_nothing_are_taken(served: Served):
    neutral = {
        "n": 1, "user": "someone", "presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "tools": [],
        "tool_choice": "none", "response_format": {"type": "text"}, "store": False, "metadata": {"a": "b"},
        "reasoning_effort": None, "top_p": 0, "temperature": 1, "stop": None, "seed": None, "parallel_tool_calls": True,
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": " kind."}]},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello.", "refusal": None, "annotations": [], "function_call": None},
            *QUESTION,
        ],
    }  # fmt: skip
    answer = ask(served, served.secret, ("POST", "/v1/chat/completions"), CHAT | neutral)
    assert answer.status_code == 200, answer.text


BODIES = {
    "nothing": b"",
    "text": b"hello",
    "list": b"[]",
    "number": b"5",
    "half": json.dumps(CHAT).encode()[:-1],
    "no_utf8": json.dumps(CHAT).encode().replace(b"Hello", b"\xff\xfe"),
    "shift_jis": '{"model": "pocket", "messages": [{"role": "user", "content": "こんにちは"}]}'.encode("cp932"),
    "surrogate": b'{"model": "pocket", "messages": [{"role": "user", "content": "\\ud800"}]}',
    "not_a_number": json.dumps(CHAT).encode()[:-1] + b', "temperature": NaN}',
    "deep": json.dumps(CHAT).encode()[:-1] + b', "metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "huge_number": json.dumps(CHAT).encode()[:-1] + b', "seed": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("case", BODIES)
@pytest.mark.parametrize("route", [route for route, body in ROUTES.items() if body], ids=str)
def test_a_body_that_is_no_request_is_refused(served: Served, case: str, route: tuple[str, str]):
    answer = ask(served, served.secret, route, content=BODIES[case])
    assert refusal(answer)[0] == 400, answer.text


def test_a_body_over_the_limit_is_refused_while_it_comes(served: Served):
    huge = json.dumps(CHAT | {"user": "x" * (9 * 2**20)}).encode()
    whole = ask(served, served.secret, ("POST", "/v1/chat/completions"), content=huge)
    parts = ask(served, served.secret, ("POST", "/v1/chat/completions"), content=iter([huge[:1000], huge[1000:]]))
    assert refusal(whole) == refusal(parts) == (413, "request_too_large")


COMPLETIONS = {
    "empty": "",
    "no_tokens": [],
    "two": ["a", "b"],
    "mixed": ["a", 5],
    "outside": [10**9],
    "negative": [-1],
    "long": [5] * 600,
    "object": {},
}


@pytest.mark.parametrize("case", COMPLETIONS)
def test_a_wrong_prompt_is_refused(served: Served, case: str):
    body = {"model": "pocket", "prompt": COMPLETIONS[case], "max_tokens": 1}
    answer = ask(served, served.secret, ("POST", "/v1/completions"), body)
    assert refusal(answer)[0] == 400 and answer.json()["error"]["param"] == "prompt", answer.text


@pytest.mark.parametrize("path", ["/tokenize", "/render"])
def test_either_this_or_that_and_not_both(served: Served, path: str):
    record = {"messages": QUESTION}
    both = {"text": "x"} | record if path == "/tokenize" else {"record": record} | record
    for given in ({}, both):
        assert refusal(ask(served, served.secret, ("POST", path), {"model": "pocket"} | given))[0] == 400


REFUSAL = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system role here') }}{% endif %}"


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/chat/completions", CHAT), ("/v1/chat/completions", CHAT | {"stream": True}), ("/tokenize", {})],
    ids=["whole", "streamed", "tokenize"],
)
def test_what_a_template_refuses_is_told(served: Served, path: str, body: dict[str, Any]):
    """An adapter whose template takes no system message, as Gemma's does not; without one it replies."""
    folder = served.alice.workspace / "adapters" / "strict" / "1"
    if not folder.is_dir():
        write_adapter(folder, seed=6)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(POCKET_FOLDER / name, folder)
        template = (POCKET_FOLDER / "chat_template.jinja").read_text("utf-8")
        (folder / "chat_template.jinja").write_text(REFUSAL + template, "utf-8")
    asked = body | {"model": "alice/strict"}
    odd = asked | {"messages": [{"role": "system", "content": "Be kind."}, *QUESTION]}
    answer = ask(served, served.secret, ("POST", path), odd)
    assert refusal(answer) == (422, "template_refused")
    assert "No system role here" in answer.json()["error"]["message"] and answer.json()["error"]["param"] == "messages"
    assert ask(served, served.secret, ("POST", path), asked | {"messages": QUESTION}).status_code == 200


def test_a_tool_call_without_text_is_rendered(served: Served):
    odd = [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}, *QUESTION]
    answer = ask(served, served.secret, ("POST", "/v1/chat/completions"), CHAT | {"messages": odd})
    assert answer.status_code == 200


def test_unknown_addresses_and_methods_are_refused_in_the_same_form(served: Served):
    assert refusal(ask(served, served.secret, ("GET", "/nowhere"))) == (404, "not_found")
    assert refusal(ask(served, served.secret, ("GET", "/v1/chat/completions"))) == (405, "method_not_allowed")


def test_the_server_is_well_after_all_this(served: Served):
    answer = ask(served, served.secret, ("POST", "/v1/chat/completions"), CHAT)
    assert answer.status_code == 200
    status = served.status()
    assert (status["rows"], status["under_way"]) == (0, 0)
    assert "Traceback" not in (served.root / "serving.log").read_text("utf-8")
