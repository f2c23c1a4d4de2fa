"""Uploads: what a page sends lies in its person's workspace before the page hears where, and nobody else can name it."""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.errors import NotYours, StudioError
from studio.people import Person
from studio.ui.gate import person_of

ADDRESS = "/gradio_api/upload"
SENT = "sent"
KEPT_S = 24 * 3600.0


class Uploads:
    """Middleware. Gradio keeps an upload in a folder that is named after its content: two people who send the same
    file share it, and whoever imports it first takes it from the other.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != ADDRESS:
            await self.app(scope, receive, send)
            return
        try:
            person = person_of(Request(scope))
        except StudioError as error:
            await JSONResponse({"code": error.code}, status_code=403)(scope, receive, send)
            return
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, collect)  # returns when the file has been moved to its folder, too
        body = b"".join(message.get("body", b"") for message in messages[1:])
        if messages[0]["status"] != 200:
            for message in messages:
                await send(message)
            return
        try:
            paths = await run_in_threadpool(_take, person, orjson.loads(body))
        except OSError:
            await JSONResponse({"code": NotYours.code}, status_code=409)(scope, receive, send)
            return
        await JSONResponse(paths)(scope, receive, send)


def _take(person: Person, paths: list[str]) -> list[str]:
    """Move files into the person's workspace; where each lies now. Raises OSError where one is gone."""
    sent = person.workspace / SENT
    _forget_old(sent)
    taken = []
    for path in map(Path, paths):
        folder = sent / secrets.token_hex(16)
        folder.mkdir(parents=True, mode=0o700)
        taken.append(str(shutil.move(path, folder / path.name)))
    return taken


def _forget_old(sent: Path) -> None:
    """Remove what was sent and never asked for."""
    for folder in sent.iterdir() if sent.is_dir() else ():
        if time.time() - folder.stat().st_mtime > KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


def sent_path(person: Person, text: str) -> Path | None:
    """The file that the person's own page uploaded, `<workspace>/sent/<random>/<name>`; None for every other path."""
    sent = (person.workspace / SENT).resolve()
    path = Path(text).resolve()
    return path if path.is_relative_to(sent) and len(path.relative_to(sent).parts) == 2 else None
