"""Comparing models: one prompt to every column, all replies at once, kept as a conversation of the person."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.errors import RequestRefused, StillWriting
from studio.models.machine import read_machine
from studio.people import Person
from studio.services.compare_choices import Choices
from studio.services.compare_settings import Sampling, check_prompt, draw_seed, read_sampling
from studio.services.compare_writing import Asked, Source, write_replies
from studio.services.conversation import Column, Conversation, Follower, column_key
from studio.services.queue import DEED_CHARACTERS, Queue

COLUMNS = 3


class Compare:
    """The conversation of each person. Thread-safe; each column writes in a thread of its own.

    source: streams the reply of any column. root: where it is kept what this machine has.
    """

    def __init__(self, queue: Queue, choices: Choices, source: Source, root: Path) -> None:
        self._queue = queue
        self._choices = choices
        self._source = source
        self._root = root
        self._guard = threading.Lock()
        self._conversations: dict[tuple[Path, str], Conversation] = {}

    def close(self) -> None:
        """Break off what is being written, so that whoever follows it comes to an end. Safe to repeat."""
        with self._guard:
            for conversation in self._conversations.values():
                conversation.break_off()

    def forget(self, person: Person) -> None:
        """Drop the conversation of a workspace that is gone."""
        with self._guard:
            if (conversation := self._conversations.pop((person.workspace, person.id), None)) is not None:
                conversation.break_off()

    # Reads ------------------------------------------------------------------------------------------------------------

    def snapshot(self, person: Person) -> dict[str, Any]:
        """Everything a page shows: as `Follower.news` gives it at first, with `busy`, as `_find_busy`."""
        conversation = self._open(person)
        news = Follower(conversation, person.language).news() or {}
        news["setup"]["columns"] = self._columns(person, conversation)
        return news | {"busy": self._find_busy()}

    def look(self, person: Person, mark: str) -> dict[str, Any]:
        """Only {"busy"} where nothing has changed since a page was given the mark, else a snapshot."""
        same = mark == self._open(person).mark
        return {"busy": self._find_busy()} if same else self.snapshot(person)

    def offers(self, person: Person) -> dict[str, Any]:
        """{"choices", "examples"}: what a column can hold, and a few prompts to begin with."""
        return {"choices": self._choices.list(person), "examples": self._choices.examples(person)}

    def follow(self, person: Person, wake: Callable[[], None]) -> Follower:
        """What is new from now on; close it. wake: called, from any thread, whenever there is something."""
        return Follower(self._open(person), person.language, wake)

    # Deeds ------------------------------------------------------------------------------------------------------------

    def prepare(self, person: Person) -> None:
        """Have the model server ready by the time a prompt is typed."""
        columns = self._columns(person, self._open(person))
        threading.Thread(target=self._source.prepare, args=(person, columns), daemon=True).start()

    def send(self, person: Person, text: str, deed: str) -> None:
        """Ask every column. The same deed asks once. Raises OptionsInvalid, StillWriting."""
        conversation = self._open(person)
        with conversation.lock:
            if _is_known(conversation, deed):
                return
            prompt = check_prompt(text)
            _check_idle(conversation)
            columns = self._columns(person, conversation)
            conversation.set_up(columns, conversation.settings)
            number = conversation.ask(prompt, deed)
            self._write(
                [Asked(person, conversation, column, conversation.settings, deed) for column in columns], [number]
            )

    def retry(self, person: Person, model: str | None, new_seed: bool, deed: str) -> None:
        """Ask the last prompt again, of one column or of all; with a new seed the others' stays for the next prompts.

        model: a column's key, or None for all: then a new seed is the settings' from now on. Raises StillWriting.
        """
        conversation = self._open(person)
        with conversation.lock:
            columns = [column for column in conversation.columns or [] if model in (None, column_key(column))]
            if not conversation.turns or not columns:
                raise RequestRefused()
            if _is_known(conversation, deed):
                return
            _check_idle(conversation, model)
            settings = conversation.settings
            if new_seed:
                settings = Sampling(**settings.to_fields() | {"seed": draw_seed(settings.seed)})
            if model is None:
                conversation.set_up(conversation.columns or [], settings)
            asked = [Asked(person, conversation, column, settings, deed) for column in columns]
            self._write(asked, [conversation.turns[-1].number])

    def catch_up(self, person: Person, model: str, deed: str) -> None:
        """Ask a column all prompts that it has not replied to, one after the other. Raises StillWriting."""
        conversation = self._open(person)
        with conversation.lock:
            column = next((one for one in conversation.columns or [] if column_key(one) == model), None)
            missing = [turn.number for turn in conversation.turns if conversation.reply(turn.number, model) is None]
            if column is None:
                raise RequestRefused()
            if not missing or _is_known(conversation, deed):
                return
            _check_idle(conversation, model)
            self._write([Asked(person, conversation, column, conversation.settings, deed)], missing)

    def stop(self, person: Person) -> None:
        """End what is being written; what is there stays."""
        self._open(person).stop("person")

    def clear(self, person: Person) -> None:
        """Forget what was asked and replied; columns and settings stay."""
        self._open(person).clear()

    def set_columns(self, person: Person, wanted: list[Any]) -> None:
        """wanted: one to three different {kind, id}. Raises RequestRefused, ModelNotFound.

        A column that is shown already stays although its model is gone: its replies are still worth reading.
        """
        if not 1 <= len(wanted) <= COLUMNS or not all(isinstance(one, dict) for one in wanted):
            raise RequestRefused()
        conversation = self._open(person)
        shown = {column_key(column): column for column in self._columns(person, conversation)}
        keys = [f"{one.get('kind')}:{one.get('id')}" for one in wanted]
        if len(set(keys)) < len(keys):
            raise RequestRefused()
        fresh = [one for one, key in zip(wanted, keys, strict=True) if key not in shown]
        shown |= {column_key(column): column for column in self._choices.columns(person, fresh)}
        conversation.set_up([shown[key] for key in keys], conversation.settings)

    def open_run(self, person: Person, job_id: str) -> None:
        """Show the base of a run beside the adapter it made. Raises JobNotFound."""
        conversation = self._open(person)
        conversation.set_up(self._choices.of_run(person, job_id), conversation.settings)

    def set_settings(self, person: Person, given: dict[str, Any]) -> None:
        """Raises OptionsInvalid with all problems."""
        conversation = self._open(person)
        settings = read_sampling(given)
        conversation.set_up(self._columns(person, conversation), settings)

    # Inside -----------------------------------------------------------------------------------------------------------

    def _open(self, person: Person) -> Conversation:
        with self._guard:
            key = (person.workspace, person.id)
            if key not in self._conversations:
                self._conversations[key] = Conversation(person.workspace, person.id)
            return self._conversations[key]

    def _columns(self, person: Person, conversation: Conversation) -> list[Column]:
        """What was chosen; until then what suits what there is now."""
        return conversation.columns or self._choices.first(person)

    def _find_busy(self) -> str | None:
        """The device that a job uses: "cpu", where replies are slow meanwhile, "cuda", where none can be had, or None."""
        is_taken = any(job.spec.lane == "device" for job in self._queue.running())
        return read_machine(self._root).device if is_taken else None

    def _write(self, asked: list[Asked], numbers: list[int]) -> None:
        """Have columns reply to prompts, one prompt after the other, each column in a thread of its own.

        All are entered before the first is asked: the model server decodes together what comes at the same time.
        """
        begun = []
        try:
            for one in asked:
                begun.append((self._source, one, one.begin(numbers[0]), numbers[1:]))
        finally:  # where a later one cannot be entered, those before it are not left waiting
            for arguments in begun:
                threading.Thread(target=write_replies, args=arguments, name="compare", daemon=True).start()


def _check_idle(conversation: Conversation, model: str | None = None) -> None:
    """Raises StillWriting while the column, or any where none is named, has not finished."""
    if any(reply.is_live and model in (None, reply.model) for reply in conversation.replies.values()):
        raise StillWriting()


def _is_known(conversation: Conversation, deed: object) -> bool:
    """Raises RequestRefused for a deed that is none."""
    if not isinstance(deed, str) or not 0 < len(deed) <= DEED_CHARACTERS:
        raise RequestRefused()
    return conversation.has_deed(deed)
