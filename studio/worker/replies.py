"""The job that writes candidate replies: two columns answer the prompts of a project, while votes already come in."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from studio.errors import ServerLost
from studio.events import Event, Finished, Phase, Progress, Stopped
from studio.preferences.pairs import REPLIES, as_reply
from studio.serving.access import ModelAccess
from studio.store.preferences import Pair, Project, open_preferences
from studio.worker.context import WorkerJob

AT_ONCE = 8
"""Replies written together: the model server decodes them as one batch."""

BLOCK_PAIRS = 8
"""So many pairs get their first replies, then their second: two base models are not loaded in turn for each pair."""

ATTEMPTS = 2
"""A reply whose server ended in the middle is written anew: its seed makes it the same."""

LARGEST_SEED = 2**31 - 1
Task = tuple[Pair, str]


class ReplyOptions(BaseModel):
    """sources: where the replies of each side are from, as `ModelAccess.stream` takes them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    project_id: str = Field(pattern=r"^p-[0-9a-f]{16}$")
    sources: tuple[dict[str, Any], dict[str, Any]]


def run(job: WorkerJob) -> Iterator[Event]:
    """Every reply is stored as it comes; what is left open is written by the next such job.

    Raises NotYours where the project is gone, and what `ModelAccess.stream` raises: the first error ends the job, the
    next reply would meet it too.
    """
    began_s = time.monotonic()
    options = ReplyOptions.model_validate(job.options)
    with open_preferences(job.workspace) as preferences:
        project = preferences.project(options.project_id)
        tasks = list(_iterate_tasks(preferences.unfinished_pairs(options.project_id)))
    yield Phase("writing_replies", total=len(tasks), unit="replies")
    writer = _Writer(job, project, options.sources)
    with ThreadPoolExecutor(AT_ONCE, "reply") as pool:
        try:
            for done, _ in enumerate(pool.map(writer.write, tasks), 1):
                yield Progress(done, len(tasks), "replies")
        finally:
            writer.end()
    writer.close()
    if job.should_stop():
        yield Stopped(0)
        return
    yield Finished(None, time.monotonic() - began_s, {"replies": writer.written})


class _Writer:
    """Writes replies in threads; `end` makes those that are under way break off."""

    def __init__(self, job: WorkerJob, project: Project, sources: Sequence[Mapping[str, Any]]) -> None:
        self.written = 0
        self._job = job
        self._project = project
        self._sources = sources
        self._models = ModelAccess(job.root)
        self._ended = threading.Event()

    def end(self) -> None:
        self._ended.set()

    def close(self) -> None:
        self._models.close()

    def write(self, task: Task) -> None:
        pair, name = task
        for attempt in range(ATTEMPTS):
            if self._must_end():
                return
            try:
                text, facts = self._reply(pair, name)
                break
            except ServerLost:
                if attempt == ATTEMPTS - 1:
                    self.end()
                    raise
            except BaseException:
                self.end()
                raise
        if self._must_end():
            return  # it may be half a reply
        with open_preferences(self._job.workspace) as preferences:
            if preferences.write_reply(pair.pair_id, name, as_reply(text), self._column(name) | facts):
                self.written += 1

    def _must_end(self) -> bool:
        return self._ended.is_set() or self._job.should_stop()

    def _reply(self, pair: Pair, name: str) -> tuple[str, dict[str, Any]]:
        seed = seed_of(self._project.seed, pair.pair_id, name)
        most = self._project.source["max_tokens"]
        sampling = {"temperature": self._column(name)["temperature"], "top_p": 1.0, "seed": seed, "max_tokens": most}
        messages = [{"role": turn["role"], "content": str(turn.get("content") or "")} for turn in pair.prompt]
        parts, finish = [], None
        with closing(self._models.stream(self._sources[REPLIES.index(name)], messages, sampling)) as pieces:
            for piece in pieces:
                if self._must_end():
                    break
                parts.append(piece.text)
                finish = piece.finish_reason or finish
        return "".join(parts).strip(), {"seed": seed, "finish": finish, "max_tokens": most}

    def _column(self, name: str) -> dict[str, Any]:
        return self._project.source["columns"][REPLIES.index(name)]


def seed_of(project_seed: str, pair_id: int, name: str) -> int:
    """A seed of its own for each reply, the same whenever it is written again."""
    digest = hashlib.blake2b(f"{project_seed}:{pair_id}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (LARGEST_SEED + 1)


def _iterate_tasks(pairs: list[Pair]) -> Iterator[Task]:
    """Every missing reply: block by block, in each block first all `a`, then all `b`."""
    for start in range(0, len(pairs), BLOCK_PAIRS):
        for name in REPLIES:
            for pair in pairs[start : start + BLOCK_PAIRS]:
                if (pair.a if name == "a" else pair.b) is None:
                    yield pair, name
