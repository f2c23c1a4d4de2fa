"""Preference projects as the pages use them: made, listed, renamed, compiled, written out, deleted."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from studio.data.versions import version_path
from studio.errors import DatasetEmpty, NameTaken, NotYours, OptionsInvalid, RequestRefused
from studio.people import Person
from studio.preferences.compile import kto_rows
from studio.services.bases import Bases
from studio.services.candidates import read_columns
from studio.services.compare_choices import Choices
from studio.services.dataset_imports import LONGEST_NAME, check_name
from studio.services.pair_sources import (
    LONGEST_PASTED,
    MOST_PAIRS,
    Found,
    read_lines,
    read_pairs,
    read_prompts,
    read_sample,
)
from studio.services.project_info import opened_project, tell_project
from studio.services.queue import Queue
from studio.services.version_uses import find_uses, tell_depends
from studio.services.vote_log import tell_event
from studio.store.catalogue import open_catalogue
from studio.store.dataset_file import SUFFIX, is_dataset_id
from studio.store.preferences import Project, open_preferences
from studio.words import LANGUAGES, say

GUIDELINE_FIELDS = ("prefer", "good", "avoid")
LONGEST_GUIDELINE = 4000
DEFAULT_MAX_LENGTH = 1024
_PAGE_EVENTS = 500


class Preferences:
    """The projects of every workspace. Thread-safe: each call opens what it needs and closes it."""

    def __init__(self, queue: Queue, bases: Bases, choices: Choices) -> None:
        self._queue = queue
        self._bases = bases
        self._choices = choices

    # Projects ---------------------------------------------------------------------------------------------------------

    def list(self, person: Person) -> list[dict[str, Any]]:
        """Newest first; each as `project_info.tell_project` gives it."""
        with open_catalogue(person.workspace) as catalogue:
            versions = catalogue.versions()
        with open_preferences(person.workspace) as preferences:
            return [
                tell_project(
                    preferences, project, [v for v in versions if v.dataset_id == project.project_id], person.id
                )
                for project in preferences.projects()
            ]

    def sources(self, person: Person) -> dict[str, Any]:
        """datasets: what a project can be made of, newest first, as id, name, kind. models: who can write replies, and
        first: the two that are proposed."""
        with open_catalogue(person.workspace) as catalogue:
            datasets = [{"id": one.dataset_id, "name": one.name, "kind": one.kind} for one in catalogue.datasets()]
        first = self._choices.first(person)
        return {"datasets": datasets, "models": self._choices.list(person), "first": [first[0], first[-1]]}

    def create(self, person: Person, deed: str, asked: dict[str, Any]) -> str:
        """A new project; its id. The same deed makes one project.

        asked: kind (sample, pairs, prompts, pasted), name (None: a free one), dataset (an id), most (pairs or prompts
        to take), text (pasted prompts, one a line), columns and max_tokens (who is to write the replies). Raises
        NotYours, NameUnsafe, NameTaken, DatasetEmpty, OptionsInvalid, RequestRefused.
        """
        if not isinstance(deed, str) or not deed:
            raise RequestRefused()
        project_id = f"p-{hashlib.blake2b(deed.encode(), digest_size=8).hexdigest()}"
        with open_preferences(person.workspace) as preferences:
            if preferences.find_project(project_id):
                return project_id
            found, source, title = self._read_source(person, asked)
            name = _free_name(preferences.names(), asked.get("name"), title)
            if not found.pairs:
                raise DatasetEmpty(name=title)
            guideline = dict.fromkeys(GUIDELINE_FIELDS, "")
            if source["kind"] == "sample":
                guideline = {field: say(person.language, f"preferences.sample.{field}") for field in GUIDELINE_FIELDS}
            preferences.insert_project(
                Project(
                    project_id, name, guideline, source | {"left_out": found.left_out}, secrets.token_hex(8), _now()
                ),
                found.pairs,
            )
        return project_id

    def rename(self, person: Person, project_id: str, name: str) -> None:
        """Raises NotYours, NameUnsafe, NameTaken."""
        with opened_project(person, project_id) as (preferences, _):
            preferences.rename(project_id, check_name(name))

    def set_guideline(self, person: Person, project_id: str, guideline: dict[str, Any]) -> dict[str, str]:
        """guideline: {prefer, good, avoid}, texts. Raises RequestRefused for anything else."""
        texts = {field: guideline.get(field, "") for field in GUIDELINE_FIELDS}
        if not all(isinstance(text, str) and len(text) <= LONGEST_GUIDELINE for text in texts.values()):
            raise RequestRefused()
        with opened_project(person, project_id) as (preferences, _):
            preferences.set_guideline(project_id, texts)
        return texts

    def depends(self, person: Person, project_id: str) -> list[dict[str, Any]]:
        """What was made from a project, as `tell_depends` has it. Raises NotYours."""
        with opened_project(person, project_id), open_catalogue(person.workspace) as catalogue:
            versions = catalogue.versions(project_id)
        return tell_depends([(one.number, one.fingerprint) for one in versions], find_uses(person, self._queue))

    def delete(self, person: Person, project_id: str) -> None:
        """Remove a project, its pairs, its votes and its versions, except versions that something was made from."""
        with opened_project(person, project_id) as (preferences, _):
            needless = preferences.delete_project(project_id, set(find_uses(person, self._queue)))
        for fingerprint in needless:
            version_path(person.workspace, fingerprint).unlink(missing_ok=True)

    # What becomes of votes --------------------------------------------------------------------------------------------

    def compile_choices(self, person: Person) -> dict[str, Any]:
        """bases: {id, title, context, tuned}, for whose tokens rows are cut; max_length_tokens: what is proposed.

        tuned: the newest adapter of the base that learned from examples, which the pairs best go on from; or None.
        """
        tuned = self._choices.newest_tuned(person)
        bases = [{name: base[name] for name in ("id", "title", "context")} for base in self._bases.list(person)]
        offered = [base | {"tuned": tuned.get(base["id"])} for base in bases]
        return {"bases": offered, "max_length_tokens": DEFAULT_MAX_LENGTH}

    def compile(self, person: Person, deed: str, project_id: str, base_id: str, max_length_tokens: int) -> str:
        """Queue the job that makes DPO rows of the votes as they then stand; the job's id.

        Raises NotYours, ModelNotFound, OptionsInvalid.
        """
        with opened_project(person, project_id) as (_, project):
            pass
        base = self._bases.find(base_id)
        found = {"field": "max_length_tokens", "found": max_length_tokens}
        if max_length_tokens > base.context:
            raise OptionsInvalid([found | {"code": "max_length_beyond_context", "limit": base.context}])
        if max_length_tokens < 1:
            title = {language: say(language, "preferences.compile_length") for language in LANGUAGES}
            raise OptionsInvalid([found | {"code": "too_small", "title": title, "limit": 1}])
        options = {
            "project_id": project_id,
            "base": base.id,
            "base_folder": str(base.folder),
            "max_length_tokens": max_length_tokens,
        }
        return self._queue.submit(person, "compile_pairs", project.name, options, deed)

    def votes_file(self, person: Person, project_id: str) -> tuple[str, Iterator[bytes]]:
        """The project's name and every vote as a line of JSON, undone ones and undos included. Raises NotYours."""
        with opened_project(person, project_id) as (_, project):
            return project.name, self._vote_lines(person, project_id)

    def kto_file(self, person: Person, project_id: str) -> tuple[str, Iterator[bytes]]:
        """The project's name and a line of JSON for each KTO row: prompt, completion, label. Raises NotYours."""
        with opened_project(person, project_id) as (preferences, project):
            rows = [row for one in preferences.votes.judged(project_id) for row in kto_rows(one.judged)]
            return project.name, (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)

    def _vote_lines(self, person: Person, project_id: str) -> Iterator[bytes]:
        after = 0
        while True:
            # Each page opens the database anew: a slow download must not keep a connection, nor the log from growing.
            with open_preferences(person.workspace) as preferences:
                events = preferences.votes.log(project_id, after, _PAGE_EVENTS)
            if not events:
                return
            after = events[-1]["vote"]
            yield b"".join(orjson.dumps(tell_event(event), option=orjson.OPT_APPEND_NEWLINE) for event in events)

    # Inside -----------------------------------------------------------------------------------------------------------

    def _read_source(self, person: Person, asked: dict[str, Any]) -> tuple[Found, dict[str, Any], str]:
        """The pairs, where they are from, and a name to propose."""
        kind = asked.get("kind")
        if kind == "sample":
            return read_sample(), {"kind": kind}, say(person.language, "preferences.sample.name")
        if kind not in ("pairs", "prompts", "pasted"):
            raise RequestRefused()
        source = {"kind": kind} | ({} if kind == "pairs" else read_columns(self._choices, person, asked))
        if kind == "pasted":
            text = asked.get("text")
            if not isinstance(text, str) or len(text) > LONGEST_PASTED:
                raise RequestRefused()
            return read_lines(text), source, say(person.language, "preferences.pasted_name")
        entry = self._dataset(person, asked.get("dataset"))
        most = min(max(int(asked.get("most") or MOST_PAIRS), 1), MOST_PAIRS)
        path = person.workspace / "datasets" / f"{entry.dataset_id}{SUFFIX}"
        found = read_pairs(path, most) if kind == "pairs" else read_prompts(path, most)
        return found, source | {"dataset": entry.name}, entry.name

    def _dataset(self, person: Person, dataset_id: object):
        if not is_dataset_id(dataset_id):
            raise NotYours(what="dataset")
        with open_catalogue(person.workspace) as catalogue:
            return catalogue.dataset(str(dataset_id))


def _free_name(taken: set[str], wanted: str | None, proposed: str) -> str:
    """A given name must be free; a proposed one gets a number where it is taken."""
    if wanted:
        if wanted in taken:
            raise NameTaken(name=wanted)
        return check_name(wanted)
    name, number = proposed[:LONGEST_NAME], 2
    while name in taken:
        suffix = f" ({number})"
        name, number = f"{proposed[: LONGEST_NAME - len(suffix)]}{suffix}", number + 1
    return check_name(name)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
