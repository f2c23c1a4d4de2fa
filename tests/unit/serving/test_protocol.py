"""Requests are read strictly: each parameter at fault is named, all of them at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.errors import AdapterMismatch, ModelNotFound, OutOfMemory, TokenizerMissing
from studio.serving.errors_http import RequestError, request_error_of
from studio.serving.names import Places, find_model
from studio.serving.protocol import COMPLETION_TOKENS, ChatBody, CompletionBody, read_body
from studio.serving.tokens import Caller, find_caller, workspace_token

CHAT = {"model": "pocket", "messages": [{"role": "user", "content": "Hello"}]}


def chat(**more: Any) -> ChatBody:
    return read_body(ChatBody, json.dumps(CHAT | more).encode())


def test_all_problems_are_told_together_and_the_first_is_the_param():
    with pytest.raises(RequestError) as caught:
        chat(temperature="hot", seed=1.5, messages=[{"role": "wizard", "content": 5}])
    told = caught.value.to_fields()["error"]
    assert told["param"] == "temperature" and caught.value.status == 400
    assert all(name in told["message"] for name in ("temperature", "seed", "messages[0].content"))


def test_the_values_of_a_request_are_not_repeated_in_its_error():
    """What somebody wrote to a model stands in no message, which may end up in a log."""
    with pytest.raises(RequestError) as caught:
        chat(messages=[{"role": "user", "content": ["my secret"]}])
    assert "my secret" not in caught.value.message


def test_what_is_not_given_is_the_protocols_own_default():
    body = chat()
    assert (body.stream, body.asked_tokens, body.asked_logprobs, body.stops) == (False, None, None, ())
    assert read_body(CompletionBody, b'{"model": "m", "prompt": "x"}').asked_tokens == COMPLETION_TOKENS
    assert chat(logprobs=True).asked_logprobs == 0 and chat(logprobs=True, top_logprobs=4).asked_logprobs == 4
    assert chat(max_completion_tokens=3).asked_tokens == 3


@pytest.mark.parametrize("name", ["n", "tools", "response_format", "suffix", "verbosity", "zebra", "user", "seed"])
def test_null_asks_for_nothing(name: str):
    assert chat(**{name: None}).model == "pocket"


def test_messages_reach_the_template_as_it_takes_them():
    parts = [{"type": "text", "text": "Be "}, {"type": "text", "text": "kind."}]
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body = chat(
        messages=[
            {"role": "developer", "content": parts},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "5", "tool_call_id": "1"},
        ]
    )
    assert [message.to_template() for message in body.messages] == [
        {"role": "system", "content": "Be kind."},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "5", "tool_call_id": "1"},
    ]


@pytest.mark.parametrize(
    ("error", "status", "code", "param"),
    [
        (ModelNotFound(model="x"), 404, "model_not_found", "model"),
        (TokenizerMissing(model="x"), 422, "tokenizer_missing", "model"),
        (OutOfMemory(asked_bytes=1, free_bytes=None), 503, "out_of_memory", None),
    ],
)
def test_an_error_of_ours_has_a_status_and_can_be_worded_again(error, status: int, code: str, param: str | None):
    made = request_error_of(error)
    assert (made.status, made.code, made.param) == (status, code, param)
    told = json.loads(made.to_response().body)["error"]
    assert told["message"] == str(error) and told["whetstone"] == {"code": error.code, "values": error.values}


@pytest.mark.parametrize("workspace", ["local", "東京", "a%2eb", "with.dots", "-"])
def test_a_workspaces_token_names_it_and_can_be_made_with_the_secret_alone(workspace: str):
    token = workspace_token("secret", workspace)
    assert token.isascii()
    assert find_caller("secret", f"Bearer {token}") == Caller(workspace)
    assert find_caller("another", f"Bearer {token}") is None
    assert find_caller("secret", f"Bearer {token[:-1]}0") in (None, Caller(workspace) if token[-1] == "0" else None)
    assert find_caller("secret", f"Basic {token}") is None


def test_no_token_of_a_workspace_is_the_apps_own():
    assert find_caller("secret", "Bearer secret") == Caller(None)
    assert find_caller("secret", "bearer secret") == Caller(None)
    assert find_caller("secret", "Bearer secret ") is None
    assert find_caller("secret", "Bearer ") is None
    assert find_caller("secret", "Bearer é") is None


def places(folder: Path) -> Places:
    return Places(folder / "root", (), folder / "hub", folder / "lease")


def test_a_precision_is_asked_for_behind_the_id(tmp_path: Path):
    assert find_model(places(tmp_path), Caller("local"), "pocket").precision is None
    assert find_model(places(tmp_path), Caller("local"), "pocket@nf4").precision == "nf4"
    with pytest.raises(ModelNotFound):
        find_model(places(tmp_path), Caller("local"), "pocket@nf5")


def adapter(folder: Path, base: str = "pocket") -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


def test_the_newest_version_of_a_registered_adapter_is_taken(tmp_path: Path):
    home = tmp_path / "root" / "people" / "local" / "adapters" / "kind"
    for version in ("1", "2", "10", "x"):
        adapter(home / version)
    (home / "11").mkdir()  # without weights
    assert find_model(places(tmp_path), Caller("local"), "local/kind").adapter == home / "10"


@pytest.mark.parametrize(
    ("recorded", "precision"), [("nf4", "nf4"), ("int8", "int8"), ("bfloat16", None), (None, None)]
)
def test_an_adapter_of_a_quantised_base_belongs_to_that_one(
    tmp_path: Path, recorded: str | None, precision: str | None
):
    """Between float32 and bfloat16 a probe chooses, so that base and adapter share a batch."""
    folder = adapter(tmp_path / "root" / "people" / "local" / "adapters" / "kind" / "1", "gone")
    (folder / "whetstone.json").write_text(json.dumps({"format": 1, "base": "pocket", "precision": recorded}))
    found = find_model(places(tmp_path), Caller("local"), "local/kind")
    assert (found.base.id, found.precision) == ("pocket", precision)
    assert find_model(places(tmp_path), Caller("local"), "local/kind@float32").precision == "float32"


RUN = "20260101T000000000Z-train-shop"


def checkpoint_of(folder: Path, options: dict[str, Any]) -> Path:
    """A run's folder with a checkpoint of step 66, which holds peft's files alone, as training leaves it."""
    job = folder / "root" / "people" / "local" / "jobs" / RUN
    adapter(job / "checkpoints" / "step-000066", "gone")
    (job / "job.json").write_text(json.dumps({"format": 1, "options": options}))
    return job


@pytest.mark.parametrize(
    ("options", "precision"),
    [
        ({"base": "pocket", "adapter": "qlora", "adapter_options": {"precision": "nf4"}}, "nf4"),
        ({"base": "pocket", "adapter": "qlora", "adapter_options": {"precision": "int8"}}, "int8"),
        ({"base": "pocket", "adapter": "lora", "adapter_options": {"rank": 8}}, None),
        ({"base": "pocket", "adapter_options": {"precision": ["nf4"]}}, None),
        ({"base": "pocket", "adapter_options": "nf4"}, None),
    ],
)
def test_a_checkpoint_belongs_to_the_base_that_its_run_trained_on(tmp_path: Path, options, precision: str | None):
    checkpoint_of(tmp_path, options)
    found = find_model(places(tmp_path), Caller("local"), f"local/run:{RUN}:step-66")
    assert (found.base.id, found.precision) == ("pocket", precision)


def test_a_checkpoint_of_a_base_that_was_changed_since_its_run_is_refused(tmp_path: Path):
    job = checkpoint_of(tmp_path, {"base": "pocket", "adapter_options": {}})
    result = adapter(job / "result" / "adapter")
    (result / "whetstone.json").write_text(json.dumps({"format": 1, "base": "pocket", "base_bytes": 1}))
    with pytest.raises(AdapterMismatch):
        find_model(places(tmp_path), Caller("local"), f"local/run:{RUN}:step-66")
