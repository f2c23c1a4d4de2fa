"""Candidate replies: two columns answer the prompts of a project, in the background, while votes already come in."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from studio.errors import OptionsInvalid, RequestRefused, StudioError
from studio.people import Person
from studio.preferences.pairs import REPLIES, as_reply
from studio.services.compare_choices import Choices
from studio.services.compare_settings import LARGEST_SEED, Sampling, read_sampling
from studio.services.compare_writing import Source
from studio.services.project_info import opened_project
from studio.store.preferences import Pair, Project, open_preferences

AT_ONCE = 8
"""Replies written together: the model server decodes them as one batch."""

BLOCK_PAIRS = 8
"""So many pairs get their first replies, then their second: two base models are not loaded in turn for each pair."""

Task = tuple[Pair, str]


def read_columns(choices: Choices, person: Person, asked: dict[str, Any]) -> dict[str, Any]:
    """{columns: two of {kind, id, name, …, temperature}, max_tokens} of a form.

    Raises ModelNotFound for a model that is not this person's, OptionsInvalid with all problems, RequestRefused.
    """
    wanted = asked.get("columns")
    if not isinstance(wanted, list) or len(wanted) != len(REPLIES) or not all(isinstance(one, dict) for one in wanted):
        raise RequestRefused()
    limits = {} if asked.get("max_tokens") is None else {"max_tokens": asked["max_tokens"]}
    settings = [read_sampling({"temperature": one.get("temperature")} | limits) for one in wanted]
    found = choices.columns(person, wanted)
    columns = [column | {"temperature": one.temperature} for column, one in zip(found, settings, strict=True)]
    if _key(columns[0]) == _key(columns[1]) and settings[0].temperature == 0:
        raise OptionsInvalid([{"field": "columns", "code": "columns_alike"}])
    return {"columns": columns, "max_tokens": settings[0].max_tokens}


class Candidates:
    """The projects whose replies are being written. Thread-safe; each writes in threads of its own.

    Every reply is stored as it comes: what an ended app, a stop or an error leaves open is written at the next start.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._guard = threading.Lock()
        self._writers: dict[tuple[Path, str], _Writer] = {}

    def start(self, person: Person, project_id: str) -> None:
        """Write what is missing. While that goes on, another start changes nothing. Raises NotYours, RequestRefused."""
        with opened_project(person, project_id) as (preferences, project):
            pairs = preferences.unfinished_pairs(project_id)
        if not pairs:
            return
        if "columns" not in project.source:
            raise RequestRefused()
        with self._guard:
            known = self._writers.get((person.workspace, project_id))
            if known is None or not known.is_alive():
                self._writers[person.workspace, project_id] = _Writer(self._source, person, project, pairs)

    def stop(self, person: Person, project_id: str) -> None:
        """End the writing; replies that are not complete are dropped. Raises NotYours."""
        with opened_project(person, project_id):
            writer = self._writers.get((person.workspace, project_id))
        if writer is not None:
            writer.stop()

    def state(self, person: Person, project_id: str) -> dict[str, Any]:
        """{writing, trouble}: trouble is {message, hint} of what ended the writing, in the person's language."""
        writer = self._writers.get((person.workspace, project_id))
        if writer is None:
            return {"writing": False, "trouble": None}
        error = writer.error
        told = error and {"message": error.message(person.language), "hint": error.hint(person.language)}
        return {"writing": writer.is_alive(), "trouble": told}

    def is_writing(self, person: Person) -> bool:
        """Whether replies for any project of the person are being written."""
        return any(writer.is_alive() for (place, _), writer in list(self._writers.items()) if place == person.workspace)

    def forget(self, person: Person) -> None:
        """Drop what is known of a workspace that is gone."""
        with self._guard:
            self._writers = {key: writer for key, writer in self._writers.items() if key[0] != person.workspace}

    def close(self) -> None:
        """Ask every writer to end. Safe to repeat."""
        for writer in list(self._writers.values()):
            writer.stop()


class _Writer:
    """One project's writing, from its start to its end."""

    def __init__(self, source: Source, person: Person, project: Project, pairs: list[Pair]) -> None:
        self.error: StudioError | None = None
        self._source = source
        self._person = person
        self._project = project
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(pairs,), name="candidates", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._ended.set()

    def _run(self, pairs: list[Pair]) -> None:
        with ThreadPoolExecutor(AT_ONCE, "candidate") as pool:
            for _ in pool.map(self._write, _tasks(pairs)):
                pass

    def _write(self, task: Task) -> None:
        """Write one reply, unless the writing has ended. The first error ends it: the next reply would meet it too."""
        if self._ended.is_set():
            return
        pair, name = task
        try:
            text, facts = self._reply(pair, name)
            if self._ended.is_set():
                return
            with open_preferences(self._person.workspace) as preferences:
                preferences.write_reply(pair.pair_id, name, as_reply(text), self._column(name) | facts)
        except StudioError as error:
            self.error = self.error or error
            self._ended.set()

    def _reply(self, pair: Pair, name: str) -> tuple[str, dict[str, Any]]:
        column = self._column(name)
        seed = seed_of(self._project.seed, pair.pair_id, name)
        settings = Sampling(temperature=column["temperature"], seed=seed, max_tokens=self._project.source["max_tokens"])
        messages = [{"role": turn["role"], "content": str(turn.get("content") or "")} for turn in pair.prompt]
        parts, finish = [], None
        with closing(self._source.stream(self._person, column, messages, settings)) as pieces:
            for piece in pieces:
                if self._ended.is_set():
                    break
                parts.append(piece.text)
                finish = piece.finish_reason or finish
        return "".join(parts).strip(), {"seed": seed, "finish": finish, "max_tokens": settings.max_tokens}

    def _column(self, name: str) -> dict[str, Any]:
        return self._project.source["columns"][REPLIES.index(name)]


def seed_of(project_seed: str, pair_id: int, name: str) -> int:
    """A seed of its own for each reply, the same whenever it is written again."""
    digest = hashlib.blake2b(f"{project_seed}:{pair_id}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (LARGEST_SEED + 1)


def _tasks(pairs: list[Pair]) -> Iterator[Task]:
    """Every missing reply: block by block, in each block first all `a`, then all `b`."""
    for start in range(0, len(pairs), BLOCK_PAIRS):
        for name in REPLIES:
            for pair in pairs[start : start + BLOCK_PAIRS]:
                if (pair.a if name == "a" else pair.b) is None:
                    yield pair, name


def _key(column: dict[str, Any]) -> tuple[Any, ...]:
    return column["kind"], column["id"], column["temperature"]
