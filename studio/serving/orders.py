"""What the decode thread is asked for, by any thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from studio.errors import StudioError
from studio.serving.replies import Model, Reply


@dataclass(eq=False)
class Order:
    """A reply that is wanted, or a base to have ready (`model`), or, with neither, the weights to be given up.

    is_declined: the base was not loaded, because another one is in use.
    """

    reply: Reply | None = None
    model: Model | None = None
    done: Event = field(default_factory=Event)
    error: StudioError | None = None
    is_declined: bool = False

    @property
    def is_settled(self) -> bool:
        return self.done.is_set() if self.reply is None else self.reply.is_done

    def settle(self, error: StudioError | None = None) -> None:
        self.error = error
        if self.reply is not None and error is not None:
            self.reply.finish("error", error)
        self.done.set()
