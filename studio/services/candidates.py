"""Candidate replies: who is to write them, and the job that does."""

from __future__ import annotations

from typing import Any

from studio.errors import OptionsInvalid, RequestRefused
from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.preferences.pairs import REPLIES
from studio.services.compare_choices import Choices
from studio.services.compare_settings import read_sampling
from studio.services.compare_source import source_of
from studio.services.dataset_words import problem_words
from studio.services.endpoints import Endpoints
from studio.services.model_server import ModelServer
from studio.services.project_info import opened_project
from studio.services.queue import Queue

KIND = "write_replies"


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
    """The jobs that write the replies of projects: one at a time for each.

    Every reply is stored as it comes: what a stop, an error or the end of the app leaves open is written at the next
    start.
    """

    def __init__(self, queue: Queue, server: ModelServer, endpoints: Endpoints) -> None:
        self._queue = queue
        self._server = server
        self._endpoints = endpoints

    def start(self, person: Person, project_id: str) -> str | None:
        """Write what is missing; the job's id, or None where nothing is. While one goes on, another start is that one.

        Raises NotYours, RequestRefused for a project of imported pairs, ServerFailed, EndpointKeyMissing.
        """
        with opened_project(person, project_id) as (preferences, project):
            is_complete = not preferences.unfinished_pairs(project_id)
        if is_complete:
            return None
        if "columns" not in project.source:
            raise RequestRefused()
        jobs = self._jobs(person, project_id)
        if jobs and not jobs[0].state().is_ended:
            return jobs[0].id
        sources = [source_of(person, column, self._server, self._endpoints) for column in project.source["columns"]]
        options = {"project_id": project_id, "sources": sources}
        return self._queue.submit(person, KIND, project.name, options, f"{KIND}:{project_id}:{len(jobs)}")

    def stop(self, person: Person, project_id: str) -> None:
        """End the writing; replies that are not complete are dropped. Raises NotYours."""
        with opened_project(person, project_id):
            pass
        for job in self._jobs(person, project_id):
            if not job.state().is_ended:
                job.ask_stop()

    def state(self, person: Person, project_id: str) -> dict[str, Any]:
        """{writing, trouble}: trouble is {message, hint} of what ended the writing, in the person's language."""
        job = next(iter(self._jobs(person, project_id)), None)
        if job is None:
            return {"writing": False, "trouble": None}
        state = job.state()
        if not state.is_ended and self._server.status()["state"] == "ended":
            self._server.revive()
        trouble = problem_words(person.language, state.ended) if state.ended and state.status == "failed" else None
        return {"writing": not state.is_ended, "trouble": trouble}

    def _jobs(self, person: Person, project_id: str) -> list[JobFolder]:
        """Newest first."""
        jobs = self._queue.jobs(person, [KIND])
        return [job for job in jobs if job.spec.options["project_id"] == project_id]


def _key(column: dict[str, Any]) -> tuple[Any, ...]:
    return column["kind"], column["id"], column["temperature"]
