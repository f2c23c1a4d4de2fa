"""Endpoints elsewhere: who may name them, what is kept of them, and what their answers may do to us."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from studio.errors import (
    EndpointBroken,
    EndpointKeyMissing,
    EndpointRefused,
    EndpointsFixed,
    EndpointUnreachable,
    FileUnreadable,
    NotYours,
    OptionsInvalid,
    RemoteError,
)
from studio.people import Person, person_from
from studio.services.endpoints import Endpoints
from studio.settings import Endpoint, Settings, read_settings

URL = "http://127.0.0.1:9"


def settings_of(root: Path, *flags: str, **environment: str) -> Settings:
    return read_settings(["--root", str(root), *flags], environment)


def opened(root: Path, *flags: str, **environment: str) -> tuple[Endpoints, Person]:
    settings = settings_of(root, *flags)
    return Endpoints(settings, environment), person_from(None, {}, {}, settings)


def test_the_operator_names_endpoints_by_flag_or_environment(root: Path):
    flag = settings_of(root, "--endpoint", "a=https://api.example.com/v1/,key_env=MY_KEY").endpoints
    assert flag == (Endpoint("a", "https://api.example.com/v1", "MY_KEY"),)
    told = settings_of(root, WHETSTONE_ENDPOINT=f"b={URL} c=http://[::1]:80,key_env=K").endpoints
    assert told == (Endpoint("b", URL, None), Endpoint("c", "http://[::1]:80", "K"))


@pytest.mark.parametrize(
    "wrong",
    [
        "http://x", "a", "a=", "=http://x", "a=ftp://x", "a=http://", "a=http://user:secret@x", "a=http://x?key=1",
        "a=http://x,key=1", "a=http://x#y", "a=http://x:99999", "a b=http://x", "a/b=http://x", "a=http://x,key_env=1a",
        "a=javascript:x", "a=file:///etc/passwd",
    ],
)  # fmt: skip
def test_a_wrong_endpoint_ends_the_start_with_a_sentence(root: Path, wrong: str, capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit):
        settings_of(root, "--endpoint", wrong)
    assert "NAME=URL" in capsys.readouterr().err


def test_alone_on_loopback_a_person_adds_and_removes_endpoints(root: Path):
    endpoints, person = opened(root, "--endpoint", f"theirs={URL}", MY_KEY="sk-secret")
    endpoints.add(person, "mine", f"{URL}/v1/", "MY_KEY")
    endpoints.add(person, "mine", f"{URL}/v1", "MY_KEY")  # the same again
    endpoints.add(person, "自宅", URL, None)
    listed = endpoints.list(person)
    assert [(e["id"], e["own"], e["has_key"]) for e in listed] == [
        ("theirs", False, False), ("mine", True, True), ("自宅", True, False),
    ]  # fmt: skip
    assert "sk-secret" not in json.dumps(listed) + (person.workspace / "endpoints.json").read_text("utf-8")
    endpoints.remove(person, "mine")
    assert [e["id"] for e in endpoints.list(person)] == ["theirs", "自宅"]
    for name in ("mine", "theirs", None):
        with pytest.raises(NotYours):
            endpoints.remove(person, name)


@pytest.mark.parametrize(
    "flags", [("--host", "0.0.0.0", "--login", "x"), ("--login", "x"), ("--host", "10.0.0.1")], ids=str
)
def test_where_others_see_the_page_nobody_adds_endpoints(root: Path, flags: tuple[str, ...]):
    alone, person = opened(root)
    alone.add(person, "mine", URL, None)
    endpoints, person = opened(root, *flags, "--endpoint", f"theirs={URL}")
    assert not endpoints.can_add()
    assert [e["id"] for e in endpoints.list(person)] == ["theirs"]  # also not what was added before
    for deed in (lambda: endpoints.add(person, "x", URL, None), lambda: endpoints.remove(person, "mine")):
        with pytest.raises(EndpointsFixed):
            deed()
    with pytest.raises(NotYours):
        endpoints.client(person, "mine")


def test_on_a_space_nobody_adds_endpoints(root: Path):
    assert not Endpoints(settings_of(root, SPACE_ID="a/b"), {}).can_add()


@pytest.mark.parametrize(
    ("name", "url", "key_env", "codes"),
    [
        ("", URL, None, {"endpoint_name"}),
        ("a b", "x", "1", {"endpoint_name", "endpoint_url", "endpoint_key"}),
        ("../x", URL, None, {"endpoint_name"}),
        (None, None, 5, {"endpoint_name", "endpoint_url", "endpoint_key"}),
        ("x", f"{URL},key_env=HOME", None, {"endpoint_url"}),
        ("x", URL, "sk-abcdef-123", {"endpoint_key"}),
        ("theirs", "http://elsewhere", None, {"endpoint_taken"}),
        ("x" * 41, URL, None, {"endpoint_name"}),
    ],
)
def test_all_problems_of_an_endpoint_are_told_at_once(root: Path, name: Any, url: Any, key_env: Any, codes: set[str]):
    endpoints, person = opened(root, "--endpoint", f"theirs={URL}")
    with pytest.raises(OptionsInvalid) as caught:
        endpoints.add(person, name, url, key_env)
    assert {problem["code"] for problem in caught.value.problems} == codes


def test_a_file_that_cannot_be_read_is_told(root: Path):
    endpoints, person = opened(root)
    person.workspace.mkdir(parents=True)
    (person.workspace / "endpoints.json").write_text("{")
    with pytest.raises(FileUnreadable):
        endpoints.list(person)


def test_a_key_that_is_not_there_is_told_by_its_name(root: Path):
    endpoints, person = opened(root, "--endpoint", f"theirs={URL},key_env=MY_KEY")
    with pytest.raises(EndpointKeyMissing) as caught:
        endpoints.client(person, "theirs")
    assert caught.value.values == {"name": "theirs", "variable": "MY_KEY"}


# What an endpoint may answer --------------------------------------------------------------------------------------


def event(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


GOOD = event("こん") + b": ping\n\n" + event("にちは") + event("", "stop") + b"data: [DONE]\n\n"
ANSWERS: dict[str, tuple[int, bytes]] = {
    "good": (200, GOOD),
    "halves": (200, event("a\ud83d") + b": ping\n\n" + event("\ude00b") + event("\ud83d\ude00", "stop")),
    "alone": (200, event("a\ud83db\ude00") + event("\ud83d") + event("", "stop")),
    "alone_done": (200, event("a\ud83d") + b"data: [DONE]\n\n"),
    "half_refused": (400, b'{"error": {"message": "bad \\ud83d"}}'),
    "without_done": (200, event("x") + event("", "length")),
    "cut": (200, event("x")),
    "empty": (200, b""),
    "html": (200, b"<html></html>"),
    "no_json": (200, b"data: {\n\n"),
    "list": (200, b"data: []\n\n"),
    "odd": (200, b'data: {"choices": [{"delta": {"content": 5}, "finish_reason": 7}], "usage": 3}\n\n' + GOOD),
    "error": (200, event("x") + b'data: {"error": {"message": "too hot"}}\n\n'),
    "endless": (200, b"data: " + b"x" * 5_000_000),
    "refused": (401, b'{"error": {"message": "bad key"}}'),
    "refused_text": (500, b"<b>oops</b>" * 1000),
    "moved": (302, b""),
}


class Elsewhere(BaseHTTPRequestHandler):
    """Answers as the key it is asked with says; /v1/models lists one model and something odd."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(asked | {"key": self.headers["authorization"]})
        status, body = ANSWERS[asked["model"]]
        self.send_response(status)
        self.send_header("location", "http://127.0.0.1:9/")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # the client has left an endless line

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"data": [{"id": "good"}, {"id": 5}, "x"]}).encode())

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(elsewhere: ThreadingHTTPServer, root: Path):
    url = f"http://127.0.0.1:{elsewhere.server_address[1]}/v1"
    endpoints, person = opened(root, "--endpoint", f"there={url},key_env=MY_KEY", MY_KEY="sk-1")
    client = endpoints.client(person, "there")

    def chat(model: str, **sampling: Any) -> list:
        return list(client.stream_chat(model, [{"role": "user", "content": "Hi"}], sampling))

    yield chat
    endpoints.close()


