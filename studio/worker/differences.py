"""The job that compares two versions of a dataset, or one with the rows as they stand."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from studio.data.version_diff import DIFFERENCES, iterate_differences
from studio.data.versions import FrozenRow, read_frozen, version_path
from studio.events import Event, Finished, Phase, Progress
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.differences import FILE_NAME, DifferencesWriter
from studio.store.table import Table
from studio.worker.context import WorkerJob
from studio.worker.versions import frozen_rows

_LOOK_ROWS = 2_000
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class DifferencesOptions(BaseModel):
    """before, after: fingerprints of versions; None for the rows as they stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    before: Fingerprint | None
    after: Fingerprint | None


def run(job: WorkerJob) -> Iterator[Event]:
    """Writes what differs into one small database, read by page. Raises FileUnreadable, DiskFull."""
    began_s = time.monotonic()
    options = DifferencesOptions.model_validate(job.options)
    yield Phase("comparing", unit="rows")
    counts: Counter[str] = Counter()
    (job.folder / "result").mkdir(exist_ok=True)
    with (
        opened_rows(job.workspace, options.dataset_id, options.before) as before,
        opened_rows(job.workspace, options.dataset_id, options.after) as after,
        DifferencesWriter(job.folder / "result" / FILE_NAME) as writer,
    ):
        for number, found in enumerate(iterate_differences(before, after), 1):
            if number % _LOOK_ROWS == 0:
                if job.should_stop():
                    return
                yield Progress(number, None, "rows")
            if found is None:
                counts["same"] += 1
                continue
            counts[found.what] += 1
            writer.add(found, counts[found.what])
    summary = {what: counts[what] for what in (*DIFFERENCES, "same")}
    yield Finished(None, time.monotonic() - began_s, summary)


@contextmanager
def opened_rows(workspace: Path, dataset_id: str, fingerprint: str | None) -> Iterator[Iterator[FrozenRow]]:
    """The rows of a version, or as they stand at this moment whatever is edited meanwhile."""
    if fingerprint is not None:
        yield read_frozen(version_path(workspace, fingerprint))
        return
    with open_dataset(workspace / "datasets" / (dataset_id + SUFFIX)) as connection:
        connection.execute("BEGIN")
        yield frozen_rows(Table(connection))
