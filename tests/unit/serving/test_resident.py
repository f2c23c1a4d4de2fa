"""Which base is in memory: what merely gets ready waits for nobody's thread and takes nobody's base away."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from studio.jobs.lease import take_lease
from studio.models.catalogue import Base, read_base_folder
from studio.serving import http as http_routes
from studio.serving import loop
from studio.serving.desk import Desk
from studio.serving.engine import Engine
from studio.serving.names import Places
from studio.serving.protocol import CompletionBody
from studio.serving.replies import Model
from studio.serving.speed import Speed, find_speed, write_speed
from studio.serving.tokens import Caller
from tests.processes import wait_for
from tests.served_models import PROMPTS, copy_pocket, pocket, request_for, untouched_ids, written_ids

BASE = pocket()
MODEL = Model(BASE, "float32")
LONG = {"max_tokens": 300, "ignore_end": True}
LOADS = 60
"""More than the places of the thread pool, which are 40."""


@pytest.fixture
def other(engine_root: Path, tmp_path: Path) -> Base:
    base = read_base_folder("folder:other", copy_pocket(tmp_path / "other"))
    write_speed(engine_root, base, "float32", Speed("float32", "float32", 1, {}))
    return base


def test_getting_a_base_ready_takes_no_base_away_that_is_in_use(engine: Engine, other: Base, monkeypatch):
    """While a reply is written, and a while after it; only a reply that is wanted has the other base loaded."""
    long = engine.submit(request_for(MODEL, PROMPTS[0], **LONG))
    next(iter(long))
    assert engine.load(BASE, "float32") is True
    assert engine.load(other, "float32") is False and not long.is_done
    written_ids(long)
    assert engine.load(other, "float32") is False and engine.status()["base"] == BASE.id
    assert written_ids(engine.submit(request_for(Model(other, "float32")))) == untouched_ids(BASE, PROMPTS[0])
    assert engine.status()["base"] == other.id
    monkeypatch.setattr(loop, "IN_USE_S", 0.0)
    assert engine.load(BASE, "float32") is True and engine.status()["base"] == BASE.id


def test_a_base_loaded_while_a_job_ran_is_measured_when_it_has_ended(tmp_path: Path):
    """Nobody has to ask anything for it, and a reply that is being written when the job ends is written on."""
    lease = tmp_path / "device-0"
    held = take_lease(lease, {"who": "job"})
    assert held is not None
    engine = Engine(tmp_path, lease)
    try:
        assert written_ids(engine.submit(request_for(Model(BASE)))) == untouched_ids(BASE, PROMPTS[0])
        assert (engine.status()["precision"], engine.status()["threads"]) == ("float32", 1)
        assert find_speed(tmp_path, BASE, None) is None
        long = engine.submit(request_for(Model(BASE), **LONG))
        pieces = iter(long)
        begun = next(pieces)
        os.close(held)
        assert sum(len(piece.ids) for piece in (begun, *pieces)) == LONG["max_tokens"]
        wait_for(lambda: engine.status().get("measured_ms"))
        found = find_speed(tmp_path, BASE, None)
        assert found is not None and not found.is_provisional and "float32/1/4" in found.measured
        wait_for(lambda: engine.status()["threads"] == found.threads)
        assert engine.status()["precision"] == found.precision
        assert len(written_ids(engine.submit(request_for(Model(BASE), PROMPTS[1])))) > 1
    finally:
        engine.close()


def test_tokens_are_counted_while_many_wait_for_weights(engine_root: Path):
    """A listener that does not return holds the decode thread up, so that every load waits until it does."""
    desk = Desk(Places(engine_root, (), engine_root / "hub", engine_root / "devices" / "device-0"), lambda: None)
    held, may_go_on = threading.Event(), threading.Event()
    reply, _ = desk.order(CompletionBody(model="pocket", prompt="Hello", max_tokens=2), Caller(None))

    def hold() -> None:
        held.set()
        may_go_on.wait(60)

    reply.listen(hold)
    assert held.wait(60)

    async def ask() -> None:
        server = httpx.ASGITransport(http_routes.Routes(desk, "secret").build())
        headers = {"authorization": "Bearer secret"}
        async with httpx.AsyncClient(transport=server, base_url="http://server", headers=headers) as http:
            loads = [asyncio.create_task(http.post("/load", json={"model": "pocket"})) for _ in range(LOADS)]
            try:
                async with asyncio.timeout(20):
                    await asyncio.to_thread(wait_for, lambda: desk.status()["waiting"] >= http_routes.LOADS)
                    counted = await http.post("/tokenize", json={"model": "pocket", "text": "Hello"})
                assert counted.json()["count"] > 0 and not any(load.done() for load in loads)
            finally:
                may_go_on.set()
            answers = await asyncio.gather(*loads)
            assert all(answer.json() == {"base": "pocket", "precision": None, "loaded": True} for answer in answers)

    try:
        with ThreadPoolExecutor(1) as pool:  # a thread of its own: a browser's loop may run in this one
            pool.submit(asyncio.run, ask()).result()
    finally:
        may_go_on.set()
        desk.unload(0)
