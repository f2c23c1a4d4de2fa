"""Our own routes: scripts, styles and words that a browser may keep for good, and the machine's status."""

from __future__ import annotations

import hashlib
import importlib.util
import mimetypes
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from studio.ui.gate import person_of
from studio.ui.i18n import words_script

ASSETS = Path(__file__).resolve().parents[2] / "assets"
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
_FIRST_SCRIPTS = ("core.js", "shell.js")
_FIRST_STYLES = ("tokens.css", "whetstone.css")


@cache
def page_files() -> dict[str, Path]:
    """What the page loads, by address below `whetstone/<hash>/`."""
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
    return f"whetstone/{page_hash()}/{name}"


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


async def status(request: Request) -> Response:
    person_of(request)
    return JSONResponse({})


def own_routes() -> list[Route]:
    return [
        Route("/whetstone/words-{hash}.js", words),
        Route("/whetstone/status", status),
        Route("/whetstone/{hash}/{name:path}", asset),
    ]
