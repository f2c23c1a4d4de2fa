"""More rows out of a few: what can make them, the job that does, and a person's word on each row that was made."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson

from studio.data.checks import CHECKS
from studio.data.making.asking import MAKEABLE, build_record, read_seed
from studio.data.making.templates import Template, find_slots, iterate_variations, read_template
from studio.data.records import check_record
from studio.data.splits import TRAIN, split_of
from studio.errors import OptionsInvalid, RecordInvalid, RequestRefused, SeedsMissing
from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.services.bases import Bases
from studio.services.compare_choices import Choices
from studio.services.compare_settings import read_sampling
from studio.services.compare_source import source_of
from studio.services.dataset_words import problem_words
from studio.services.datasets import Datasets
from studio.services.endpoints import Endpoints
from studio.services.model_server import ModelServer
from studio.services.queue import Queue
from studio.store.changes import Changes
from studio.store.connection import transaction
from studio.store.proposals import ACCEPTED, OPEN, REJECTED, STATES, Proposal, Proposals
from studio.store.row_changes import RowChange, write_changes
from studio.store.table import Table
from studio.words import say

KIND = "make_rows"
ACTION = "accept_made"
MOST_ROWS = 1000
MOST_SEEDS = 50
DRAWN_SEEDS = 12
MOST_TOLD = 2**53
"""The largest number that a page can hold exactly."""

PAGE_ROWS = 20
SMALL_PARAMETERS, TINY_PARAMETERS = 1_000_000_000, 100_000_000
"""Below the first a model's texts mostly have to be thrown away; below the second they are good for practice only."""

_SEEDS_LOOKED_AT = 2000
_EXAMPLES = 3


