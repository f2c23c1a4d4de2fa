"""What a page that watches a run is told: server-sent events, so that watching costs no request twice a second."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from studio.errors import JobNotFound, StudioError
from studio.people import Person
from studio.ui.gate import person_of

PACE_S = 0.4
"""New events are sent at most five times in two seconds. Thirty pages that asked twice a second took a quarter of a core."""
QUIET_LOOKS = 5
"""Every so many looks the state is read although the log has not grown: a run that was asked to stop says so there."""
BEAT_LOOKS = 40
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def watch_routes(studio) -> list[Route]:
    """studio: services.studio.Studio."""

    def watch(request: Request) -> Response:
        person = person_of(request)
        try:
            folder = studio.queue.find(person, request.query_params.get("id", ""))
            cursor = json.loads(request.query_params.get("cursor") or "null")
        except JobNotFound as error:
            return JSONResponse({"code": error.code}, status_code=404)
        except ValueError:
            return JSONResponse({"code": "RequestRefused"}, status_code=400)
        stream = follow_run(studio, person, folder.id, folder.events_path, cursor)
        return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)

    return [Route("/whetstone/run/events", watch)]


async def follow_run(studio, person: Person, job_id: str, log: Path, cursor: Any) -> AsyncIterator[str]:
    """`Live.poll` whenever there is something new, until the run has ended; then an event `end`.

    An event `gone` where the run was deleted meanwhile. Ends as well when the app is about to close.
    """
    size, told, looks = -1, None, 0
    while not studio.is_closing:
        grown = _size(log)
        if grown != size or looks % QUIET_LOOKS == 0:
            size = grown
            try:
                news = await run_in_threadpool(studio.live.poll, person, job_id, cursor)
            except StudioError:
                yield "event: gone\ndata: {}\n\n"
                return
            now = [news[name] for name in ("cursor", "status", "facts", "rows")]
            if now != told:
                cursor, told = news["cursor"], now
                yield f"data: {orjson.dumps(news).decode()}\n\n"
            if news["ended"]:
                break
        looks += 1
        if looks % BEAT_LOOKS == 0:
            yield ": \n\n"  # so that a browser that left is noticed
        await asyncio.sleep(PACE_S)
    yield "event: end\ndata: {}\n\n"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -2
