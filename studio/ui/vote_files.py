"""Votes as files: a route that streams them to the person whose project it is."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from studio.errors import StudioError
from studio.ui.gate import explain, person_of, visitor_of

_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


def vote_routes(studio) -> list[Route]:
    """studio: services.studio.Studio."""
    files = {"votes": studio.preferences.votes_file, "kto": studio.preferences.kto_file}

    def votes(request: Request) -> Response:
        what = request.path_params["what"]
        if what not in files:
            return Response(status_code=404)
        try:
            name, lines = files[what](person_of(request), request.path_params["project_id"])
        except StudioError as error:
            code, message, hint = explain(error, visitor_of(request).language)
            return JSONResponse({"code": code, "message": message, "hint": hint}, status_code=404)
        file = f"{name}-{what}.jsonl"
        headers = {
            "content-disposition": f"attachment; filename=\"{_PLAIN.sub('-', file)}\"; filename*=UTF-8''{quote(file)}",
            "cache-control": "no-store",
        }
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)

    return [Route("/whetstone/preferences/{project_id}/{what}.jsonl", votes)]
