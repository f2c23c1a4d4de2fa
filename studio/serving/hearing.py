"""A reply of the decode loop as the event loop hears it: piece by piece, until it ends or the client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from studio.serving.replies import Piece, Reply

SILENCE_S = 1.0
"""How often a client is told that its reply is still being worked on: while weights are loaded, or before its turn."""


class Hearing:
    """No thread waits for a reply: the decode thread wakes the event loop. Made in the event loop.

    receive: the request's own, read to its end before; it tells when the client leaves.
    """

    def __init__(self, reply: Reply, receive: Callable[[], Awaitable[Any]]) -> None:
        self.reply = reply
        self.has_left = False
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._watch = asyncio.create_task(self._await_leaving(receive))
        reply.listen(self._wake)

    async def iterate(self) -> AsyncIterator[list[Piece]]:
        """All pieces that are there, as soon as there are any; none at all after each second of silence.

        Raises the StudioError that ended the reply.
        """
        is_over = False
        while not is_over:
            is_silent = not await self._is_changed()
            self._changed.clear()
            # Looked at before taking: a piece that comes between the two is taken, an end is seen the next time.
            is_over = self.reply.is_done or self.has_left
            if (pieces := self.reply.take()) or is_silent:
                yield pieces
        if self.reply.error is not None:
            raise self.reply.error

    async def _is_changed(self) -> bool:
        try:
            async with asyncio.timeout(SILENCE_S):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Frees the reply's row where it still has one."""
        self._watch.cancel()
        self.reply.cancel()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._changed.set)
        except RuntimeError:
            pass  # the server is ending: nobody listens any more

    async def _await_leaving(self, receive: Callable[[], Awaitable[Any]]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
        self.reply.cancel()
        self._changed.set()
