"""Two versions of a large dataset compared, a page of what differs read, and the older one restored."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from studio.people import Person
from studio.services.dataset_bulk import apply_changes
from studio.services.studio import Studio
from studio.store.dataset_file import open_dataset
from studio.store.row_changes import RowChange
from tests.bench.imports import peak_memory, timed
from tests.bench.lengths import imported
from tests.bench.prepared import deed, finish, opened

SIZES = (100_000, 1_000_000)


def measure(quick: bool = False) -> dict[str, Any]:
    """Of each size: every tenth row rewritten, every hundredth deleted, then the saved version compared with the rows
    as they stand and restored. Seconds are those of the jobs from submitting to their ending; worker_peak_mb (PSS) is
    that of the comparison, page_s one call of the service for a page in the middle."""
    return {str(rows): _measured(rows) for rows in ((2_000,) if quick else SIZES)}


def _measured(rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch, opened(Path(scratch) / "root") as opening:
        studio, person = opening
        dataset = imported(studio, person, Path(scratch), rows)
        saved_s, _ = _run(studio, lambda: studio.datasets.save_version(person, dataset, deed(), ""))
        _edit(person, dataset, rows)
        with peak_memory() as peak:
            compared_s, job = _run(studio, lambda: studio.diffs.compare(person, dataset, 1, None))
        found = studio.diffs.differences(person, job, "changed", 1)
        restored_s, _ = _run(studio, lambda: studio.diffs.restore(person, dataset, 1, deed()))
        return {
            "changed": found["total"],
            "save_s": saved_s,
            "compare_s": compared_s,
            "worker_peak_mb": round(peak() / 1e6, 1),
            "page_s": timed(lambda: studio.diffs.differences(person, job, "changed", found["pages"] // 2)),
            "restore_s": restored_s,
        }


def _edit(person: Person, dataset: str, rows: int) -> None:
    record = {"messages": [{"role": "user", "content": "Edited?"}, {"role": "assistant", "content": "Yes, 編集済み。"}]}
    changes = [RowChange(n, record=None if n % 100 == 0 else record) for n in range(10, rows, 10)]
    with open_dataset(person.workspace / "datasets" / f"{dataset}.db") as connection:
        apply_changes(connection, person.id, deed(), "replace", {}, changes)


def _run(studio: Studio, submit: Any) -> tuple[float, str]:
    began = time.perf_counter()
    job = submit()
    finish(studio, job, 900)
    return round(time.perf_counter() - began, 2), job
