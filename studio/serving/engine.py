"""The model server's engine: takes requests from any thread and writes their replies in one of its own.

Nothing here imports torch until the first request: HTTP answers before, and counting tokens never needs it.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import BaseUnreadable, ContextTooLong, PromptEmpty, ReplyFailed, StudioError
from studio.models.catalogue import Base
from studio.models.machine import use_one_device
from studio.serving.orders import Order
from studio.serving.replies import Model, Reply, Request

if TYPE_CHECKING:
    from studio.serving.loop import Loop

GATHER_S = 0.01
"""Requests that arrive within this time of the first share a batch from its first token on."""

LOOK_S = 1.0
"""How often a loop that has nothing to write looks whether the job has ended that it supposed its speed beside."""

SEEDS = 2**63


class Engine:
    """Thread-safe. root: where measurements are kept. lease: the file that says who has the device."""

    def __init__(self, root: Path, lease: Path) -> None:
        self._root, self._lease = root, lease
        self._wake = threading.Condition()
        self._arrived: deque[tuple[float, Order]] = deque()
        self._thread: threading.Thread | None = None
        self._loop: Loop | None = None
        self._is_closed = False

    def submit(self, request: Request) -> Reply:
        """A reply that is about to grow. Raises ContextTooLong, PromptEmpty; what else goes wrong ends the reply."""
        _check_prompt(request)
        seed = secrets.randbelow(2**32) if request.seed is None else request.seed % SEEDS
        reply = Reply(request, seed)
        if not self._add(reply=reply):
            reply.finish("cancelled")
        return reply

    def load(self, base: Base, precision: str | None = None) -> bool:
        """Wait until a base is in memory; False where it is not loaded because another one is in use.

        Only a reply that is wanted takes the place of a base that others write with. Raises what loading raises.
        """
        order = self._wait_for(model=Model(base, precision))
        return order is not None and not order.is_declined

    def unload(self) -> None:
        """Wait until the replies under way have ended, and give up the weights and the device."""
        if self._thread is not None:
            self._wait_for()

    def status(self) -> dict[str, Any]:
        """As of now: base, precision, dtype, device, threads, bytes, rows, waiting, adapters, tokens_per_s."""
        loop = self._loop
        found = loop.describe() if loop is not None else {"base": None, "rows": 0, "waiting": 0, "adapters": []}
        return found | {"waiting": found["waiting"] + len(self._arrived)}

    def close(self) -> None:
        """Cancel what is under way, give up the weights, end the thread."""
        with self._wake:
            self._is_closed = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _wait_for(self, **wanted: Any) -> Order | None:
        order = self._add(**wanted)
        if order:
            order.done.wait()
            if order.error is not None:
                raise order.error
        return order

    def _add(self, **wanted: Any) -> Order | None:
        order = Order(**wanted)
        with self._wake:
            if self._is_closed:
                return None
            self._arrived.append((time.monotonic(), order))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="decoding", daemon=True)
                self._thread.start()
            self._wake.notify_all()
        return order

    def _run(self) -> None:
        loop: Loop | None = None
        try:
            loop = self._loop = _build_loop(self._root, self._lease)
            while self._take_arrived(loop):
                loop.admit()
                loop.step()
            loop.cancel()
        except BaseException as error:
            # Whatever it was, a broken torch or driver too, nobody may wait for ever; the next request finds a new thread.
            with self._wake:
                arrived = [order for _, order in self._arrived]
                self._arrived.clear()
                self._thread = None
            told = error if isinstance(error, StudioError) else ReplyFailed(type=type(error).__name__, text=str(error))
            for order in arrived:
                order.settle(told)
            if loop is not None:
                loop.fail(told)
            raise
        finally:
            if loop is not None:
                loop.unload()

    def _take_arrived(self, loop: Loop) -> bool:
        """Hand over what has arrived; wait for it where there is nothing to do. False when the engine is closed."""
        with self._wake:
            if loop.is_idle:
                limit = LOOK_S if loop.is_provisional else None
                self._wake.wait_for(lambda: self._arrived or self._is_closed, limit)
                gathered = (self._arrived[0][0] if self._arrived else 0.0) + GATHER_S
                while not self._is_closed and (left := gathered - time.monotonic()) > 0:
                    self._wake.wait(left)
            loop.add([order for _, order in self._arrived])
            self._arrived.clear()
            return not self._is_closed


def _build_loop(root: Path, lease: Path) -> Loop:
    # Two threads that spin on the same core take four times as long as two that sleep.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    use_one_device()
    from studio.serving.loop import Loop

    return Loop(root, lease)


def _check_prompt(request: Request) -> None:
    ids, base = request.prompt_ids, request.model.base
    if not ids:
        raise PromptEmpty()
    if len(ids) >= base.context:
        raise ContextTooLong(tokens=len(ids), limit=base.context)
    if min(ids) < 0 or (base.vocabulary and max(ids) >= base.vocabulary):
        raise BaseUnreadable(model=base.id, file="tokenizer.json")
