"""The page around the tabs: our head and top bar are put into Gradio's page before it reaches the browser."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import gradio
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.ui.gate import visit_of, visitor_of
from studio.ui.routes import FIRST_SCRIPT, asset_address, page_headers, page_scripts, page_styles, words_address

_HEAD = re.compile(rb'<html\s+lang="en"(.*?<head>)', re.DOTALL)
_BODY = re.compile(rb"<body[^>]*>")


class Page:
    """Middleware that adds head and bar to the one HTML page; every other response passes untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.bundle = gradio_bundle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in ("", "/"):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        language = visitor_of(request).language
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = dressed(b"".join(parts), language, self.bundle)
            own = page_headers(visit_of(request).settings) | {"content-length": str(len(body))}
            headers = [(k, v) for k, v in start["headers"] if k.lower().decode() not in own]
            headers += [(k.encode(), v.encode()) for k, v in own.items()]
            await send(start | {"headers": headers})
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, collect)


def dressed(page: bytes, language: str, bundle: str) -> bytes:
    """Gradio's HTML with our language, first script, styles, scripts and top bar in it."""
    code = "ja" if language == "ja" else "en"
    opening = f'<html lang="{code}" data-language="{language}" data-gradio-bundle="{escape(bundle)}"'.encode()
    page = _HEAD.sub(lambda found: opening + found.group(1) + _head().encode(), page, count=1)
    return _BODY.sub(lambda found: found.group(0) + _bar().encode(), page, count=1)


def _head() -> str:
    scripts = [f'<script defer src="{address}"></script>' for address in (words_address(), *page_scripts())]
    icon = f'<link rel="icon" type="image/svg+xml" href="{asset_address("logo.svg")}">'
    return "".join(["<title>Whetstone</title>", icon, f"<script>{FIRST_SCRIPT}</script>", *scripts])


def _bar() -> str:
    """Styles come here rather than in the head: later than Gradio's own in the document, they win where both say."""
    logo = f'<img src="{asset_address("logo.svg")}" width="18" height="18" alt="">'
    styles = "".join(f'<link rel="stylesheet" href="{address}">' for address in page_styles())
    return (
        f'{styles}<header id="ws-bar"><h1 translate="no">{logo}Whetstone</h1><span class="ws-spacer"></span></header>'
    )


def gradio_bundle() -> str:
    """Where the page finds Gradio's module that exports `changeLocale`, relative to the page.

    Raises FileNotFoundError when this Gradio ships none: a release changed it, and switching would silently fail.
    """
    assets = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
    for file in sorted(assets.glob("core-*.js")):
        if "as changeLocale" in file.read_text("utf-8"):
            return f"./assets/{file.name}"
    raise FileNotFoundError("no bundle of this Gradio exports changeLocale")
