"""Our own routes: scripts, styles and words that a browser may keep for good, and the machine's status."""

from __future__ import annotations

import hashlib
import importlib.util
import mimetypes
import secrets
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.services.machine import cores, find_memory
from studio.settings import Settings
from studio.ui.banners import banners
from studio.ui.gate import person_of
from studio.ui.i18n import words_script
from studio.ui.vote_files import vote_routes
from studio.ui.watching import watch_routes

ASSETS = Path(__file__).resolve().parents[2] / "assets"
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
SPARE_DELAY_S = 2.0
"""The first page is drawn before the spare worker's imports take the cores for four seconds."""

_FIRST_SCRIPTS = ("core.js", "shell.js")
_FIRST_STYLES = ("tokens.css", "whetstone.css", "gradio.css")

FIRST_SCRIPT = """
(() => {
  const page = document.documentElement, language = page.dataset.language;
  const theme = (() => { try { return localStorage.getItem("whetstone_theme"); } catch { return null; } })();
  if (theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches) page.classList.add("dark");
  Object.defineProperty(navigator, "language", { get: () => language, configurable: true });
})();
"""
"""Runs before anything is drawn: no flash of the other theme, and Gradio starts in the page's language, which it
takes from the browser alone."""


def page_headers(settings: Settings) -> dict[str, str]:
    """Sent with every HTML page: it is made for one person and one moment, and asks nothing of any other host.

    Gradio's templates need eval. On a Space the platform shows the page in a frame of its own site.
    """
    policy = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"
    if not settings.on_space:
        policy += "; frame-ancestors 'self'"
    return {"cache-control": "no-store", "content-security-policy": policy}


@cache
def page_files() -> dict[str, Path]:
    """What the page loads, by address below `whetstone/asset/<hash>/`."""
    files = {f"{path.parent.name}/{path.name}": path for path in sorted((ASSETS / "js").glob("*.js"))}
    files |= {f"{path.parent.name}/{path.name}": path for path in sorted((ASSETS / "css").glob("*.css"))}
    files["logo.svg"] = ASSETS / "logo.svg"
    if found := importlib.util.find_spec("plotly"):
        files["plotly.js"] = Path(found.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    return files


@cache
def page_hash() -> str:
    """One hash over all of them: a new release is fetched anew, anything else comes from the browser's cache."""
    digest = hashlib.sha256()
    for address, path in page_files().items():
        digest.update(address.encode())
        digest.update(path.read_bytes() if path.parent.is_relative_to(ASSETS) else str(path.stat().st_size).encode())
    return digest.hexdigest()[:12]


def asset_address(name: str) -> str:
    return f"whetstone/asset/{page_hash()}/{name}"


def words_address() -> str:
    return f"whetstone/words-{words_script()[0]}.js"


def page_scripts() -> list[str]:
    return _ordered("js/", _FIRST_SCRIPTS)


def page_styles() -> list[str]:
    return _ordered("css/", _FIRST_STYLES)


def _ordered(folder: str, first: tuple[str, ...]) -> list[str]:
    names = [name.removeprefix(folder) for name in page_files() if name.startswith(folder)]
    names.sort(key=lambda name: (first.index(name) if name in first else len(first), name))
    return [asset_address(folder + name) for name in names]


async def asset(request: Request) -> Response:
    path = page_files().get(request.path_params["name"])
    if path is None:
        return Response(status_code=404)
    return FileResponse(path, media_type=mimetypes.guess_type(path.name)[0], headers=_FOREVER)


async def words(request: Request) -> Response:
    return Response(words_script()[1], media_type="text/javascript; charset=utf-8", headers=_FOREVER)


def own_routes(studio) -> list[Route]:
    """studio: services.studio.Studio."""
    app_id = secrets.token_hex(8)
    spare = Once(SPARE_DELAY_S, studio.queue.ensure_spare)

    def status(request: Request) -> Response:
        """The machine and what runs on it; of somebody else's job only that there is one."""
        person = person_of(request)
        if studio.settings.has_spare:
            spare.ask()
        memory = find_memory()
        machine = {"cores": cores(), "used_bytes": memory and memory.used, "total_bytes": memory and memory.total}
        running = [running_job(folder, person) for folder in studio.queue.running()]
        running.sort(key=lambda job: job["title"] is None)
        shown = running[0] if running else None
        told = {"app": app_id, "machine": machine, "running": shown, "banners": banners(studio, request)}
        return JSONResponse(told, headers={"cache-control": "no-store"})

    return [
        Route("/whetstone/words-{hash}.js", words),
        Route("/whetstone/status", status),
        Route("/whetstone/asset/{hash}/{name:path}", asset),
        *watch_routes(studio),
        *vote_routes(studio),
    ]


class Once:
    """A deed that is done once, `delay_s` after it was first asked for, in a thread of its own."""

    def __init__(self, delay_s: float, deed: Callable[[], None]) -> None:
        self._timer = threading.Timer(delay_s, deed)
        self._timer.daemon = True
        self._guard = threading.Lock()

    def ask(self) -> None:
        with self._guard:
            if self._timer.ident is None:
                self._timer.start()


def running_job(folder: JobFolder, person: Person) -> dict[str, Any]:
    """id, kind, title and fraction (0..1, or None while unknown) of a job; all None for another workspace's."""
    if not folder.path.is_relative_to(person.workspace):
        return {"id": None, "kind": None, "title": None, "fraction": None}
    last = folder.state().last or {}
    done, total = (
        (last.get("step"), last.get("total_steps"))
        if last.get("kind") == "step"
        else (last.get("done"), last.get("total"))
    )
    return {
        "id": folder.id,
        "kind": folder.spec.kind,
        "title": folder.spec.title,
        "fraction": done / total if done is not None and total else None,
    }
