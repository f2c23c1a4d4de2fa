"""What a request for tokens is, and the reply that grows piece by piece while another thread reads it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from studio.errors import StudioError
from studio.models.catalogue import Base

How = Literal["stacked", "peft", "alone"]
FinishReason = Literal["stop", "length", "cancelled", "error"]


@dataclass(frozen=True)
class Model:
    """What a request runs on.

    precision: "float32", "bfloat16", "nf4" or "int8"; None takes what the probe found best for the base. An adapter
    shares its batch only with requests of the same precision, so name one only where it matters: for an adapter of a
    quantised base. adapter: a peft folder; adapter_id: what a person knows it as.
    """

    base: Base
    precision: str | None = None
    adapter: Path | None = None
    adapter_id: str | None = None

    @property
    def title(self) -> str:
        return self.adapter_id or self.base.id


@dataclass(frozen=True)
class Request:
    """max_tokens: the reply is cut there, or where the base's context ends. temperature 0 takes the likeliest token.

    top_p: 1 keeps all. top_k: 0 keeps all. seed: None draws one. stop: texts that end the reply and are left out of
    it. logprobs: how many likelier tokens to tell beside each chosen one, None for none. ignore_end: go on after the
    base's own end tokens.
    """

    model: Model
    prompt_ids: list[int]
    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    ignore_end: bool = False


@dataclass(frozen=True)
class Token:
    """A chosen token with its natural log probability before temperature; top: (id, text, log probability), best first."""

    id: int
    text: str
    logprob: float
    top: tuple[tuple[int, str, float], ...]


@dataclass(frozen=True)
class Piece:
    """Text that is complete in itself, and the tokens it came from. index: tokens of the reply before this piece."""

    text: str
    ids: tuple[int, ...]
    index: int
    logprobs: tuple[Token, ...] | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens; the one that ended the reply is not counted."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Timing:
    """Seconds from the request to its first forward pass and to its first token; tokens a second after that one."""

    queued_s: float | None
    first_token_s: float | None
    tokens_per_s: float | None


@dataclass
class _Clock:
    asked: float = field(default_factory=time.monotonic)
    began: float | None = None
    first: float | None = None
    last: float | None = None


class Reply:
    """A reply as it grows. Iterate over it from one thread, or `listen` and `take`; `cancel` from any."""

    def __init__(self, request: Request, seed: int) -> None:
        self.request = request
        self.seed = seed
        self.how: How | None = None
        self.precision: str | None = None
        self.finish_reason: FinishReason | None = None
        self.error: StudioError | None = None
        self.tokens = 0
        self._pieces: list[Piece] = []
        self._changed = threading.Condition()
        self._wake: Callable[[], None] | None = None
        self._clock = _Clock()
        self._cancelled = False

    def __iter__(self) -> Iterator[Piece]:
        """Every piece, waiting for the next. Raises the StudioError that ended the reply."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces or self.finish_reason)
                pieces, self._pieces = self._pieces, []
            yield from pieces
            if self.is_done and not self._pieces:
                break
        if self.error is not None:
            raise self.error

    def take(self) -> list[Piece]:
        """The pieces that came since the last call, without waiting."""
        with self._changed:
            pieces, self._pieces = self._pieces, []
        return pieces

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` from the decode thread whenever there is something to take; once now if there already is."""
        with self._changed:
            self._wake = wake
            is_late = bool(self._pieces or self.finish_reason)
        if is_late:
            wake()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the reply has ended; whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self.finish_reason is not None, timeout_s)

    def cancel(self) -> None:
        """Nobody wants the rest: its row is free at the next step."""
        self._cancelled = True

    @property
    def is_done(self) -> bool:
        return self.finish_reason is not None

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled

    @property
    def usage(self) -> Usage:
        return Usage(len(self.request.prompt_ids), self.tokens)

    @property
    def timing(self) -> Timing:
        clock = self._clock
        since = lambda moment: None if moment is None else moment - clock.asked  # noqa: E731
        speed = None
        if clock.first is not None and clock.last is not None and clock.last > clock.first:
            speed = (self.tokens - 1) / (clock.last - clock.first)
        return Timing(since(clock.began), since(clock.first), speed)

    # What follows is for the decode thread.

    def begin(self, how: How, precision: str) -> None:
        self.how, self.precision = how, precision
        self._clock.began = time.monotonic()

    def count_token(self) -> None:
        self.tokens += 1
        self._clock.last = time.monotonic()
        self._clock.first = self._clock.first or self._clock.last

    def add(self, piece: Piece) -> None:
        self._tell(lambda: self._pieces.append(piece))

    def finish(self, reason: FinishReason, error: StudioError | None = None) -> None:
        def end() -> None:
            self.error, self.finish_reason = error, reason

        if not self.is_done:
            self._tell(end)

    def _tell(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()
            wake = self._wake
        if wake is not None:
            wake()
