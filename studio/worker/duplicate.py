"""The job that duplicates a dataset: its file and its map of placeholders as they stand, under a name of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from studio.errors import NameTaken
from studio.events import Event, Finished, Phase, Progress, Stopped
from studio.store.catalogue import DatasetEntry, open_catalogue
from studio.store.dataset_file import SUFFIX, copy_dataset, held_dataset, open_dataset, remove_abandoned, remove_dataset
from studio.store.masks import copy_masks
from studio.store.table import Table
from studio.worker.context import WorkerJob


class DuplicateOptions(BaseModel):
    """source_id: the dataset that is copied; dataset_id and name: of the copy."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    name: str


class _StoppedByPerson(Exception):
    pass


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises NotYours, FileUnreadable, NameTaken, DiskFull. Killed at any moment it leaves nothing in the catalogue."""
    began_s = time.monotonic()
    options = DuplicateOptions.model_validate(job.options)
    folder = job.workspace / "datasets"
    with open_catalogue(job.workspace) as catalogue:
        remove_abandoned(folder, catalogue.has_dataset)
        source = catalogue.dataset(options.source_id)
    path = folder / (options.dataset_id + SUFFIX)
    yield Phase("copying", unit="bytes")

    def tell(done_bytes: int, total_bytes: int) -> None:
        if job.should_stop():
            raise _StoppedByPerson
        job.emit(Progress(done_bytes, total_bytes, "bytes"))

    try:
        with held_dataset(path):
            with open_dataset(folder / (options.source_id + SUFFIX)) as connection:
                copy_dataset(connection, path, tell)
            copy_masks(job.workspace, options.source_id, options.dataset_id)
            with open_dataset(path) as connection:
                rows, _ = Table(connection).counts()
            enter_dataset(job, replace(source, dataset_id=options.dataset_id, name=options.name, created=now()))
    except _StoppedByPerson:
        yield Stopped(0)
        return
    yield Finished(options.dataset_id, time.monotonic() - began_s, {"rows": rows})


def enter_dataset(job: WorkerJob, entry: DatasetEntry) -> None:
    """Enter a dataset whose file is complete; its file goes where it cannot be entered. Raises NameTaken."""
    try:
        with open_catalogue(job.workspace) as catalogue:
            catalogue.insert_dataset(entry)
    except NameTaken:
        remove_dataset(job.workspace / "datasets" / (entry.dataset_id + SUFFIX))
        raise


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
