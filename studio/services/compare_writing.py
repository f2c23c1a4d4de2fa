"""How one column's replies come to be: asked, streamed into the conversation, timed, and ended one way or another."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

from studio.errors import ReplyUnforeseen, StudioError
from studio.people import Person
from studio.services.compare_settings import Sampling
from studio.services.conversation import (
    DONE,
    FAILED,
    STOPPED,
    Column,
    Conversation,
    Reply,
    column_key,
    error_facts,
)
from studio.serving.client import Piece

UNWATCHED_S = 15.0
"""A reply that no page waits for any more is stopped; a reload takes less."""

LONGEST_REPLY_CHARACTERS = 400_000
"""An endpoint that knows no limit of tokens is left here."""

_TOLD = ("how", "precision", "tokens_per_s", "left_out", "max_tokens")


class Source(Protocol):
    """Where replies come from."""

    def stream(
        self, person: Person, column: Column, messages: list[dict[str, str]], settings: Sampling
    ) -> Iterator[Piece]:
        """Closing it frees what the reply took. Raises StudioError."""
        ...

    def prepare(self, person: Person, columns: list[Column]) -> None:
        """Make ready what can be; never raises StudioError."""
        ...


@dataclass(frozen=True)
class Asked:
    """A column of a conversation that is asked with some settings, by a deed."""

    person: Person
    conversation: Conversation
    column: Column
    settings: Sampling
    deed: str

    def begin(self, number: int) -> Reply:
        facts = {name: value for name, value in self.settings.to_fields().items() if name != "system"}
        return self.conversation.begin(number, column_key(self.column), self.deed, facts)


@dataclass
class _Clock:
    """Times a reply as the person sees it: from the request, the start of the model server included."""

    begun: float = field(default_factory=time.monotonic)
    first: float | None = None
    tokens: int = 0
    told: dict[str, Any] = field(default_factory=dict)

    def note(self, piece: Piece) -> dict[str, Any]:
        """The facts of the reply after this piece; first_token_s from the request, tokens_per_s of those after it."""
        now = time.monotonic()
        if self.first is None and piece.text:
            self.first = now
        self.tokens = piece.tokens if piece.tokens is not None else self.tokens + bool(piece.text)
        self.told |= _told(piece)
        if self.first is None:
            return {"tokens": self.tokens} | self.told
        after = now - self.first
        own = {
            "first_token_s": round(self.first - self.begun, 3),
            "tokens": self.tokens,
            "tokens_per_s": round((self.tokens - 1) / after, 1) if self.tokens > 1 and after > 0 else None,
        }
        return own | self.told


def _told(piece: Piece) -> dict[str, Any]:
    """What the endpoint says of the reply itself: why it ended, how it was decoded, how fast without the way here."""
    told = {name: piece.facts[name] for name in _TOLD if piece.facts.get(name) is not None}
    return told | ({"finish": piece.finish_reason} if piece.finish_reason else {})


def write_replies(source: Source, asked: Asked, reply: Reply, numbers: list[int]) -> None:
    """The replies to a prompt that was begun and to those that follow, until one does not end well."""
    while _write_reply(source, asked, reply) and numbers:
        reply = asked.begin(numbers.pop(0))


def _write_reply(source: Source, asked: Asked, reply: Reply) -> bool:
    """True where the model came to an end by itself."""
    conversation, settings = asked.conversation, asked.settings
    messages = conversation.messages(reply.number, reply.model, settings.system)
    clock = _Clock()
    try:
        with closing(source.stream(asked.person, asked.column, messages, settings)) as pieces:
            for piece in pieces:
                if not conversation.is_watched(UNWATCHED_S):
                    conversation.end(reply, STOPPED, {"stopped_by": "nobody"})
                if not conversation.add(reply, piece.text, clock.note(piece)):
                    return False
                if len(reply.text) > LONGEST_REPLY_CHARACTERS:
                    conversation.end(reply, STOPPED, {"stopped_by": "length"})
        conversation.end(reply, DONE, {})
        return True
    except StudioError as error:
        conversation.end(reply, FAILED, error_facts(error))
        return False
    finally:
        if (error := sys.exception()) is not None:
            conversation.end(reply, FAILED, error_facts(_unforeseen(error)))


def _unforeseen(error: BaseException) -> ReplyUnforeseen:
    """What a person is told of it. It goes its way and ends the thread: its traceback names the reference."""
    reference = secrets.token_hex(3)
    error.add_note(f"unforeseen error {reference}")
    return ReplyUnforeseen(type=type(error).__name__, reference=reference)
