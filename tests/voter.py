"""A page that votes, without a browser: it asks the app for pairs and sends votes as the pair card does, over HTTP."""

from __future__ import annotations

import http.client
import json
import secrets
from typing import Any
from urllib.parse import urlsplit

CALL = "/gradio_api/component_server"
PAIRS, PROJECTS = "preference-pairs", "preference-projects"


class NoAnswer(Exception):
    """The app is away, or refused the call."""


class Voter:
    """One page: its own connection and its own id. address: of a running app."""

    def __init__(self, address: str, timeout_s: float = 30.0) -> None:
        self.page = secrets.token_hex(8)
        self._origin = address.rstrip("/")
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=timeout_s)
        self._session = secrets.token_hex(5)
        config = json.loads(self._send("GET", "/config", None))
        self._components = {one["props"].get("elem_id"): one["id"] for one in config["components"]}

    def close(self) -> None:
        self._connection.close()

    def call(self, widget: str, name: str, **argument: Any) -> Any:
        """What a widget's function answers. Raises NoAnswer."""
        asked = {"data": {"name": name, "argument": argument}, "component_id": self._components[widget]}
        body = json.dumps(asked | {"fn_name": "ws_call", "session_hash": self._session})
        answer = json.loads(self._send("POST", CALL, body))
        if not answer["ok"]:
            raise NoAnswer(answer["code"])
        return answer["value"]

    def load_sample(self) -> str:
        return self.call(PROJECTS, "create", deed=secrets.token_hex(8), kind="sample")

    def next_pairs(self, project: str, want: int, held: list[int] | None = None) -> list[dict[str, Any]]:
        asked = {"project": project, "page": self.page, "held": held or [], "want": want}
        return self.call(PAIRS, "next", **asked)["pairs"]

    def vote(self, project: str, votes: list[dict[str, Any]]) -> list[str]:
        """The ids that the app says are on its disk."""
        return self.call(PAIRS, "vote", project=project, votes=votes)["saved"]

    def _send(self, method: str, path: str, body: str | None) -> bytes:
        headers = {"content-type": "application/json", "origin": self._origin}
        try:
            self._connection.request(method, path, body, headers)
            reply = self._connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            raise NoAnswer(str(problem)) from problem
        if reply.status != 200:
            raise NoAnswer(f"{reply.status} {text[:200]!r}")
        return text
