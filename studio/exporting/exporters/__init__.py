"""The exporters, in the order they are offered: in what shape a model leaves the studio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from studio.events import Event
from studio.exporting.source import Source
from studio.models.catalogue import Base
from studio.options import Options
from studio.registry import Registry
from studio.words import Text


class Exporter(Protocol):
    """A shape a model can leave in.

    options: with a field `form`, "zip" or "folder". example: options that export, a worked example that is also its
    test.
    """

    name: str
    title: Text
    summary: Text
    options: type[Options]
    example: dict[str, Any]

    def write(self, source: Source, folder: Path) -> Iterator[Event]:
        """Fill an empty folder. Raises AdapterUnreadable where the source is not what training wrote."""
        ...

    def load(self, folder: Path, base: Base, precision: str) -> tuple[Any, Any]:
        """Tokenizer and model from what was written, as somebody who has only that would load them.

        Runs in a process of its own; heavy packages are imported in here.
        """
        ...


EXPORTERS: Registry[Exporter] = Registry("exporter", "studio.exporting.exporters", ("adapter",))
