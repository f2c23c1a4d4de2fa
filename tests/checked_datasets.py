"""Datasets for the checks, written straight into their files, and the check job run on them to its end."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from studio.data.records import record_kind
from studio.data.splits import NOBODY
from studio.events import Event
from studio.store.catalogue import DatasetEntry, open_catalogue
from studio.store.dataset_file import SUFFIX, build_dataset, open_dataset
from studio.store.findings import Findings, StoredFinding
from studio.store.table import Table
from studio.worker import checks
from tests.dataset_jobs import make_job

HELD_OUT_BELOW = 0.5


@dataclass(frozen=True)
class Checked:
    workspace: Path
    dataset_id: str

    @property
    def path(self) -> Path:
        return self.workspace / "datasets" / f"{self.dataset_id}{SUFFIX}"

    def check(self, *names: str) -> list[Event]:
        options = {"dataset_id": self.dataset_id, "checks": names}
        return list(checks.run(make_job(self.workspace, "check", options)))

    def counts(self) -> dict[tuple[str, str], tuple[int, int]]:
        with open_dataset(self.path) as connection:
            return Findings(connection).count_open()

    def found(self, check: str, code: str) -> list[StoredFinding]:
        with open_dataset(self.path) as connection:
            return Findings(connection).page(check, code, 0, 10_000)


def write_dataset(
    workspace: Path,
    records: Iterable[dict[str, Any]],
    held_out: Iterable[int] = (),
    metas: Sequence[dict[str, Any]] = (),
    name: str | None = None,
) -> Checked:
    """held_out: ids of rows, from 1. metas: what the raw rows held besides, in order."""
    made = Checked(workspace, f"d-{secrets.token_hex(8)}")
    held, kind = frozenset(held_out), "conversation"

    def rows():
        nonlocal kind
        for row_id, record in enumerate(records, 1):
            meta = {"row": row_id} | ({"fields": metas[row_id - 1]} if row_id <= len(metas) else {})
            kind = str(record_kind(record))
            key = 0.25 if row_id in held else 0.75
            yield row_id, kind, orjson.dumps(record).decode(), orjson.dumps(meta).decode(), key

    made.path.parent.mkdir(parents=True, exist_ok=True)
    with build_dataset(made.path) as connection:
        table = Table(connection)
        table.insert(rows())
        table.write_facts({"format": 1, "held_out_fraction": 0.1})
        table.recount(HELD_OUT_BELOW if held else NOBODY)
    source = {"source": "sample:none", "file": "rows.jsonl", "guesses": {}}
    entry = DatasetEntry(made.dataset_id, name or made.dataset_id, kind, source, "none", "2026-01-01T00:00:00.000Z")
    with open_catalogue(workspace) as catalogue:
        catalogue.insert_dataset(entry)
    return made
