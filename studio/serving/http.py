"""The model server's routes: who may ask, what is asked, and an answer or an error in OpenAI's form."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from studio.errors import StudioError
from studio.serving.answers import Answer, error_event
from studio.serving.desk import Desk
from studio.serving.errors_http import RequestError, request_error_of
from studio.serving.hearing import Hearing
from studio.serving.protocol import (
    ChatBody,
    CompletionBody,
    CountBody,
    LoadBody,
    RenderBody,
    Sampled,
    TokenizeBody,
    UnloadBody,
    read_body,
)
from studio.serving.tokens import Caller, find_caller

BODY_LIMIT_BYTES = 8 * 1024**2
DRAINED_BYTES = 64 * 1024**2
"""Of a body that is too large so much is read and thrown away: a client that still sends would not see the answer."""

LOADS = 4
"""Requests that may wait for weights in a thread each; more wait without one, so that tokens are still counted."""

_log = logging.getLogger("whetstone.serving")
Handler = Callable[[Request, Caller], Awaitable[Response]]


class Routes:
    """desk: what the routes ask. secret: the app's own token."""

    def __init__(self, desk: Desk, secret: str) -> None:
        self._desk = desk
        self._secret = secret
        self._loads = asyncio.Semaphore(LOADS)

    def build(self) -> Starlette:
        answers: Mapping[tuple[str, str], Handler] = {
            ("GET", "/health"): self.health,
            ("GET", "/v1/models"): self.models,
            ("POST", "/v1/chat/completions"): self.chat,
            ("POST", "/v1/completions"): self.complete,
            ("POST", "/tokenize"): self.tokenize,
            ("POST", "/render"): self.render,
            ("POST", "/count"): self.count,
            ("POST", "/load"): self.load,
            ("POST", "/unload"): self.unload,
            ("GET", "/status"): self.status,
        }
        routes = [
            Route(path, self._guarded(handler), methods=[method], include_in_schema=False)
            for (method, path), handler in answers.items()
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: self._refuse_address})

    async def health(self, request: Request, caller: Caller) -> Response:
        return _json({"status": "ok"})

    async def models(self, request: Request, caller: Caller) -> Response:
        return _json({"object": "list", "data": await run_in_threadpool(self._desk.models, caller)})

    async def chat(self, request: Request, caller: Caller) -> Response:
        return await self._reply(request, caller, read_body(ChatBody, await read_content(request)))

    async def complete(self, request: Request, caller: Caller) -> Response:
        return await self._reply(request, caller, read_body(CompletionBody, await read_content(request)))

    async def tokenize(self, request: Request, caller: Caller) -> Response:
        body = read_body(TokenizeBody, await read_content(request))
        return _json(await run_in_threadpool(self._desk.tokenize, body, caller))

    async def render(self, request: Request, caller: Caller) -> Response:
        body = read_body(RenderBody, await read_content(request))
        return _json(await run_in_threadpool(self._desk.render, body, caller))

    async def count(self, request: Request, caller: Caller) -> Response:
        body = read_body(CountBody, await read_content(request))
        return _json(await run_in_threadpool(self._desk.count, body, caller))

    async def load(self, request: Request, caller: Caller) -> Response:
        body = read_body(LoadBody, await read_content(request))
        async with self._loads:
            return _json(await run_in_threadpool(self._desk.load, body.model, caller))

    async def unload(self, request: Request, caller: Caller) -> Response:
        _check_app(caller)
        body = read_body(UnloadBody, await read_content(request) or b"{}")
        return _json(await run_in_threadpool(self._desk.unload, body.hold_s))

    async def status(self, request: Request, caller: Caller) -> Response:
        """Names adapters of every workspace, so it is for the app alone."""
        _check_app(caller)
        return _json(self._desk.status())

    async def _reply(self, request: Request, caller: Caller, body: Sampled) -> Response:
        """Waits a second for the first piece: what fails before it is an error with its own status, not a stream."""
        reply, answer = await run_in_threadpool(self._desk.order, body, caller)
        hearing = Hearing(reply, request.receive)
        pieces = hearing.iterate()
        stream: EventStream | None = None
        try:
            if not body.stream:
                return await _whole(answer, hearing, pieces)
            first = await anext(pieces, [])
            _check_wanted(hearing)
            events = self._events(answer, hearing, first, pieces, body.includes_usage)
            stream = EventStream(events, lambda: self._end(hearing))
            return stream
        finally:
            if stream is None:
                self._end(hearing)

    async def _events(
        self, answer: Answer, hearing: Hearing, first: list[Any], pieces: AsyncIterator[list[Any]], usage: bool
    ) -> AsyncIterator[bytes]:
        try:
            yield answer.first_event() + (answer.event(first) if first else b"")
            async for found in pieces:
                yield answer.event(found)
            _check_wanted(hearing)
            _check_whole(hearing)
            yield answer.last_events(hearing.reply, usage)
        except ClientDisconnect:
            return
        except StudioError as error:
            yield error_event(request_error_of(error).to_fields())
        except RequestError as error:
            yield error_event(error.to_fields())

    def _end(self, hearing: Hearing) -> None:
        hearing.close()
        self._desk.settle(hearing.reply)

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            try:
                return await handler(request, self._caller_of(request))
            except RequestError as error:
                return error.to_response()
            except StudioError as error:
                return request_error_of(error).to_response()
            except ClientDisconnect:
                return Response(status_code=499)
            except Exception:  # noqa: BLE001 - the server's request handler: whatever it was, the client gets an answer
                _log.exception("unforeseen error in %s", request.url.path)
                return RequestError(500, "internal_error", "The server failed; its log says how.").to_response()

        return guarded

    def _caller_of(self, request: Request) -> Caller:
        caller = find_caller(self._secret, request.headers.get("authorization", ""))
        if caller is None:
            raise RequestError(401, "invalid_api_key", "This server asks for its token: Authorization: Bearer …")
        return caller

    async def _refuse_address(self, request: Request, error: Exception) -> Response:
        """No such route, or not with this method; nobody without a token learns which there are."""
        try:
            self._caller_of(request)
        except RequestError as refused:
            return refused.to_response()
        status = error.status_code if isinstance(error, HTTPException) else 404
        words = f"{request.method} {request.url.path} is not served here."
        return RequestError(status, "not_found" if status == 404 else "method_not_allowed", words).to_response()


