"""Datasets put straight into the root of an app, for tests of pages that do not import: no job, no second of waiting."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from studio.people import person_from
from studio.services.dataset_deeds import Deeds
from studio.services.datasets import Datasets
from studio.settings import read_settings
from tests.dataset_jobs import NoQueue


def turn(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def place_dataset(root: Path, name: str, records: list[dict[str, Any]], kind: str = "conversation") -> str:
    """A dataset of these records in the workspace of whoever uses the app without a login; its id."""
    settings = read_settings(["--root", str(root), "--port", "0"], {})
    person, datasets = person_from(None, {}, {}, settings), Datasets(settings, NoQueue())
    dataset_id = Deeds(datasets, NoQueue()).new(person, secrets.token_hex(8), name, kind)
    for record in records:
        datasets.add_row(person, dataset_id, record, secrets.token_hex(8))
    return dataset_id
