"""The verifiers, in the order they are offered: rules that say of one reply whether it is as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from studio.registry import Registry
from studio.words import Text


@dataclass(frozen=True)
class Reply:
    """A sampled reply to a prompt. stopped: it ended by itself, not because no more tokens were allowed."""

    prompt: str
    text: str
    stopped: bool


class Verifier(Protocol):
    """A rule. It looks at nothing but the reply and its prompt, needs no model, and never passes an empty reply.

    example: {"value", "passes": [Reply, …], "fails": [Reply, …]}, a worked example that is also its test.
    """

    name: str
    title: Text
    summary: Text
    example: dict[str, Any]

    def find_problem(self, value: str) -> str | None:
        """What is wrong with the value that a person gave the rule, as a code under `problem.<code>`; None if nothing."""
        ...

    def passes(self, reply: Reply, value: str) -> bool:
        """Raises TimeoutError where the rule would take too long to look."""
        ...


VERIFIERS: Registry[Verifier] = Registry(
    "verifier",
    "studio.training.verifiers",
    ("clean_stop", "polite", "contains", "regex", "language", "length", "json"),
)