class Making:
    """The rows that are made for the datasets of every workspace. Thread-safe: everything is read from the disk."""

    def __init__(
        self,
        queue: Queue,
        datasets: Datasets,
        bases: Bases,
        choices: Choices,
        sources: tuple[ModelServer, Endpoints],
    ) -> None:
        self._queue = queue
        self._datasets = datasets
        self._bases = bases
        self._choices = choices
        self._sources = sources

    def choices(self, person: Person, dataset_id: str) -> dict[str, Any]:
        """{makeable, models: [{kind, id, group, name, precision, parameters, size}], seeds: how many rows can be learned from}.

        size: "tiny", "small" or "enough" by the base's parameters, None where nobody says them.
        """
        info = self._datasets.info(person, dataset_id)
        parameters = {base["id"]: base.get("parameters") for base in self._bases.list(person)}
        models = []
        for choice in self._choices.list(person):
            count = parameters.get(choice["base"]) if choice["base"] else None
            told = {name: choice[name] for name in ("kind", "id", "group", "name", "precision")}
            models.append(told | {"parameters": count, "size": size_of(count)})
        with self._opened(person, dataset_id) as connection:
            seeds = len(_find_seeds(connection))
        return {"makeable": info["kind"] in MAKEABLE, "models": models, "seeds": seeds}

    def look_at_template(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """{slots, combinations, examples: the first records}, with whatever is missing yet told as combinations 0."""
        texts = [asked.get(name) or "" for name in ("system", "prompt", "reply")]
        if not all(isinstance(text, str) for text in texts):
            raise RequestRefused()
        told: dict[str, Any] = {"slots": find_slots(*texts), "combinations": 0, "examples": []}
        try:
            template: Template = read_template(asked)
        except OptionsInvalid:
            return told
        shown = iterate_variations(template, _EXAMPLES, 0)
        examples = [{"system": one.system, "question": one.prompt, "reply": one.reply} for one in shown]
        return told | {"combinations": min(template.combinations, MOST_TOLD), "examples": examples}

    def start(self, person: Person, dataset_id: str, deed: str, asked: Mapping[str, Any]) -> str:
        """Queue the making; the job's id.

        asked: how ("model" or "template"), count; for a model: column {kind, id}, temperature, max_tokens, row_ids (the
        rows to learn from, None: some are drawn); for a template: template {system, prompt, reply, slots}. Raises
        NotYours, RequestRefused, OptionsInvalid with all problems, SeedsMissing where no row can be learned from,
        ModelNotFound, ServerFailed, EndpointKeyMissing.
        """
        info = self._datasets.info(person, dataset_id)
        if info["kind"] not in MAKEABLE:
            raise RequestRefused()
        options: dict[str, Any] = {"dataset_id": dataset_id, "kind": info["kind"], "seed": secrets.randbelow(2**31)}
        options["count"] = _read_count(asked.get("count"))
        if asked.get("how") == "template":
            template = read_template(asked.get("template") or {})
            options |= {"template": _told(template), "seeds": []}
        elif asked.get("how") == "model":
            options |= self._read_model(person, dataset_id, asked)
        else:
            raise RequestRefused()
        return self._queue.submit(person, KIND, info["name"], options, deed)

    def queue(self, person: Person, dataset_id: str, state: str, page: int) -> dict[str, Any]:
        """{rows, counts, page, pages, newest, job, trouble}: proposals of one state, and how the newest making goes.

        rows: [{id, question, reply, system, problems [in words], similarity, origin, state, row_id}].
        """
        if state not in STATES:
            raise RequestRefused()
        with self._opened(person, dataset_id) as connection:
            proposals = Proposals(connection)
            counts, newest = proposals.counts(), proposals.newest()
            pages = max(-(-counts[state] // PAGE_ROWS), 1)
            page = min(max(page, 1), pages)
            shown = [_shown(person, one) for one in proposals.page(state, (page - 1) * PAGE_ROWS, PAGE_ROWS)]
        return {"rows": shown, "counts": counts, "page": page, "pages": pages, "newest": newest} | self._job(
            person, dataset_id
        )

    def stop(self, person: Person, dataset_id: str) -> None:
        self._datasets.info(person, dataset_id)
        for job in self._jobs(person, dataset_id):
            if not job.state().is_ended:
                job.ask_stop()

    def accept(
        self, person: Person, dataset_id: str, deed: str, ids: Sequence[int] | int, edited: Mapping[str, Any] | None
    ) -> int:
        """Make rows of proposals, as one change that undo takes back; how many.

        ids: or the newest id that was seen, for all that are open up to it. edited: {question, reply} in place of the one proposal's own. Raises RecordInvalid,
        RequestRefused.
        """
        with self._opened(person, dataset_id) as connection, transaction(connection):
            if Changes(connection, person.id).find(deed):
                return 0
            proposals = Proposals(connection)
            chosen = _chosen(proposals, ids)
            chosen = [one for one in chosen if one.state != ACCEPTED]
            if edited is not None and len(chosen) != 1:
                raise RequestRefused()
            changes = [_change(one, edited) for one in chosen]
            added = write_changes(Changes(connection, person.id), deed, ACTION, {}, changes).added
            for row_id, one in zip(added, chosen, strict=True):
                proposals.decide(one.proposal_id, ACCEPTED, person.id, row_id)
        return len(added)

    def reject(self, person: Person, dataset_id: str, ids: Sequence[int] | int) -> int:
        """Put proposals aside; they are kept, and can still be accepted. ids: as for `accept`."""
        return self._move(person, dataset_id, ids, REJECTED)

    def reopen(self, person: Person, dataset_id: str, ids: Sequence[int]) -> int:
        """Have rejected or left out proposals decided upon anew."""
        return self._move(person, dataset_id, ids, OPEN)

    # Inside -----------------------------------------------------------------------------------------------------------

    def _move(self, person: Person, dataset_id: str, ids: Sequence[int] | int, state: str) -> int:
        with self._opened(person, dataset_id) as connection, transaction(connection):
            proposals = Proposals(connection)
            found = _chosen(proposals, ids)
            moved = [one for one in found if one.state not in (ACCEPTED, state)]
            for one in moved:
                proposals.decide(one.proposal_id, state, person.id)
        return len(moved)

    def _read_model(self, person: Person, dataset_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: asked[name] for name in ("temperature", "max_tokens") if asked.get(name) is not None}
        settings = read_sampling({"temperature": 0.8} | given)
        column = asked.get("column")
        if not isinstance(column, dict):
            raise RequestRefused()
        (found,) = self._choices.columns(person, [column])
        wanted = asked.get("row_ids")
        with self._opened(person, dataset_id) as connection:
            seeds = _find_seeds(connection, wanted if isinstance(wanted, list) else None)
        if not seeds:
            raise SeedsMissing()
        drawn = seeds[:MOST_SEEDS] if wanted else secrets.SystemRandom().sample(seeds, min(DRAWN_SEEDS, len(seeds)))
        return {
            "seeds": drawn,
            "source": source_of(person, found, *self._sources),
            "model": found["name"],
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
        }

    def _job(self, person: Person, dataset_id: str) -> dict[str, Any]:
        """The newest making: job {id, status, done, total, tried, passed} or None, and its trouble in words."""
        folder = next(iter(self._jobs(person, dataset_id)), None)
        if folder is None:
            return {"job": None, "trouble": None}
        state = folder.state()
        server, _ = self._sources
        if not state.is_ended and server.status()["state"] == "ended":
            server.revive()
        with self._opened(person, dataset_id) as connection:
            counts = Proposals(connection).counts(folder.id)
        tried = sum(counts.values())
        told = {
            "id": folder.id,
            "status": state.status,
            "total": folder.spec.options["count"],
            "how": "template" if folder.spec.options.get("template") else "model",
            "tried": tried,
            "passed": tried - counts["sifted"],
        }
        trouble = problem_words(person.language, state.ended) if state.ended and state.status == "failed" else None
        return {"job": told, "trouble": trouble}

    def _jobs(self, person: Person, dataset_id: str) -> list[JobFolder]:
        jobs = self._queue.jobs(person, [KIND])
        return [job for job in jobs if job.spec.options["dataset_id"] == dataset_id]

    @contextmanager
    def _opened(self, person: Person, dataset_id: str) -> Iterator[sqlite3.Connection]:
        with self._datasets.rows(person, dataset_id) as rows:
            yield rows.connection


def _chosen(proposals: Proposals, ids: Sequence[int] | int) -> list[Proposal]:
    return proposals.find(proposals.open_ids(ids) if isinstance(ids, int) else ids)


def size_of(parameters: int | None) -> str | None:
    if parameters is None:
        return None
    return "tiny" if parameters < TINY_PARAMETERS else "small" if parameters < SMALL_PARAMETERS else "enough"


def _read_count(count: object) -> int:
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_ROWS:
        raise OptionsInvalid([{"field": "count", "code": "out_of_range", "minimum": 1, "maximum": MOST_ROWS}])
    return count


def _find_seeds(connection: sqlite3.Connection, wanted: list[Any] | None = None) -> list[int]:
    """Ids of rows of the training split that hold a question and a reply: of those that are wanted, or of the first."""
    table = Table(connection)
    if wanted is not None:
        if len(wanted) > MOST_SEEDS or not all(isinstance(one, int) for one in wanted):
            raise RequestRefused()
        border = table.fact("held_out_threshold")
        there = [row for row in table.rows_by_id(wanted) if not row.deleted]
        rows = [row for row in there if split_of(row.split_key, border) == TRAIN]
    else:
        rows = table.page(0, _SEEDS_LOOKED_AT, TRAIN)
    return [row.row_id for row in rows if row.kind in MAKEABLE and read_seed(row.row_id, orjson.loads(row.record))]


def _told(template: Template) -> dict[str, Any]:
    return vars(template) | {"slots": {name: list(values) for name, values in template.slots.items()}}


def _texts(record: Mapping[str, Any]) -> dict[str, str]:
    seed = read_seed(0, record)
    return {"system": seed.system, "question": seed.question, "reply": seed.reply} if seed else {}


def _shown(person: Person, one: Proposal) -> dict[str, Any]:
    texts = {"system": "", "question": "", "reply": ""} | _texts(one.record)
    return texts | {
        "id": one.proposal_id,
        "problems": [_problem_words(person.language, problem) for problem in one.problems],
        "similarity": one.similarity,
        "origin": one.origin,
        "state": one.state,
        "row_id": one.row_id,
    }


def _problem_words(language: str, problem: Mapping[str, Any]) -> str:
    if problem["code"] == "check":
        title = CHECKS[problem["check"]].title
        return title.ja if language == "ja" else title.en
    return say(language, f"making.sifted.{problem['code']}", **{k: v for k, v in problem.items() if k != "code"})


def _change(one: Proposal, edited: Mapping[str, Any] | None) -> RowChange:
    record = one.record
    if edited is not None:
        texts = _texts(record) | {name: str(edited.get(name) or "").strip() for name in ("question", "reply")}
        kind = "prompt_completion" if "completion" in record else "conversation"
        record = build_record(kind, texts.get("system", ""), texts["question"], texts["reply"])
    if problems := check_record(record):
        raise RecordInvalid(problems)
    origin = one.origin | {"job": one.job_id, "similarity": one.similarity, "edited": edited is not None}
    return RowChange(None, record=record, meta={"made": origin})
