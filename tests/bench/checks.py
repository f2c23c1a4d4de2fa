"""Every check over 100,000 rows: the whole job, each check's own seconds, and its memory."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.findings import Findings
from tests.bench.imports import peak_memory
from tests.bench.near_duplicates import write_rows
from tests.bench.prepared import deed, finish, opened

ROWS = 100_000
FORBIDDEN = ["idiot", "馬鹿", "damn", "クズ"]


def measure(quick: bool = False) -> dict[str, Any]:
    """seconds: of the job with all checks, from submitting it to its ending; by_check: each one's own, reading the rows
    included. worker_peak_mb: the most that keeper and worker held at once (PSS). No base is chosen, so lengths are not
    measured and truncation does not run."""
    rows = 5_000 if quick else ROWS
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch, opened(Path(scratch) / "root") as opening:
        studio, person = opening
        file = Path(scratch) / "upload.jsonl"
        write_rows(file, rows)
        finish(studio, studio.datasets.import_upload(person, deed(), file, "rows.jsonl", "All checks", {}), 600)
        dataset = studio.datasets.list(person)[0]["id"]
        studio.checks.set_settings(person, dataset, {"forbidden": FORBIDDEN})
        with peak_memory() as peak:
            began = time.perf_counter()
            finish(studio, studio.checks.run(person, dataset, [], deed()), 3_600)
            seconds = time.perf_counter() - began
        (path,) = Path(scratch).rglob(dataset + SUFFIX)
        with open_dataset(path) as connection:
            runs = Findings(connection).runs()
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "worker_peak_mb": round(peak() / 1e6, 1),
        "by_check": {name: run.seconds for name, run in runs.items()},
    }
