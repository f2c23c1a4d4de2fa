"""The gate between a browser and the services: who asks, whether they may, and what they are told when it fails."""

from __future__ import annotations

import functools
import inspect
import logging
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from starlette.requests import Request

from studio.errors import LoginNeeded, RequestRefused, StudioError, VisitorUnknown
from studio.people import Identity, Person, person_from
from studio.settings import Settings
from studio.words import join_sentences, say

_log = logging.getLogger("whetstone")
SCOPE_KEY = "whetstone"


class Visit:
    """One request as the door saw it: the operator's settings, the name that the login checked, if any, and on a
    Space without a login who has come.
    """

    def __init__(self, settings: Settings, username: str | None, identity: Identity | None = None) -> None:
        self.settings = settings
        self.username = username
        self.identity = identity


def visit_of(request: Request | gr.Request) -> Visit:
    return raw_request(request).scope[SCOPE_KEY]


def raw_request(request: Request | gr.Request) -> Request:
    """Gradio wraps the request of an event; server functions and routes carry the raw one."""
    return request.request if type(request) is gr.Request else request


def visitor_of(request: Request | gr.Request) -> Person:
    """The person as far as the request says: for words on a page that needs no login, never for a service call."""
    raw = raw_request(request)
    visit = visit_of(raw)
    return person_from(visit.username, raw.cookies, raw.headers, visit.settings, visit.identity)


def person_of(request: Request | gr.Request) -> Person:
    """The person of an event, a server function or a route.

    Raises LoginNeeded where a login is asked and missing, VisitorUnknown on a Space where no cookie says who came.
    """
    visit = visit_of(request)
    if visit.settings.login is not None and visit.username is None:
        raise LoginNeeded()
    if visit.settings.is_public and visit.identity is None:
        raise VisitorUnknown()
    return visitor_of(request)


def check_call(request: Request, *, write: bool) -> None:
    """A call comes as JSON, which no other site can send without being asked first; a write also names our own page.

    Gradio's endpoint alone would take text/plain from any site. Raises RequestRefused.
    """
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media != "application/json" or (write and not is_own_origin(request)):
        raise RequestRefused()


def is_own_origin(request: Request) -> bool:
    """True where the browser says that a page of this very host sent the request.

    A proxy need not pass on the name it was called by: the names that the operator or the Space gave count as well.
    """
    origin = request.headers.get("origin")
    hosts = {request.headers.get("host"), request.headers.get("x-forwarded-host"), *visit_of(request).settings.hosts}
    return origin is not None and urlsplit(origin).netloc in hosts - {None}


def on(trigger: Callable, fn: Callable, inputs: Any = None, outputs: Any = None, **options: Any) -> Any:
    """Register an event. fn(person, *inputs) may take gr.EventData as its last, annotated argument.

    An error reaches the person as a toast in their language; what was not foreseen carries a reference into the log.
    """
    chosen = {"api_visibility": "private", "concurrency_limit": None, "show_progress": "hidden"} | options
    return trigger(_guarded(fn), inputs, outputs, **chosen)


def _guarded(fn: Callable) -> Callable:
    @functools.wraps(fn)
    def guarded(request: gr.Request, *arguments: Any) -> Any:
        try:
            return fn(person_of(request), *arguments)
        except Exception as error:
            language = visitor_of(request).language
            _, *sentences = explain(error, language)
            raise gr.Error(join_sentences(language, *sentences), print_exception=False) from error

    parameters = list(inspect.signature(fn).parameters.values())
    first = parameters[0].replace(name="request", annotation=gr.Request)
    guarded.__signature__ = inspect.Signature([first, *parameters[1:]])
    guarded.__annotations__ = {k: v for k, v in fn.__annotations__.items() if k != parameters[0].name}
    guarded.__annotations__["request"] = gr.Request
    del guarded.__wrapped__
    return guarded


def explain(error: Exception, language: str) -> tuple[str, str, str]:
    """Code, message and hint for a person. What was not foreseen is logged under a reference that the message names."""
    if isinstance(error, StudioError):
        return error.code, error.message(language), error.hint(language)
    reference = secrets.token_hex(3)
    _log.error("unforeseen error %s", reference, exc_info=error)
    return (
        "Unforeseen",
        say(language, "gate.unforeseen.message", reference=reference),
        say(language, "gate.unforeseen.hint"),
    )


def answer(request: Request, fn: Callable[[Person, dict], Any], argument: Any, *, write: bool) -> dict[str, Any]:
    """A widget's call as its page reads it: {ok: true, value} or {ok: false, code, message, hint, values}."""
    try:
        check_call(request, write=write)
        if not isinstance(argument, dict):
            raise RequestRefused()
        return {"ok": True, "value": fn(person_of(request), argument)}
    except Exception as error:  # noqa: BLE001 (the gate: whatever it was, a person gets a sentence)
        code, message, hint = explain(error, visitor_of(request).language)
        return {"ok": False, "code": code, "message": message, "hint": hint}
