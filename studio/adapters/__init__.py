"""The adapters, in the order they are offered: what of a model is trained."""

from __future__ import annotations

from typing import Any, Protocol

from studio.options import Options
from studio.registry import Registry
from studio.words import Text


class Adapter(Protocol):
    """A small set of weights that is trained beside, or instead of, the base's own.

    example: options that build it on a small model, a worked example that is also its test.
    """

    name: str
    title: Text
    summary: Text
    options: type[Options]
    example: dict[str, Any]

    def build(self, model: Any, options: Any) -> Any:
        """The model with its trainable adapter. Heavy packages are imported in here."""
        ...


ADAPTERS: Registry[Adapter] = Registry("adapter", "studio.adapters", ("lora",))