class EventStream(Response):
    """Server-sent events. `end` is called whatever ends them, before the first one too."""

    def __init__(self, events: AsyncIterator[bytes], end: Callable[[], None]) -> None:
        super().__init__(media_type="text/event-stream", headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._events = events
        self._end = end

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for event in self._events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._end()


async def read_content(request: Request) -> bytes:
    """The body. Raises RequestError for one over the limit."""
    size, parts = 0, []
    async for part in request.stream():
        size += len(part)
        if size <= BODY_LIMIT_BYTES:
            parts.append(part)
        elif size > DRAINED_BYTES:
            break
    if size > BODY_LIMIT_BYTES:
        words = f"The body is larger than {BODY_LIMIT_BYTES // 1024**2} MiB."
        raise RequestError(413, "request_too_large", words)
    return b"".join(parts)


async def _whole(answer: Answer, hearing: Hearing, pieces: AsyncIterator[list[Any]]) -> Response:
    said = [piece async for found in pieces for piece in found]
    _check_wanted(hearing)
    _check_whole(hearing)
    return _json(answer.whole(said, hearing.reply))


def _check_wanted(hearing: Hearing) -> None:
    """Raises ClientDisconnect where nobody waits for the reply any more."""
    if hearing.has_left:
        raise ClientDisconnect


def _check_whole(hearing: Hearing) -> None:
    """Raises RequestError for a reply that the server cut."""
    if hearing.reply.finish_reason not in ("stop", "length"):
        raise RequestError(503, "reply_cancelled", "The server ended before the reply was complete.")


def _check_app(caller: Caller) -> None:
    if not caller.is_app:
        raise RequestError(404, "not_found", "This is not served here.")


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content, default=str), media_type="application/json")
