"""whetstone.json beside an adapter: what it was made from, how, and what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.errors import AdapterUnreadable

FILE_NAME = "whetstone.json"
FORMAT = 1
ADAPTER_FILES = (
    "adapter_model.safetensors",
    "adapter_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "chat_template.jinja",
)
"""All that an adapter consists of. Whatever else lies in its folder is neither registered nor exported."""


class Lineage(BaseModel):
    """The origin of one adapter. What is not known is None: a run that was stopped has no losses at its end.

    base_bytes: of the base's weights, to tell a base that was changed. precision: how the base was loaded for
    training (float32, bfloat16, nf4, int8). run: the job's id. version: the fingerprint of the data. parent: the id of
    the adapter that training started from. settings: of method and adapter, complete. files: SHA-256 by name.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    format: int = Field(default=FORMAT, ge=1, le=FORMAT)
    base: str
    base_bytes: int | None = None
    precision: str | None = None
    method: str | None = None
    adapter: str | None = None
    run: str | None = None
    title: str | None = None
    dataset_name: str | None = None
    version: str | None = None
    version_number: int | None = None
    parent: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    steps: int | None = None
    train_loss: float | None = None
    held_out_before: float | None = None
    held_out_after: float | None = None
    licence: str | None = None
    created: str | None = None
    files: dict[str, str] = Field(default_factory=dict)


def read_lineage(folder: Path) -> Lineage | None:
    """What stands beside an adapter; None where nothing does. Raises AdapterUnreadable where it cannot be understood."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        return Lineage.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise AdapterUnreadable(adapter=folder.name, file=FILE_NAME) from error


def write_lineage(folder: Path, lineage: Lineage) -> None:
    (folder / FILE_NAME).write_text(render_lineage(lineage), "utf-8")


def render_lineage(lineage: Lineage) -> str:
    return json.dumps(lineage.model_dump(), ensure_ascii=False, indent=1) + "\n"


def find_files(folder: Path) -> list[Path]:
    """The files of an adapter that are there, weights first."""
    return [folder / name for name in ADAPTER_FILES if (folder / name).is_file()]


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_changed(folder: Path, files: Mapping[str, str]) -> str | None:
    """The first file that is no longer what was written down, or None."""
    for name, digest in files.items():
        path = folder / name
        if not path.is_file() or hash_file(path) != digest:
            return name
    return None
