"""What is exported: a registered adapter, the base it belongs to, and the words for its card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.models.catalogue import Base
from studio.models.lineage import Lineage

QUANTISED = ("nf4", "int8")
DEFAULT_PRECISION = "float32"
"""For adapters of runs that recorded none: whatever they were trained in, this is at least as exact."""


@dataclass(frozen=True)
class Source:
    """folder: the adapter's own. slug: a name for files. language: of the card."""

    folder: Path
    slug: str
    name: str
    notes: str
    lineage: Lineage
    base: Base
    language: str

    @property
    def precision(self) -> str:
        return self.lineage.precision or DEFAULT_PRECISION


def load_base(base: Base, precision: str) -> Any:
    """The base on the CPU as an adapter of this precision was trained on it. Raises as `load_model` does."""
    from studio.models.loading import load_model

    if precision in QUANTISED:
        return load_model(base, "float32", "cpu", precision)  # type: ignore[arg-type]
    return load_model(base, precision, "cpu")
