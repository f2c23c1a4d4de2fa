"""A million rows filtered, ordered, searched and changed as a whole: calls of the services, and the jobs they queue."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from studio.data.records import split_key
from studio.data.selection import Selection
from studio.people import Person
from studio.services.studio import Studio
from studio.store.catalogue import DatasetEntry, open_catalogue
from studio.store.dataset_file import SUFFIX, build_dataset
from studio.store.table import Table
from tests.bench.imports import SEED, _turns, peak_memory
from tests.bench.prepared import deed, finish, opened

ROWS = 1_000_000
DATASET = "d-0000000000000000"
ASKED: dict[str, dict[str, Any]] = {
    "as they stand": {},
    "last first": {"descending": True},
    "by length": {"sort": "length", "descending": True},
    "by edits": {"sort": "edited", "descending": True},
    "by findings": {"sort": "findings", "descending": True},
    "held out": {"split": "held_out"},
    "a word": {"query": "parcel"},
    "a word in Japanese": {"query": "返品"},
    "a word that is nowhere": {"query": "absent"},
    "a word in one role": {"query": "parcel", "role": "user"},
    "a name of a field": {"query": "user"},
    "a word, by length": {"query": "parcel", "sort": "length"},
    "at least 300 characters": {"min_length": 300},
    "no finding": {"check": "none"},
    "edited": {"is_edited": True},
    "a regular expression": {"query": r"\(\d+77\)", "is_regex": True},
}


def measure(quick: bool = False) -> dict[str, Any]:
    """pages: seconds until the first page with its count, until a page in the middle, and rows found; changes: seconds
    of a job over all rows and of its undo, and the most memory (PSS, MB) of their processes."""
    rows = 30_000 if quick else ROWS
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch, opened(Path(scratch) / "root") as opening:
        studio, person = opening
        build(person, rows)
        pages = {name: _page_times(studio, person, asked) for name, asked in ASKED.items()}
        with peak_memory() as peak:
            changes = _change_times(studio, person)
        return {"rows": rows, "pages": pages, "changes_s": changes, "job_peak_mb": round(peak() / 1e6, 1)}


def build(person: Person, rows: int) -> None:
    """The rows of the import's bench, without the import."""
    path = person.workspace / "datasets" / f"{DATASET}{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with build_dataset(path) as connection:
        table = Table(connection)
        table.insert(_rows(rows))
        table.write_facts({"held_out_fraction": 0.1})
        table.recount(0.1)
    source = {"source": "upload:bench", "file": "rows.jsonl", "guesses": {}}
    with open_catalogue(person.workspace) as catalogue:
        catalogue.insert_dataset(DatasetEntry(DATASET, "bench", "conversation", source, "job", "2026-01-01T00:00:00Z"))


def _rows(count: int) -> Iterator[tuple[int, str, str, str, float]]:
    chance = random.Random(SEED)
    for number in range(count):
        record = {"messages": _turns(chance, number)}
        yield number + 1, "conversation", orjson.dumps(record).decode(), "{}", split_key(record)


def _page_times(studio: Studio, person: Person, asked: dict[str, Any]) -> dict[str, Any]:
    first_s, page = _timed(lambda: studio.datasets.page(person, DATASET, {"page": 1, **asked}))
    wanted = {"page": max(page["pages"] // 2, 1), **asked}
    middle_s, _ = _timed(lambda: studio.datasets.page(person, DATASET, wanted))
    return {"first_s": first_s, "middle_s": middle_s, "rows": page["total"], "complete": page["complete"]}


def _change_times(studio: Studio, person: Person) -> dict[str, float]:
    actions = {
        "replace": {"kind": "replace", "find": "order", "put": "purchase"},
        "tag": {"kind": "tag", "add": ["bench"]},
        "delete": {"kind": "delete"},
    }
    times = {}
    for name, action in actions.items():
        apply = lambda action=action: studio.bulk.apply(person, DATASET, Selection(), action, deed())  # noqa: E731
        times[name], _ = _timed(lambda apply=apply: _awaited(studio, apply()))
        times[f"{name} undone"], _ = _timed(lambda: _awaited(studio, studio.bulk.undo(person, DATASET, deed())))
    return times


def _awaited(studio: Studio, reply: dict[str, Any]) -> None:
    if job := reply.get("job_id"):
        finish(studio, job, 600)


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = call()
    return round(time.perf_counter() - began, 3), made
