"""What a page is told while replies are being written: server-sent events, at most ten updates a second."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from studio.people import Person
from studio.services.compare import Compare
from studio.ui.gate import person_of

PACE_S = 0.1
BEAT_S = 10.0
"""A comment now and then, so that a browser that left is noticed and no proxy ends a reply that takes its time."""
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def stream_routes(studio) -> list[Route]:
    """studio: services.studio.Studio."""

    async def compare_events(request: Request) -> StreamingResponse:
        """The person's own conversation, from its beginning, until nothing is being written."""
        stream = follow_conversation(studio.compare, person_of(request))
        return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)

    return [Route("/whetstone/compare/events", compare_events)]


async def follow_conversation(compare: Compare, person: Person) -> AsyncIterator[str]:
    """Everything at first, then what is new, at most every PACE_S; ends with an event `end`."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(changed.set)

    follower = await run_in_threadpool(compare.follow, person, wake)
    try:
        while True:
            changed.clear()
            live = follower.is_live
            if news := await run_in_threadpool(follower.news):
                yield f"data: {json.dumps(news, ensure_ascii=False)}\n\n"
            if not live:
                break
            await asyncio.sleep(PACE_S)
            try:
                await asyncio.wait_for(changed.wait(), BEAT_S)
            except TimeoutError:
                yield ": \n\n"
        yield "event: end\ndata: {}\n\n"
    finally:
        follower.close()
