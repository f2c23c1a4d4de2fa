"""The sample files that come with the app, as their index lists them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from studio.errors import NotYours

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "samples"
_INDEX = "index.json"


def read_samples() -> list[dict[str, Any]]:
    """Entries {id, file, kind, rows, title {en, ja}, description {en, ja}}; none where there is no index."""
    try:
        listed = json.loads((FOLDER / _INDEX).read_text("utf-8"))
    except FileNotFoundError:
        return []
    return listed["samples"] if isinstance(listed, dict) else listed


def find_sample(sample_id: str) -> tuple[dict[str, Any], Path]:
    """The entry and its file. Raises NotYours."""
    for entry in read_samples():
        if entry["id"] == sample_id:
            return entry, FOLDER / entry["file"]
    raise NotYours(what="sample")
