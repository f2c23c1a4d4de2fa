"""The training methods, in the order they are offered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Protocol

from studio.events import Event
from studio.options import Options
from studio.registry import Registry
from studio.words import Text

if TYPE_CHECKING:
    from studio.training.run import Outcome, Run


Learns = Literal["conversations", "pairs"]


class Method(Protocol):
    """A way of training.

    kinds: of records it learns from. learns: what a row is to it, a conversation or a pair of replies to one prompt.
    example: {"options": …, "records": […]}, a worked example that is also its test.
    """

    name: str
    title: Text
    summary: Text
    options: type[Options]
    kinds: tuple[str, ...]
    learns: Learns
    example: dict[str, Any]

    def check(self, options: Any) -> list[dict[str, Any]]:
        """Problems that no field has alone: {"field", "code", …}, words under `problem.<code>`."""
        ...

    def train(self, run: Run, outcome: Outcome) -> Iterator[Event]:
        """Train `run.model` on `run.rows`; what was reached is left in `outcome`. Heavy packages are imported in here."""
        ...


METHODS: Registry[Method] = Registry("method", "studio.training.methods", ("sft", "dpo"))
