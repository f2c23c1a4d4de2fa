"""The client of any OpenAI-compatible endpoint, and of our own model server, which can do a little more."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from studio.errors import (
    EndpointBroken,
    EndpointRefused,
    EndpointUnreachable,
    RemoteError,
    ServerLost,
    StudioError,
    error_of_code,
)

CONNECT_S = 5.0
READ_S = 120.0
"""The longest silence. Our own server says every second that it is still there."""

LINE_LIMIT_BYTES = 4 * 1024**2
ANSWER_LIMIT_BYTES = 64 * 1024**2
SAID_CHARACTERS = 300
ALONE = "\N{REPLACEMENT CHARACTER}"
"""In place of half a surrogate pair whose other half never came: nothing could encode it."""

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Piece:
    """A part of a streamed reply; its text is empty where the endpoint only says that it is still there.

    tokens: of the reply so far, None where the endpoint does not say. finish_reason: with the last part. facts: what
    our own server tells at the end: how, precision, seed, queued_s, first_token_s, tokens_per_s.
    """

    text: str
    tokens: int | None = None
    finish_reason: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Connections:
    """Kept, and shared by threads. Made with the first use: reading the certificates would take 50 ms of a start.

    is_own: to our own server, for which no proxy of the environment is used.
    """

    def __init__(self, is_own: bool) -> None:
        self._is_own = is_own
        self._guard = threading.Lock()
        self._http: httpx.Client | None = None

    def open(self) -> httpx.Client:
        with self._guard:
            if self._http is None:
                limits = httpx.Limits(max_connections=None, max_keepalive_connections=32)
                self._http = httpx.Client(limits=limits, trust_env=not self._is_own)
            return self._http

    def close(self) -> None:
        with self._guard:
            if self._http is not None:
                self._http.close()


class EndpointClient:
    """url: up to and without `/v1`. title: what a person knows the endpoint as. Thread-safe.

    Errors: EndpointUnreachable before an answer, EndpointRefused with the endpoint's own words, EndpointBroken in the
    middle of one, RemoteError for an answer of another protocol.
    """

    def __init__(self, url: str, token: str | None, title: str, connections: Connections) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._title = title
        self._connections = connections

    def models(self) -> list[str]:
        """The ids of the endpoint's models."""
        data = self._ask("GET", "/v1/models", None).get("data")
        found = [entry.get("id") for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
        return [_whole(name) for name in found if isinstance(name, str)]

    def stream_chat(self, model: str, messages: Messages, sampling: Mapping[str, Any]) -> Iterator[Piece]:
        """The reply as it comes. Closing the iterator leaves, and frees what the reply took.

        sampling: parameters of the protocol (temperature, top_p, seed, max_tokens, stop); None asks for nothing.
        """
        asked = {"model": model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        asked |= {name: value for name, value in sampling.items() if value is not None}
        finish_reason, half, is_done = None, "", False
        with self._open("POST", "/v1/chat/completions", asked) as response, self._reading(response):
            for data in _iterate_data(response):
                if is_done := data == "[DONE]":
                    break
                if data is None:
                    yield Piece("")
                    continue
                piece, half = self._read_event(data, response, half)
                finish_reason = piece.finish_reason or finish_reason
                yield piece
        if half:
            yield Piece(ALONE)
        if finish_reason is None and not is_done:
            raise self._broken(response)

    def _ask(
        self, method: str, path: str, content: Mapping[str, Any] | None, timeout_s: float = READ_S
    ) -> dict[str, Any]:
        with self._open(method, path, content, timeout_s) as response, self._reading(response):
            found = _parse(_read_all(response))
        if found is None:
            raise RemoteError(address=self._title, status=response.status_code, retries=0)
        return found

    @contextmanager
    def _open(
        self, method: str, path: str, content: Mapping[str, Any] | None, timeout_s: float = READ_S
    ) -> Iterator[httpx.Response]:
        """An answer whose status is good, still to be read."""
        try:
            response = self._send(method, path, content, timeout_s)
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            raise self._unreachable() from error
        try:
            if response.status_code >= 400 or not response.is_success:
                with self._reading(response):
                    text = _read_all(response)
                raise self._refused(response.status_code, text)
            yield response
        finally:
            response.close()

    def _send(self, method: str, path: str, content: Mapping[str, Any] | None, timeout_s: float) -> httpx.Response:
        timeout = httpx.Timeout(timeout_s, connect=CONNECT_S)
        url = self._url + path
        http = self._connections.open()
        request = http.build_request(method, url, json=content, headers=self._headers, timeout=timeout)
        return http.send(request, stream=True)

    @contextmanager
    def _reading(self, response: httpx.Response) -> Iterator[None]:
        try:
            yield
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._broken(response) from error

    def _read_event(self, data: str, response: httpx.Response, half: str) -> tuple[Piece, str]:
        """A piece, and what its text leaves for the next. half: what the piece before left."""
        found = _parse(data)
        if found is None:
            raise RemoteError(address=self._title, status=response.status_code, retries=0)
        if "error" in found:
            raise self._refused(response.status_code, data)
        choices, usage = found.get("choices"), found.get("usage")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        delta = choice.get("delta") if isinstance(choice.get("delta"), dict) else {}
        facts = _whole(found["whetstone"]) if isinstance(found.get("whetstone"), dict) else {}
        text, half = _joined(half, delta["content"] if isinstance(delta.get("content"), str) else "")
        counted = usage.get("completion_tokens") if isinstance(usage, dict) else facts.get("tokens")
        piece = Piece(
            text=text,
            tokens=counted if isinstance(counted, int) else None,
            finish_reason=_whole(choice["finish_reason"]) if isinstance(choice.get("finish_reason"), str) else None,
            facts={name: value for name, value in facts.items() if name != "tokens"},
        )
        return piece, half

    def _unreachable(self) -> StudioError:
        return EndpointUnreachable(address=self._title, status=None, retries=0)

    def _broken(self, response: httpx.Response) -> StudioError:
        return EndpointBroken(address=self._title, status=response.status_code, retries=0)

    def _refused(self, status: int, text: str) -> StudioError:
        error = (_parse(text) or {}).get("error")
        said = error.get("message") if isinstance(error, dict) else error
        shown = _whole(said) if isinstance(said, str) else text.strip()
        return EndpointRefused(address=self._title, status=status, retries=0, said=shown[:SAID_CHARACTERS])


class ServerClient(EndpointClient):
    """Our own server: its errors come back as the errors they were; one that goes in mid-answer is a ServerLost.

    renew: the address of the server that takes the place of one that ended before it answered anything. Nothing that is
    asked here changes anything, so it is asked again, once.
    """

    def __init__(
        self, url: str, token: str, connections: Connections, renew: Callable[[str], str] | None = None
    ) -> None:
        super().__init__(url, token, url, connections)
        self._renew = renew

    def tokenize(self, model: str, text: str | None = None, messages: Messages | None = None) -> dict[str, Any]:
        """{"tokens", "count", "max_model_len"} of either a text or a prompt."""
        given = {"model": model} | ({"text": text} if messages is None else {"messages": messages})
        return self._ask("POST", "/tokenize", given)

    def render(
        self, model: str, record: Mapping[str, Any], max_length: int | None = None, **more: Any
    ) -> dict[str, Any]:
        """As `models.xray.render_record` has it. more: template, counts_only, as the server's `RenderBody` has them."""
        return self._ask("POST", "/render", {"model": model, "record": record, "max_length": max_length, **more})

    def count(self, model: str, records: list[Mapping[str, Any]]) -> list[int | None]:
        """How many tokens the longest side of each record has, uncut; None for one that cannot be rendered."""
        return self._ask("POST", "/count", {"model": model, "records": records})["counts"]

    def load(self, model: str) -> dict[str, Any]:
        """Returns when the base is in memory."""
        return self._ask("POST", "/load", {"model": model})

    def unload(self, hold_s: float = 0.0) -> dict[str, Any]:
        return self._ask("POST", "/unload", {"hold_s": hold_s})

    def status(self, timeout_s: float = READ_S) -> dict[str, Any]:
        """As of the last token; for the app's own token only."""
        return self._ask("GET", "/status", None, timeout_s)

    def health(self, timeout_s: float) -> dict[str, Any]:
        return self._ask("GET", "/health", None, timeout_s)

    def _send(self, method: str, path: str, content: Mapping[str, Any] | None, timeout_s: float) -> httpx.Response:
        try:
            return super()._send(method, path, content, timeout_s)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            if self._renew is None:
                raise
        self._url = self._renew(self._url)
        return super()._send(method, path, content, timeout_s)

    def _unreachable(self) -> StudioError:
        return ServerLost()

    def _broken(self, response: httpx.Response) -> StudioError:
        return ServerLost()

    def _refused(self, status: int, text: str) -> StudioError:
        error = (_parse(text) or {}).get("error")
        origin = error.get("whetstone") if isinstance(error, dict) else None
        found = error_of_code(origin["code"], origin["values"]) if isinstance(origin, dict) else None
        return found or super()._refused(status, text)


def _iterate_data(response: httpx.Response) -> Iterator[str | None]:
    """The data of each event; None for a comment. Raises httpx.DecodingError for a line without end."""
    rest = b""
    for part in response.iter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].decode("utf-8", "replace").strip()
            elif line.startswith(b":"):
                yield None
        if len(rest) > LINE_LIMIT_BYTES:
            raise httpx.DecodingError("a line without end")


def _read_all(response: httpx.Response) -> str:
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > ANSWER_LIMIT_BYTES:
            raise httpx.DecodingError("an answer without end")
        parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def _joined(half: str, text: str) -> tuple[str, str]:
    """The text that is whole, and the half of a pair at its end: proxies cut text by UTF-16 units, so pairs too."""
    text = half + text
    half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return _whole(text.removesuffix(half)), half


def _whole(found: Any) -> Any:
    """A value of JSON with pairs put together, and ALONE for a half that stays alone."""
    units = json.dumps(found, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
    return json.loads(units.decode("utf-16-le", "replace"))


def _parse(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
