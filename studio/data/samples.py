"""The sample files that come with the app, as their index lists them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from studio.errors import NotYours

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "samples"
_INDEX = "index.json"
_KINDS_READ = frozenset({"sft", "preference", "verifiable", "dirty", "encoding"})
"""Kinds of samples that a format reads; others of the index are not offered."""


def read_samples() -> list[dict[str, Any]]:
    """Entries {id, file, kind, rows, title {en, ja}, description {en, ja}} of what can be imported, in their order."""
    listed = json.loads((FOLDER / _INDEX).read_text("utf-8"))["samples"]
    return [entry for entry in listed if entry["kind"] in _KINDS_READ]


def find_sample(sample_id: str) -> tuple[dict[str, Any], Path]:
    """The entry and its file. Raises NotYours."""
    for entry in read_samples():
        if entry["id"] == sample_id:
            return entry, FOLDER / entry["file"]
    raise NotYours(what="sample")
