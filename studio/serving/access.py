"""How a job reaches models: our own server by its address in the root and a token in the environment, or an endpoint.

No token is ever written down: the app gives one, good for the job's workspace alone, to the process it starts. The
address changes when the server is started again, and is looked up anew.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.errors import EndpointKeyMissing, ServerLost
from studio.serving.client import Connections, EndpointClient, Messages, Piece, ServerClient
from studio.serving.conversing import stream_fitting
from studio.serving.tokens import JOB_TOKEN_VARIABLE

FORMAT = 1
ADDRESS_NAME = "serving.json"
RENEW_S = 30.0
"""How long a server that ended is given to be there again: the app starts it when a page looks at the job."""

_LOOK_S = 0.2


def write_address(root: Path, url: str) -> None:
    part = root / f".{ADDRESS_NAME}.{secrets.token_hex(4)}"
    part.write_text(json.dumps({"format": FORMAT, "url": url}), "utf-8")
    part.replace(root / ADDRESS_NAME)


def remove_address(root: Path) -> None:
    (root / ADDRESS_NAME).unlink(missing_ok=True)


def read_address(root: Path) -> str | None:
    try:
        found = json.loads((root / ADDRESS_NAME).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found["url"] if found.get("format") == FORMAT else None


class ModelAccess:
    """The models a job may ask. Thread-safe.

    root: the app's. environment: the job's own, where its token and the keys of endpoints are.
    """

    def __init__(self, root: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._root = root
        self._environment = environment
        self._own = Connections(is_own=True)
        self._others = Connections(is_own=False)

    def stream(self, source: Mapping[str, Any], messages: Messages, sampling: Mapping[str, Any]) -> Iterator[Piece]:
        """The reply as it comes.

        source: {"kind": "model", "id"} or {"kind": "endpoint", "name", "url", "key_env", "model"}. sampling: temperature,
        top_p, seed, max_tokens. Raises ServerLost where the app or its server is gone, ServerRefused, PromptTooLong; of an
        endpoint EndpointKeyMissing, EndpointUnreachable, EndpointRefused, EndpointBroken.
        """
        if source["kind"] == "model":
            return stream_fitting(self.server(), source["id"], messages, dict(sampling))
        client = self._endpoint(source)
        return client.stream_chat(source["model"] or next(iter(client.models()), ""), messages, sampling)

    def server(self) -> ServerClient:
        """Raises ServerLost."""
        token = self._environment.get(JOB_TOKEN_VARIABLE)
        url = read_address(self._root)
        if token is None:
            raise ServerLost()
        return ServerClient(url or self._renew(""), token, self._own, self._renew)

    def close(self) -> None:
        self._own.close()
        self._others.close()

    def _endpoint(self, source: Mapping[str, Any]) -> EndpointClient:
        variable = source["key_env"]
        key = self._environment.get(variable) if variable else None
        if variable and not key:
            raise EndpointKeyMissing(name=source["name"], variable=variable)
        return EndpointClient(source["url"], key, source["name"], self._others)

    def _renew(self, url: str) -> str:
        deadline_s = time.monotonic() + RENEW_S
        while time.monotonic() < deadline_s:
            found = read_address(self._root)
            if found is not None and found != url:
                return found
            time.sleep(_LOOK_S)
        raise ServerLost()
