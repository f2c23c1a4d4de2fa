"""Records what an open page asks again and again, and asks it again as another client would."""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request


@dataclass(frozen=True)
class Call:
    """One request that the page repeats, or a stream that it keeps open. period_s: median time between two of them."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None
    period_s: float
    is_stream: bool = False


@dataclass
class Client:
    """One replaying page: its own connection and, per call, its own cursor."""

    address: str
    calls: list[Call]
    waited_s: list[float] = field(default_factory=list)
    failures: int = 0
    told: int = 0

    def replay(self, until: float, offset_s: float) -> None:
        """Send every call at its own pace until the moment given (`time.perf_counter`), with the streams open.

        told: events that the streams brought.
        """
        streams = [self._open(call) for call in self.calls if call.is_stream]
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        calls = [call for call in self.calls if not call.is_stream]
        bodies = [json.loads(json.dumps(call.body)) for call in calls]
        due = [time.perf_counter() + offset_s * call.period_s for call in calls]
        pause = threading.Event()
        while (soonest := min(due, default=until)) < until:
            pause.wait(max(0.0, soonest - time.perf_counter()))
            index = due.index(soonest)
            due[index] += calls[index].period_s
            self._send(connection, calls[index], bodies[index])
        pause.wait(max(0.0, until - time.perf_counter()))
        for stream, reader in streams:
            stream.sock.shutdown(socket.SHUT_RDWR)
            reader.join()
            stream.close()
        connection.close()

    def _open(self, call: Call) -> tuple[http.client.HTTPConnection, threading.Thread]:
        stream = http.client.HTTPConnection(urlsplit(self.address).netloc)
        stream.request(call.method, call.path, headers=call.headers)
        reader = threading.Thread(target=self._read, args=(stream.getresponse(),))
        reader.start()
        return stream, reader

    def _read(self, reply: http.client.HTTPResponse) -> None:
        self.failures += reply.status != 200
        try:
            for line in reply:
                self.told += line.startswith(b"data:")
        except (OSError, http.client.HTTPException):
            pass  # the end of the block, in the middle of a piece

    def _send(self, connection: http.client.HTTPConnection, call: Call, body: dict[str, Any] | None) -> None:
        began = time.perf_counter()
        connection.request(call.method, call.path, json.dumps(body) if body is not None else None, call.headers)
        reply = connection.getresponse()
        text = reply.read()
        self.waited_s.append(time.perf_counter() - began)
        answer = json.loads(text) if reply.status == 200 else {"ok": False}
        self.failures += not answer.get("ok", True)
        if body is not None:
            _take_cursor(body, answer)


def record(page: Page, seconds: float, begin: Callable[[], None]) -> list[Call]:
    """What a page asks at least three times in the given time after `begin`, and the streams it opens in it."""
    asked: dict[str, list[tuple[float, Request]]] = {}
    page.on("request", lambda request: asked.setdefault(_same(request), []).append((time.perf_counter(), request)))
    begin()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        page.wait_for_event("request", timeout=10_000)
    return [_call(times) for times in asked.values() if len(times) >= 3 or _is_stream(times)]


def _is_stream(times: list[tuple[float, Request]]) -> bool:
    return times[-1][1].resource_type == "eventsource"


def _same(request: Request) -> str:
    body = request.post_data_json if request.post_data else None
    return f"{request.method} {urlsplit(request.url).path} {asked_for(body)} {(body or {}).get('component_id')}"


def asked_for(body: dict[str, Any] | None) -> str | None:
    """The name of the widget's function that a request calls."""
    asked = (body or {}).get("data")
    return asked.get("name") if isinstance(asked, dict) else None


def _call(times: list[tuple[float, Request]]) -> Call:
    last = times[-1][1]
    parts = urlsplit(last.url)
    kept = {k: v for k, v in last.all_headers().items() if not k.startswith(":") and k != "content-length"}
    kept["accept-encoding"] = "identity"
    is_stream = _is_stream(times)
    period = 0.0 if is_stream else statistics.median(later - earlier for (earlier, _), (later, _) in pairwise(times))
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Call(last.method, path, kept, last.post_data_json if last.post_data else None, period, is_stream)


def _take_cursor(body: Any, reply: Any) -> None:
    """Put the cursor of a reply where the request had one."""
    cursor = _find_cursor(reply)
    if cursor is not None:
        _put_cursor(body, cursor)


def _find_cursor(value: Any) -> Any:
    if isinstance(value, dict):
        if "cursor" in value:
            return value["cursor"]
        return next((found for item in value.values() if (found := _find_cursor(item)) is not None), None)
    if isinstance(value, list):
        return next((found for item in value if (found := _find_cursor(item)) is not None), None)
    return None


def _put_cursor(value: Any, cursor: Any) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "cursor":
                value[name] = cursor
            else:
                _put_cursor(item, cursor)
    elif isinstance(value, list):
        for item in value:
            _put_cursor(item, cursor)
