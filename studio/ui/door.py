"""The door: every request passes here first, is given the name behind its session, or is sent to the login page."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.errors import LoginNeeded, RequestRefused, StudioError, VisitorUnknown
from studio.people import LANGUAGE_COOKIE, Identity
from studio.settings import Settings
from studio.ui.gate import SCOPE_KEY, Visit, explain, is_own_origin, visit_of, visitor_of
from studio.ui.identity import COOKIE as VISITOR_COOKIE
from studio.ui.identity import VisitorCookies, cookie_header, find_profile
from studio.ui.login import SESSION_S, Doorkeeper
from studio.ui.routes import FIRST_SCRIPT, asset_address, page_headers, page_styles
from studio.words import LANGUAGES, join_sentences, say

COOKIE = "whetstone_session"
LONGEST_FORM_BYTES = 4096
_OPEN = ("/whetstone/login", "/whetstone/asset/", "/whetstone/words-", "/favicon.ico")
_STARTUP = "/gradio_api/startup-events"
"""Gradio asks itself once to start its queue; the answer says nothing and a second call changes nothing."""


class Door:
    """Middleware. With a login everything but the login page and its looks is closed to whoever has no session.

    cookies: on a Space without a login, what tells one visitor from another; whoever has none is given one with the page.
    note: told of each visitor who is here.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        keeper: Doorkeeper | None,
        cookies: VisitorCookies | None = None,
        note: Callable[[str], None] = lambda visitor: None,
    ) -> None:
        self.app = app
        self.settings = settings
        self.keeper = keeper
        self.cookies = cookies
        self.note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        name = self.keeper.find(_cookie(scope, COOKIE)) if self.keeper else None
        identity = self._identity(scope, self.cookies) if self.cookies else None
        scope[SCOPE_KEY] = Visit(self.settings, name, identity)
        if is_foreign(scope):
            await JSONResponse({"code": RequestRefused.code}, status_code=403)(scope, receive, send)
        elif self.keeper is not None and name is None and not is_open(scope["path"]):
            await _closed(scope)(scope, receive, send)
        elif self.cookies is not None and identity is None:
            await self._welcome(scope, receive, send, self.cookies)
        else:
            await self.app(scope, receive, send)

    def _identity(self, scope: Scope, cookies: VisitorCookies) -> Identity | None:
        if (profile := find_profile(scope.get("session"))) is not None:
            return profile
        visitor = cookies.find(_cookie(scope, VISITOR_COOKIE))
        if visitor is not None:
            self.note(visitor.id)
        return visitor

    async def _welcome(self, scope: Scope, receive: Receive, send: Send, cookies: VisitorCookies) -> None:
        """Somebody new: the page brings a cookie; nothing of ours answers before the browser sends it back."""
        request = Request(scope)
        if scope["path"].startswith("/whetstone/") and not is_open(scope["path"]):
            _, message, hint = explain(VisitorUnknown(), visitor_of(request).language)
            told = {"code": VisitorUnknown.code, "message": message, "hint": hint}
            await JSONResponse(told, status_code=403)(scope, receive, send)
            return
        given = cookie_header(cookies.make(), request)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message.get("headers", []), (b"set-cookie", given.encode())]}
            await send(message)

        await self.app(scope, receive, send_with_cookie if scope["path"] in ("", "/") else send)


def is_foreign(scope: Scope) -> bool:
    """True for what a page of another site sent. Gradio itself lets every site read a page that is not on loopback."""
    if scope["type"] != "http":
        return False
    request = Request(scope)
    return "origin" in request.headers and not is_own_origin(request)


def is_open(path: str) -> bool:
    return path == _STARTUP or path.startswith(_OPEN)


def _cookie(scope: Scope, name: str) -> str | None:
    return Request(scope).cookies.get(name) if scope["type"] == "http" else None


def _closed(scope: Scope) -> Response:
    if scope["type"] == "http" and scope["path"] in ("", "/"):
        return RedirectResponse("whetstone/login", status_code=303)
    return JSONResponse({"code": LoginNeeded.code}, status_code=401)


def login_routes(keeper: Doorkeeper) -> list[Route]:
    async def show(request: Request) -> Response:
        language = request.query_params.get("language")
        if language in LANGUAGES:
            turned = RedirectResponse("login", status_code=303)
            turned.set_cookie(LANGUAGE_COOKIE, language, max_age=31536000, samesite="lax")
            return turned
        return HTMLResponse(login_page(visitor_of(request).language), headers=page_headers(visit_of(request).settings))

    async def enter(request: Request) -> Response:
        try:
            form = await _form(request)
            address = request.client.host if request.client else "unknown"
            token = await run_in_threadpool(keeper.attempt, form.get("name", ""), form.get("password", ""), address)
        except StudioError as error:
            language = visitor_of(request).language
            sentence = join_sentences(language, error.message(language), error.hint(language))
            headers = page_headers(visit_of(request).settings)
            return HTMLResponse(login_page(language, sentence), status_code=403, headers=headers)
        inside = RedirectResponse("../", status_code=303)
        secure = request.url.scheme == "https"
        inside.set_cookie(COOKIE, token, max_age=SESSION_S, httponly=True, samesite="lax", secure=secure)
        return inside

    async def leave(request: Request) -> Response:
        if is_own_origin(request):
            keeper.sessions.close(request.cookies.get(COOKIE))
        outside = RedirectResponse("login", status_code=303)
        outside.delete_cookie(COOKIE)
        return outside

    return [
        Route("/whetstone/login", show, methods=["GET"]),
        Route("/whetstone/login", enter, methods=["POST"]),
        Route("/whetstone/logout", leave, methods=["POST"]),
    ]


async def _form(request: Request) -> dict[str, str]:
    """The fields of a plain form sent by our own page. Raises RequestRefused."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM_BYTES:
            raise RequestRefused()
    if not is_own_origin(request):
        raise RequestRefused()
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def login_page(language: str, problem: str | None = None) -> str:
    """A whole page without scripts but the one that chooses the theme, in the first two styles: colours and frame."""

    def word(key: str) -> str:
        return escape(say(language, key))

    styles = "".join(f'<link rel="stylesheet" href="../{address}">' for address in page_styles()[:2])
    line = f'<p class="ws-problem" role="alert">{escape(problem)}</p>' if problem else ""
    return f"""<!doctype html>
<html lang="{"ja" if language == "ja" else "en"}" data-language="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><base href="./"><title>{word("login.title")} · Whetstone</title>
<link rel="icon" type="image/svg+xml" href="../{asset_address("logo.svg")}"><script>{FIRST_SCRIPT}</script>{styles}</head>
<body class="ws-login"><form class="ws-panel" method="post" action="login">
<div class="ws-head"><img src="../{asset_address("logo.svg")}" width="18" height="18" alt=""><b translate="no">Whetstone</b>
<span class="ws-spacer"></span><small translate="no"><a href="login?language=en" lang="en">English</a> · <a href="login?language=ja" lang="ja">日本語</a></small></div>
<div class="ws-body">{line}
<label class="ws-label" for="name">{word("login.name")}</label>
<input class="ws-input" id="name" name="name" autocomplete="username" required autofocus maxlength="64">
<label class="ws-label" for="password">{word("login.password")}</label>
<input class="ws-input" id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024">
<button class="ws-btn ws-btn-primary" type="submit">{word("login.enter")}</button></div></form></body></html>"""
