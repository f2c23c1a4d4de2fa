"""Events registered through the gate: the person comes first, and an error reaches them as a sentence of theirs."""

from __future__ import annotations

import json
import logging

import gradio as gr
import httpx
import pytest

from studio.errors import NameTaken
from studio.services.studio import Studio
from studio.settings import read_settings
from studio.ui.app import serve
from studio.ui.gate import on


def greet(person, name: str, unused: str) -> str:
    return f"{person.id} {person.language} {name}"


def refuse(person) -> None:
    raise NameTaken(name="x")


def break_down(person) -> None:
    raise KeyError("/home/secret")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    studio = Studio(read_settings(["--root", str(tmp_path_factory.mktemp("events") / "root"), "--port", "0"], {}))
    with gr.Blocks(analytics_enabled=False) as demo:
        box, button = gr.Textbox(), gr.Button()
        on(button.click, greet, [box, box], box)
        on(button.click, refuse)
        on(button.click, break_down)
    yield serve(demo, studio)
    demo.close(verbose=False)
    studio.close()


def fire(address: str, number: int, data: list, language: str = "en") -> dict:
    """The last message of an event's stream, as the page receives it."""
    with httpx.Client(base_url=address, timeout=20, cookies={"whetstone_language": language}) as http:
        body = {"data": data, "fn_index": number, "session_hash": f"s{number}{language}"}
        assert http.post("gradio_api/queue/join", json=body).status_code == 200
        with http.stream("GET", f"gradio_api/queue/data?session_hash={body['session_hash']}") as stream:
            for line in stream.iter_lines():
                if line.startswith("data:") and (message := json.loads(line[5:]))["msg"] == "process_completed":
                    return message
    raise AssertionError("the event never ended")


def test_the_person_comes_before_the_inputs(address):
    assert fire(address, 0, ["Ann", ""], "ja")["output"]["data"] == ["local ja Ann"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "The name x is taken. Choose another name."),
        ("ja", "「x」という名前はすでに使われています。別の名前を付けてください。"),
    ],
)
def test_an_expected_error_is_said_in_the_persons_language(address, language, words):
    message = fire(address, 1, [], language)
    assert message["success"] is False
    assert message["output"]["error"] == words


def test_an_unexpected_error_shows_a_reference_that_the_log_has_and_no_detail(address, caplog):
    with caplog.at_level(logging.ERROR, "whetstone"):
        said = fire(address, 2, [])["output"]["error"]
    assert "secret" not in said
    reference = said.split("reference ")[1][:6]
    assert reference in caplog.text and "/home/secret" in caplog.text
