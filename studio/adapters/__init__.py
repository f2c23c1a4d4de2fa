"""The adapters, in the order they are offered: what of a model is trained."""

from __future__ import annotations

from typing import Any, Literal, Protocol

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

    def quantisation(self, options: Any) -> Literal["nf4", "int8"] | None:
        """How the base is loaded for it; None for the plan's dtype."""
        ...

    def build(self, model: Any, options: Any) -> Any:
        """The model with its trainable adapter. Heavy packages are imported in here."""
        ...


ADAPTERS: Registry[Adapter] = Registry("adapter", "studio.adapters", ("lora", "qlora"))
