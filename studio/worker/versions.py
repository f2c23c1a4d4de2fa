"""The job that saves a version: the rows and splits of a dataset as they stand, frozen in one file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from pydantic import BaseModel, ConfigDict, Field

from studio.data.splits import split_of
from studio.data.versions import FrozenRow, VersionInfo, VersionWriter
from studio.errors import DatasetEmpty
from studio.events import Event, Finished, Phase, Progress
from studio.store.catalogue import VersionEntry, open_catalogue
from studio.store.changes import Changes
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.findings import Findings
from studio.store.row_lengths import FACT as LENGTHS_FACT
from studio.store.table import Table
from studio.worker.context import WorkerJob

_BATCH_ROWS = 5_000


class SaveVersionOptions(BaseModel):
    """message: what the person says about this version, shown beside its number."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    message: str = Field(default="", max_length=1000)


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises NotYours, DatasetEmpty, DiskFull. Rows that are edited meanwhile are in it as they were at its start."""
    began_s = time.monotonic()
    options = SaveVersionOptions.model_validate(job.options)
    with open_catalogue(job.workspace) as catalogue:
        dataset = catalogue.dataset(options.dataset_id)
    folder = job.workspace / "versions"
    folder.mkdir(exist_ok=True)
    # The part lies in the job's own folder, on the same disk: what a kill leaves goes when the job is deleted.
    writer = VersionWriter(job.folder / "version.part")
    try:
        with open_dataset(job.workspace / "datasets" / (options.dataset_id + SUFFIX)) as connection:
            connection.execute("BEGIN")
            table, last_change = Table(connection), Changes(connection, job.spec.owner).last_id()
            facts = {name: fact for name, fact in table.facts().items() if name != LENGTHS_FACT}
            about = {"facts": facts, "source": dataset.source, "checks": _checks(Findings(connection))}
            total, _ = table.counts()
            if not total:
                raise DatasetEmpty(name=dataset.name)
            yield Phase("saving", total=total, unit="rows")
            done = 0
            frozen = frozen_rows(table)
            while batch := list(islice(frozen, _BATCH_ROWS)):
                writer.write(batch)
                done += len(batch)
                yield Progress(done, total, "rows")
                if job.should_stop():
                    return
        info = writer.finish(folder, about)
    finally:
        writer.abandon()
    entry = VersionEntry(
        dataset_id=options.dataset_id,
        number=0,
        fingerprint=info.fingerprint,
        dataset_name=dataset.name,
        kind=_main_kind(info),
        rows=info.rows,
        held_out=info.held_out,
        message=options.message,
        created=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        last_change=last_change,
        person=job.spec.owner,
        about=about,
    )
    with open_catalogue(job.workspace) as catalogue:
        saved = catalogue.insert_version(entry)
    summary = {
        "number": saved.number,
        "rows": info.rows,
        "held_out": info.held_out,
        "is_new": saved == _as(saved, entry),
    }
    yield Finished(info.fingerprint, time.monotonic() - began_s, summary)


def _as(saved: VersionEntry, entry: VersionEntry) -> VersionEntry:
    """The entry under the number it got: equal to what is saved, unless the same content was saved before."""
    return VersionEntry(**{**entry.__dict__, "number": saved.number})


def _main_kind(info: VersionInfo) -> str:
    return max(info.kinds, key=lambda kind: info.kinds[kind])


def _checks(findings: Findings) -> dict[str, int]:
    """How many checks had run, and how many of their errors stood open when the version was saved."""
    return {"ran": len(findings.runs()), "errors": findings.count_errors()}


def frozen_rows(table: Table) -> Iterator[FrozenRow]:
    """The rows of a dataset as a version holds them."""
    threshold = table.fact("held_out_threshold")
    for row in table.iterate():
        yield FrozenRow(row.row_id, row.kind, row.record, split_of(row.split_key, threshold), row.split_key)
