"""The job that makes rows of a few that are there: by a template, or by asking a model; a person decides on each."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from studio.data.making.asking import (
    MAKEABLE,
    Seed,
    build_record,
    question_messages,
    read_question,
    read_seed,
    reply_messages,
)
from studio.data.making.sifting import LOOKED_AT, TOO_CLOSE, Sieve
from studio.data.making.templates import Template, iterate_variations, read_template
from studio.errors import SeedsMissing
from studio.events import Event, Finished, Phase, Progress, Stopped
from studio.serving.access import ModelAccess
from studio.store.connection import transaction
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.proposals import Proposals
from studio.store.table import Table
from studio.worker.context import StoppedByPerson, WorkerJob

AT_ONCE = 8
SHOWN_QUESTIONS, SHOWN_ROWS = 6, 3
"""Seeds that a model sees before it writes a question, and before it writes the reply."""

TRIES = 4
"""Texts that are written for each row asked for, at most: what the sieve leaves out is tried again."""

QUESTION_TOKENS = 96
LARGEST_SEED = 2**31 - 1


class MakeOptions(BaseModel):
    """source: as `ModelAccess.stream` takes it, None for a template. seeds: row ids. count: rows that pass the sieve."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    kind: str
    seeds: tuple[int, ...]
    count: int = Field(ge=1)
    seed: int
    template: dict[str, Any] | None = None
    source: dict[str, Any] | None = None
    model: str | None = None
    temperature: float = 0.8
    max_tokens: int = 256
    forbidden: tuple[str, ...] = ()


class Made(BaseModel):
    """A row as it was written, before anybody looked at it."""

    system: str
    question: str
    reply: str
    origin: dict[str, Any]


def run(job: WorkerJob) -> Iterator[Event]:
    """Every row is stored as it comes. Raises SeedsMissing, FileUnreadable, and what `ModelAccess.stream` raises."""
    began_s = time.monotonic()
    options = MakeOptions.model_validate(job.options)
    path = job.workspace / "datasets" / (options.dataset_id + SUFFIX)
    seeds, sieve = _look_at_dataset(path, options)
    unit = "rows"
    yield Phase("making_rows", total=options.count, unit=unit)
    made = _by_template(options) if options.template else _by_model(job, options, seeds)
    passed = tried = 0
    with suppress(StoppedByPerson), closing(made):
        for one in made:
            if job.should_stop():
                break
            record = build_record(options.kind, one.system, one.question, one.reply)
            sifted = sieve.sift(record, one.question, one.reply)
            tried += 1
            passed += not sifted.problems
            with open_dataset(path, job.heed_stop) as connection, transaction(connection):
                Proposals(connection).insert(job.spec.id, record, one.origin, sifted.problems, sifted.similarity)
            yield Progress(passed if not options.template else tried, options.count, unit)
            if passed >= options.count:
                break
    if job.should_stop():
        yield Stopped(0)
        return
    yield Finished(None, time.monotonic() - began_s, {"tried": tried, "passed": passed})


def _look_at_dataset(path: Path, options: MakeOptions) -> tuple[list[Seed], Sieve]:
    with open_dataset(path) as connection:
        table = Table(connection)
        rows = table.rows_by_id(list(options.seeds))
        read = [read_seed(row.row_id, orjson.loads(row.record)) for row in rows if row.kind in MAKEABLE]
        seeds = [seed for seed in read if seed is not None]
        known = []
        for row in islice(table.iterate(), LOOKED_AT):
            seed = read_seed(row.row_id, orjson.loads(row.record)) if row.kind in MAKEABLE else None
            known += [seed.question] if seed else []
    if not seeds and options.template is None:
        raise SeedsMissing()
    return seeds, Sieve(seeds, known, options.forbidden, 1.0 if options.template else TOO_CLOSE)


def _by_template(options: MakeOptions) -> Iterator[Made]:
    template: Template = read_template(options.template or {})
    for one in iterate_variations(template, options.count, options.seed):
        origin = {"how": "template", "filled": dict(one.filled)}
        yield Made(system=one.system, question=one.prompt, reply=one.reply, origin=origin)


def _by_model(job: WorkerJob, options: MakeOptions, seeds: list[Seed]) -> Iterator[Made]:
    """Texts as they are ready, several asked for at once; each has its own seeds and its own seed for drawing."""
    models = ModelAccess(job.root)
    pool = ThreadPoolExecutor(AT_ONCE, "row")
    numbers = iter(range(options.count * TRIES))
    try:
        under_way: set[Future[Made | None]] = set()
        while True:
            for number in islice(numbers, AT_ONCE - len(under_way)):
                under_way.add(pool.submit(_write, models, options, seeds, number, job.should_stop))
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                if (made := future.result()) is not None:
                    yield made
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        models.close()


def _write(
    models: ModelAccess, options: MakeOptions, seeds: list[Seed], number: int, should_stop: Callable[[], bool]
) -> Made | None:
    """A question and its reply; None where the job was stopped."""
    drawn = random.Random(f"{options.seed}:{number}")
    shown = drawn.sample(seeds, min(SHOWN_QUESTIONS, len(seeds)))
    sampling = {"temperature": options.temperature, "top_p": 1.0, "seed": drawn.randint(0, LARGEST_SEED)}

    def ask(messages: list[dict[str, str]], max_tokens: int) -> str | None:
        parts = []
        with closing(models.stream(options.source or {}, messages, sampling | {"max_tokens": max_tokens})) as pieces:
            for piece in pieces:
                if should_stop():
                    return None
                parts.append(piece.text)
        return "".join(parts).strip()

    asked = ask(question_messages(shown), QUESTION_TOKENS)
    if asked is None:
        return None
    question = read_question(asked)
    reply = ask(reply_messages(shown[:SHOWN_ROWS], question), options.max_tokens) if question else ""
    if reply is None:
        return None
    origin = {
        "how": "model",
        "model": options.model,
        "seed": sampling["seed"],
        "seeds": [seed.row_id for seed in shown],
        "temperature": options.temperature,
    }
    return Made(
        system=next((seed.system for seed in shown if seed.system), ""), question=question, reply=reply, origin=origin
    )
