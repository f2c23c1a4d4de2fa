"""`python app.py` as its operator meets it: one line when ready, one sentence when it cannot start, a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from tests.browser.conftest import PROJECT
from tests.processes import wait_for


def run_app(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "app.py", *arguments]
    given = {**os.environ, "LANG": "C.UTF-8", **environment}
    return subprocess.run(command, cwd=PROJECT, env=given, capture_output=True, text=True, timeout=60, check=False)


def test_one_line_says_where_the_page_is_and_the_end_is_clean(make_app):
    app = make_app()
    assert len(app.lines) == 1 and app.address in app.lines[0]
    assert httpx.get(app.address).status_code == 200
    assert app.end(signal.SIGINT) == 0
    assert app.lines[1:] == ["Whetstone has ended.\n"]


def test_a_second_app_on_the_root_says_who_has_it(make_app, tmp_path):
    app = make_app(root=tmp_path / "root")
    second = run_app("--root", str(tmp_path / "root"), "--port", "0")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1 and f"process {app.process.pid}" in second.stderr
    assert second.stdout == ""


def test_a_taken_port_is_named_in_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_app("--root", str(tmp_path / "root"), "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Another program uses port {port}.")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("language", "words"), [("en", "everybody who reaches"), ("ja", "公開すると")])
def test_a_page_for_everybody_without_a_login_is_refused(tmp_path, language, words):
    done = run_app("--root", str(tmp_path / "root"), "--port", "0", "--host", "0.0.0.0", "--lang", language)
    assert done.returncode == 1 and words in done.stderr


def test_what_goes_on_after_the_end_is_named_with_the_way_to_stop_it(make_app, tmp_path):
    """A job that is running when the app ends: its title, and a command that makes its stop file."""
    app = make_app(root=tmp_path / "root")
    rows = "".join(json.dumps({"prompt": f"p{n}", "completion": "c" * 100}) + "\n" for n in range(300_000))
    with httpx.Client(base_url=app.address, timeout=60) as http:
        config = http.get("config").json()
        component = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "data-report")
        path = http.post("gradio_api/upload", files={"files": ("big.jsonl", rows)}).json()[0]
        argument = {
            "deed": "d1",
            "path": path,
            "file_name": "big.jsonl",
            "name": "Big file",
            "choices": {},
            "held_out_fraction": 0.1,
        }
        body = {"data": {"name": "upload", "argument": argument}, "component_id": component,
                "fn_name": "ws_call", "session_hash": "t"}  # fmt: skip
        started = http.post(
            "gradio_api/component_server/", json=body, headers={"origin": app.address.rstrip("/")}
        ).json()
        assert started["ok"], started
        wait_for(lambda: http.get("whetstone/status").json()["running"])
    assert app.end() == 0
    said = "".join(app.lines[1:])
    assert "1 job goes on without it" in said
    folder = said.split("touch ")[1].strip().removesuffix("/stop")
    assert "Big file" in said and folder.startswith(str(tmp_path))