def test_an_endpoint_is_asked_in_the_protocol_and_its_reply_comes_in_pieces(ask, elsewhere: ThreadingHTTPServer):
    pieces = ask("good", temperature=0.5, seed=None)
    assert "".join(piece.text for piece in pieces) == "こんにちは"
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["stop"]
    assert elsewhere.asked[0]["key"] == "Bearer sk-1"
    assert elsewhere.asked[0]["temperature"] == 0.5 and "seed" not in elsewhere.asked[0]


def test_a_reply_may_end_without_the_last_word_of_the_protocol(ask):
    assert [piece.finish_reason for piece in ask("without_done")] == [None, "length"]


@pytest.mark.parametrize(
    ("model", "text"), [("halves", "a😀b😀"), ("alone", "a\ufffdb\ufffd\ufffd"), ("alone_done", "a\ufffd")]
)
def test_a_character_cut_in_two_is_put_together_and_a_half_alone_is_replaced(ask, model: str, text: str):
    pieces = [piece.text for piece in ask(model)]
    assert "".join(pieces) == text
    assert all(piece.encode() is not None for piece in pieces), "each can be kept and sent"


@pytest.mark.parametrize("model", ["cut", "empty", "html", "endless"])
def test_a_reply_that_never_ends_well_is_told_as_broken(ask, model: str):
    with pytest.raises(EndpointBroken) as caught:
        ask(model)
    assert caught.value.values["address"] == "there"


@pytest.mark.parametrize("model", ["no_json", "list"])
def test_an_answer_of_another_protocol_is_told(ask, model: str):
    with pytest.raises(RemoteError):
        ask(model)


@pytest.mark.parametrize(
    ("model", "status", "said"),
    [
        ("refused", 401, "bad key"),
        ("half_refused", 400, "bad \ufffd"),
        ("error", 200, "too hot"),
        ("refused_text", 500, ("<b>oops</b>" * 1000)[:300]),
    ],
)
def test_an_endpoints_own_words_come_with_its_refusal(ask, model: str, status: int, said: str):
    with pytest.raises(EndpointRefused) as caught:
        ask(model)
    assert (caught.value.values["status"], caught.value.values["said"]) == (status, said)


def test_a_redirect_is_not_followed_with_the_key(ask):
    with pytest.raises(EndpointRefused):
        ask("moved")


def test_values_of_other_types_are_left_out(ask):
    assert "".join(piece.text for piece in ask("odd")) == "こんにちは"


def test_the_models_of_an_endpoint_are_listed(elsewhere: ThreadingHTTPServer, root: Path):
    endpoints, person = opened(root, "--endpoint", f"there=http://127.0.0.1:{elsewhere.server_address[1]}")
    assert endpoints.models(person, "there") == ["good"]


def test_nobody_there_is_told_at_once(root: Path):
    endpoints, person = opened(root, "--endpoint", f"nobody={URL}")
    with pytest.raises(EndpointUnreachable) as caught:
        endpoints.models(person, "nobody")
    assert "nobody" in caught.value.message("ja")
