"""A base model from a hub that is a small HTTP server on this machine: shown, downloaded, offered; or refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from studio.errors import HubRefused, WeightsUnsafe
from studio.models.catalogue import POCKET_FOLDER
from studio.people import Person
from studio.services.studio import Studio

REVISION = "a" * 40
SHIPPED = {path.name: path.read_bytes() for path in POCKET_FOLDER.iterdir() if path.is_file()}
BESIDE = {"README.md": b"---\nlicense: mit\n---\n", "pytorch_model.bin": b"\x80\x04pickle", "modeling.py": b"import os"}
FILES = SHIPPED | BESIDE
PICKLED = {"config.json": FILES["config.json"], "pytorch_model.bin": FILES["pytorch_model.bin"]}
REPOS = {"some-org/pocket": FILES, "some-org/pickled": PICKLED, "some-org/torn": FILES}
TORN = "some-org/torn"
"""Lists weights that it then refuses to give."""


class Hub(BaseHTTPRequestHandler):
    """Three repositories, in the answers that huggingface_hub's client asks for."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"] and (repo := "/".join(parts[2:4])) in REPOS:
            siblings = [{"rfilename": name, "size": len(content)} for name, content in REPOS[repo].items()]
            told = {"id": repo, "sha": REVISION, "siblings": siblings, "cardData": {"license": "mit"}, "private": False}
            self._send(json.dumps(told).encode(), "application/json", with_body)
        elif with_body and "/".join(parts[:2]) == TORN and parts[-1] == "model.safetensors":
            self.send_error(403)
        elif parts[2:3] == ["resolve"] and (content := REPOS.get("/".join(parts[:2]), {}).get("/".join(parts[4:]))):
            self._send(content, "application/octet-stream", with_body)
        else:
            self.send_error(404)

    def _send(self, content: bytes, kind: str, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hash(content) & 0xFFFFFFFF:x}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from huggingface_hub import constants

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("HF_ENDPOINT", address)  # for the worker
    monkeypatch.setattr(constants, "ENDPOINT", address)
    yield address
    server.shutdown()


def test_a_download_brings_what_was_shown_and_no_pickle_and_no_code(hub: str, studio: Studio, person: Person):
    shown = studio.bases.hub_files(person, "some-org/pocket")
    names = {entry["name"] for entry in shown["files"]}
    assert {"model.safetensors", "tokenizer.json", "config.json", "chat_template.jinja", "README.md"} <= names
    assert not names & {"pytorch_model.bin", "modeling.py"}
    assert shown["bytes"] == sum(entry["bytes"] for entry in shown["files"]) and shown["licence"] == "mit"
    job = studio.bases.download(person, "download", "some-org/pocket")
    state = studio.queue.wait(job, 120)
    assert (state.status, state.ended["result"]) == ("finished", "hub:some-org/pocket")
    base = studio.bases.find("hub:some-org/pocket")
    assert {path.name for path in base.folder.iterdir()} == names
    assert (base.folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert [entry["id"] for entry in studio.bases.list(person)] == ["pocket", "hub:some-org/pocket"]


def test_a_file_that_the_hub_refuses_in_the_middle_is_told_as_that(hub: str, studio: Studio, person: Person):
    state = studio.queue.wait(studio.bases.download(person, "download", TORN), 120)
    assert (state.status, state.ended["code"]) == ("failed", "HubRefused")
    assert state.ended["values"]["status"] == 403
    assert [entry["id"] for entry in studio.bases.list(person)] == ["pocket"]


def test_pickled_weights_are_refused_before_anything_is_fetched(hub: str, studio: Studio, person: Person):
    with pytest.raises(WeightsUnsafe):
        studio.bases.download(person, "download", "some-org/pickled")
    assert studio.queue.jobs(person) == []


def test_a_name_the_hub_does_not_know_is_told_with_its_status(hub: str, studio: Studio, person: Person):
    with pytest.raises(HubRefused) as caught:
        studio.bases.hub_files(person, "some-org/nothing")
    assert caught.value.values["status"] == 404
