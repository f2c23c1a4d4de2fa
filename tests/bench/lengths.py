"""The X-ray of all rows: counting 100,000 of them, counting one anew after an edit, and the figures that a click asks for."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from studio.people import Person
from studio.services.studio import Studio
from tests.bench.application import wait_until
from tests.bench.imports import peak_memory, timed, write_rows
from tests.bench.prepared import deed, finish, opened

ROWS, MOST = 100_000, 128


def measure(quick: bool = False) -> dict[str, Any]:
    """seconds: from the first look at the lengths until they are told, job included; worker_peak_mb: what keeper and
    worker held at most (PSS). edit_s: the same after one row was edited. look_s, batches_s, nothing_s: calls of the
    service once they are known: histogram, padding and packing, the rows that train nothing."""
    rows = 3_000 if quick else ROWS
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch, opened(Path(scratch) / "root") as opening:
        studio, person = opening
        dataset = imported(studio, person, Path(scratch), rows)
        with peak_memory() as peak:
            seconds = _counted(studio, person, dataset)
        row = studio.datasets.row(person, dataset, rows // 2)
        record = {"messages": [*row["record"]["messages"][:-1], {"role": "assistant", "content": "Edited."}]}
        studio.datasets.save_row(person, dataset, row["row_id"], row["revision"], record, deed())
        edit_s = _counted(studio, person, dataset)
        asked = {"max_length": MOST, "batch": 8}
        return {
            "rows": rows,
            "tokens": studio.xray.lengths(person, "pocket", dataset, None, 10**6)["tokens"],
            "seconds": round(seconds, 2),
            "worker_peak_mb": round(peak() / 1e6, 1),
            "edit_s": round(edit_s, 2),
            "look_s": timed(lambda: studio.xray.lengths(person, "pocket", dataset, None, MOST)),
            "batches_s": timed(lambda: studio.xray.batches(person, "pocket", dataset, None, asked)),
            "nothing_s": timed(lambda: studio.xray.nothing_rows(person, "pocket", dataset, MOST)),
        }


def imported(studio: Studio, person: Person, scratch: Path, rows: int) -> str:
    """A dataset of so many seeded conversations; its id."""
    file = scratch / "upload.jsonl"
    write_rows(file, rows)
    finish(studio, studio.datasets.import_upload(person, deed(), file, "rows.jsonl", "rows", {}), 600)
    return studio.datasets.list(person)[0]["id"]


def _counted(studio: Studio, person: Person, dataset: str) -> float:
    began = time.perf_counter()

    def is_told() -> bool:
        found = studio.xray.lengths(person, "pocket", dataset, None, MOST)
        return found["status"] == "ready" and not found["behind"]

    wait_until(is_told, 600, every_s=0.05)
    return time.perf_counter() - began
