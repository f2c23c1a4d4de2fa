"""An OpenAI-compatible endpoint whose replies a test says word by word, and sees who asked for them and who left."""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LOOK_S = 0.02
_LIMIT_S = 60.0


class AskedFor:
    """One reply that somebody asked for. left: set when they went before its end."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.left = threading.Event()
        self.said: queue.Queue[dict[str, Any] | None] = queue.Queue()

    @property
    def messages(self) -> list[tuple[str, str]]:
        return [(message["role"], message["content"]) for message in self.body["messages"]]

    def say(self, text: str) -> None:
        self.said.put({"choices": [{"delta": {"content": text}, "finish_reason": None}]})

    def end(self, *texts: str, reason: str = "stop") -> None:
        for text in texts:
            self.say(text)
        self.said.put({"choices": [{"delta": {}, "finish_reason": reason}]})
        self.said.put({"choices": [], "usage": {"completion_tokens": len(texts)}})
        self.said.put(None)

    def drop(self) -> None:
        """Cut the line in the middle of the reply."""
        self.said.put(None)


class PacedEndpoint:
    """models: what it offers. asked: what it was asked for, in order of arrival."""

    def __init__(self, *models: str) -> None:
        self.models = models
        self.asked: queue.Queue[AskedFor] = queue.Queue()
        endpoint = self

        class Handler(_Handler):
            owner = endpoint

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_LOOK_S,), daemon=True)
        self._thread.start()

    def next(self) -> AskedFor:
        return self.asked.get(timeout=_LIMIT_S)

    def by_model(self, count: int) -> dict[str, AskedFor]:
        """The next replies that are asked for, by their model."""
        return {one.body["model"]: one for one in (self.next() for _ in range(count))}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def paced_endpoint(*models: str) -> Iterator[PacedEndpoint]:
    endpoint = PacedEndpoint(*models)
    try:
        yield endpoint
    finally:
        endpoint.close()


class _Handler(BaseHTTPRequestHandler):
    owner: PacedEndpoint

    def do_GET(self) -> None:
        body = json.dumps({"data": [{"id": name} for name in self.owner.models]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        asked = AskedFor(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.flush()
        self.owner.asked.put(asked)
        while not self._is_gone():
            try:
                event = asked.said.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if event is None:
                return
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()
        asked.left.set()

    def _is_gone(self) -> bool:
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def log_message(self, *_: Any) -> None:
        """A test's output is its own."""
