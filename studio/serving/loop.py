"""What the decode thread does between two looks at what arrived: which base is in memory, who joins, one token each."""

from __future__ import annotations

import gc
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from studio.errors import AdapterMismatch, DeviceTaken, OutOfMemory, StudioError
from studio.jobs.lease import is_locked, lease_holder, take_lease
from studio.jobs.log import utc_now
from studio.models.machine import read_memory_bytes
from studio.serving.decoding import Batch, LoneRow, Row
from studio.serving.orders import Order
from studio.serving.replies import How, Model, Reply
from studio.serving.sampling import build_sampler
from studio.serving.stopping import TextStream
from studio.serving.weights import Attached, Resident, load_resident

ROWS = 32
"""Rows of the shared batch; more wait for one to end."""

LOOK_S = 0.25
"""How often it is looked whether a job has begun or ended."""

IN_USE_S = 30.0
"""So long after its last token a base still counts as in use: a person reads a reply and asks the next thing."""

SPEED_WINDOW_S = 5.0


class Loop:
    """The weights, the rows under way, and what waits for them. For one thread."""

    def __init__(self, root: Path, lease: Path) -> None:
        self._root, self._lease = root, lease
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._held_lease: int | None = None
        self._resident: Resident | None = None
        self._shared: Batch | None = None
        self._lone: LoneRow | None = None
        self._is_job_running = False
        self._threads = torch.get_num_threads()
        self._looked = 0.0
        self._used = -IN_USE_S
        self._written: deque[tuple[float, int]] = deque()
        self._open: list[Order] = []
        self.waiting: deque[Order] = deque()

    @property
    def rows(self) -> list[Row]:
        return [row for group in (self._shared, self._lone) if group is not None for row in group.rows]

    @property
    def is_idle(self) -> bool:
        return not self.waiting and not self.rows

    @property
    def is_provisional(self) -> bool:
        """Whether the base is to be loaded as it writes fastest as soon as a job leaves the processor."""
        return self._resident is not None and self._resident.speed.is_provisional

    def add(self, orders: list[Order]) -> None:
        self._open = [*(order for order in self._open if not order.is_settled), *orders] if orders else self._open
        self.waiting.extend(orders)

    def admit(self) -> None:
        """Begin what can begin, in the order of arrival: what needs another base waits until all rows have ended."""
        self._drop_cancelled()
        if self.is_provisional and not self.rows:
            self._reload_after_job()
        joining: list[Row] = []
        later: deque[Order] = deque()
        while self.waiting:
            order = self.waiting.popleft()
            needs_change = self._needs_change(order)
            if needs_change and order.model is not None and (joining or self._is_in_use()):
                order.is_declined = True
                order.settle()
                continue
            is_free = not self.rows and not joining and not later
            if (needs_change and not is_free) or len(self.rows) + len(joining) >= ROWS:
                later.append(order)
                break
            try:
                row = self._begin(order)
            except StudioError as error:
                order.settle(error)
                continue
            if row is None:
                continue
            if isinstance(row, Row):
                joining.append(row)
            else:
                later.append(order)
        self.waiting = deque([*later, *self.waiting])
        if joining:
            self._guarded(lambda: self._shared.join(joining), joining)  # type: ignore[union-attr]

    def step(self) -> None:
        """One token for every row."""
        self._look_for_job()
        rows = self.rows
        before = sum(row.reply.tokens for row in rows)
        if self._shared is not None and self._shared.rows:
            self._guarded(self._shared.step, self._shared.rows)
        if self._lone is not None and self._lone.rows:
            self._step_lone(self._lone.step, self._lone.rows[0])
        if self._lone is not None and not self._lone.rows:
            self._lone = None
        now = time.monotonic()
        self._used = now if rows else self._used
        self._written.append((now, sum(row.reply.tokens for row in rows) - before))
        while now - self._written[0][0] > SPEED_WINDOW_S:
            self._written.popleft()

    def fail(self, error: StudioError) -> None:
        """End everything that is under way or waits, or was just being begun."""
        for order in self._open:
            order.settle(error)
        self.waiting.clear()

    def cancel(self) -> None:
        for row in self.rows:
            row.end("cancelled")
        for order in self._open:
            if order.reply is not None:
                order.reply.finish("cancelled")
            order.settle()
        self.waiting.clear()

    def unload(self) -> None:
        """Give up the weights, and the device with them."""
        self._resident = self._shared = self._lone = None
        self._written.clear()
        gc.collect()  # hooks and what they are hooked to hold each other
        if self._device == "cuda":
            torch.cuda.empty_cache()
        if self._held_lease is not None:
            os.close(self._held_lease)
            self._held_lease = None

    def describe(self) -> dict[str, Any]:
        """The state as JSON; sizes in bytes. From any thread."""
        found: dict[str, Any] = {
            "base": None,
            "device": self._device,
            "rows": len(self.rows),
            "waiting": len(self.waiting),
            "adapters": [],
        }
        resident = self._resident
        if resident is None:
            return found
        written = [entry for entry in list(self._written) if time.monotonic() - entry[0] <= SPEED_WINDOW_S]
        span = max(time.monotonic() - written[0][0], LOOK_S) if written else LOOK_S
        return found | {
            "base": resident.base.id,
            "precision": resident.speed.precision,
            "dtype": resident.speed.dtype,
            "threads": self._threads,
            "job_running": self._is_job_running,
            "bytes": resident.bytes(),
            "can_batch": resident.can_batch,
            "adapters": [
                {"id": adapter.adapter_id, "how": adapter.how, "reason": adapter.peft_only}
                for adapter in list(resident.attached.values())
            ],
            "tokens_per_s": round(sum(count for _, count in written) / span, 1),
            "measured_ms": resident.speed.measured,
        }

    def _drop_cancelled(self) -> None:
        gone = [order for order in self.waiting if order.reply is not None and order.reply.is_cancelled]
        for order in gone:
            self.waiting.remove(order)
            order.reply.finish("cancelled")  # type: ignore[union-attr]

    def _needs_change(self, order: Order) -> bool:
        model = order.reply.request.model if order.reply is not None else order.model
        return model is None or self._resident is None or not self._resident.fits(model)

    def _is_in_use(self) -> bool:
        is_recent = self._resident is not None and time.monotonic() - self._used < IN_USE_S
        return bool(self.rows) or is_recent

    def _begin(self, order: Order) -> Row | Order | None:
        """The row that is to join the shared batch; the order where it has to wait; None where there is nothing to do."""
        model = order.reply.request.model if order.reply is not None else order.model
        if self._needs_change(order):
            self.unload()
            if model is not None:
                self._load(model)
        if order.reply is None:
            order.settle()
            return None
        assert self._resident is not None and model is not None
        attached = self._resident.attach(model.adapter, model.title) if model.adapter else None
        how: How = attached.how if attached else "stacked" if self._resident.can_batch else "alone"
        if how == "stacked":
            return self._build_row(order.reply, how, attached)
        if self._lone is not None:
            return order
        row = self._build_row(order.reply, how, attached)
        self._lone = build_lone(self._resident, attached)
        self._step_lone(lambda: self._lone.join([row]), row)  # type: ignore[union-attr]
        return None

    def _load(self, model: Model) -> None:
        self._look_for_job(at_once=True)
        if self._device == "cuda":
            self._held_lease = take_lease(self._lease, {"who": "server", "since": utc_now()})
            if self._held_lease is None:
                raise DeviceTaken(job=(lease_holder(self._lease) or {}).get("job"))
        try:
            resident = load_resident(model.base, model.precision, self._device, self._root, self._is_job_running)
        except StudioError:
            self.unload()
            raise
        self._resident = resident
        self._shared = Batch(resident.model, resident.stack)
        self._set_threads()

    def _reload_after_job(self) -> None:
        """Its speed was only supposed: on one thread and in fp32 it would write slowly for as long as it stays."""
        self._look_for_job(at_once=True)
        resident = self._resident
        if resident is None or self._is_job_running:
            return
        asked = Model(resident.base, resident.asked)
        del resident
        self.unload()
        try:
            self._load(asked)
        except StudioError:
            pass  # whoever asks next is told

    def _build_row(self, reply: Reply, how: How, attached: Attached | None) -> Row:
        assert self._resident is not None
        request, resident = reply.request, self._resident
        resident.detach_unused({row.adapter for row in self.rows if row.adapter is not None})
        reply.begin(how, resident.speed.precision)
        return Row(
            reply=reply,
            sampler=build_sampler(request, reply.seed),
            stream=TextStream(resident.tokenizer, request.stop),
            end_ids=frozenset() if request.ignore_end else resident.end_ids,
            limit=min(request.max_tokens, resident.base.context - len(request.prompt_ids)),
            tokenizer=resident.tokenizer,
            adapter=attached.stackable if attached else None,
        )

    def _guarded(self, work: Callable[[], None], rows: list[Row]) -> None:
        """Rows that find no memory end with an error that says so; anything unforeseen is for the engine."""
        try:
            work()
        except RuntimeError as error:
            if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
                raise
            free = torch.cuda.mem_get_info()[0] if self._device == "cuda" else read_memory_bytes()
            for row in [*rows, *self.rows]:
                row.end("error", OutOfMemory(asked_bytes=None, free_bytes=free))
            self._lone = None
            if self._resident is not None:
                self._shared = Batch(self._resident.model, self._resident.stack)

    def _step_lone(self, work: Callable[[], None], row: Row) -> None:
        """An adapter whose kind needs more than a prompt fails its own reply only."""
        try:
            self._guarded(work, [row])
        except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            if self._resident is None or row.reply.how != "peft":
                raise
            logging.getLogger(__name__).warning("an adapter could not be decoded: %s", error, exc_info=True)
            model = row.reply.request.model
            row.end("error", AdapterMismatch(adapter=model.title, base=model.base.id))
            self._lone = None

    def _look_for_job(self, at_once: bool = False) -> None:
        """While a job has the processor, replies are written on one thread."""
        now = time.monotonic()
        if self._device == "cuda" or (now - self._looked < LOOK_S and not at_once):
            return
        self._looked = now
        is_running = is_locked(self._lease)
        if is_running != self._is_job_running:
            self._is_job_running = is_running
            self._set_threads()

    def _set_threads(self) -> None:
        if self._device == "cpu" and self._resident is not None:
            self._threads = 1 if self._is_job_running else self._resident.speed.threads
            torch.set_num_threads(self._threads)


def build_lone(resident: Resident, attached: Attached | None) -> LoneRow:
    """A row on a peft model of its own, or on the base alone. Learned prompts are put before the first pass only."""
    if attached is None:
        return LoneRow(resident.model, resident.model, resident.model.device)
    model = attached.lone
    further = model.base_model if model.active_peft_config.is_prompt_learning else model
    return LoneRow(model, further, resident.model.device)
