"""The check job: every check looks through the rows of a dataset, and what it finds takes the place of its last run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, Field

from studio.data.checking import FACT, CheckSettings
from studio.data.checks import CHECKS, Check, CheckContext, CheckRow, OtherDataset
from studio.data.profile import FACT as PROFILE
from studio.data.profile import Profile
from studio.data.splits import split_of
from studio.errors import FileUnreadable
from studio.events import Event, Finished, Notice, Phase, Progress, Stopped
from studio.store.catalogue import DatasetEntry, open_catalogue
from studio.store.changes import Changes
from studio.store.connection import transaction
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.findings import CheckRun, Findings, details_text, now_text
from studio.store.table import Table
from studio.worker.check_lengths import StoredLengths, measure_lengths
from studio.worker.context import StoppedByPerson, WorkerJob

_PART_NAME = "findings.part"
_DONE_STEPS = 1_000
"""How finely the progress of the whole job is told."""


class CheckOptions(BaseModel):
    """checks: names, in the order they run; all where empty. base_folder: of the base that the settings name.

    compares: whether other datasets are read too; a run without that says so in its settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    checks: tuple[str, ...] = ()
    base_folder: str | None = None
    compares: bool = True


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises NotYours, FileUnreadable, DiskFull. What a stopped or killed job had not finished stays as it was."""
    began_s = time.monotonic()
    options = CheckOptions.model_validate(job.options)
    with open_catalogue(job.workspace) as catalogue:
        dataset = catalogue.dataset(options.dataset_id)
        others = [entry for entry in catalogue.datasets() if entry.dataset_id != options.dataset_id]
    checks = [check for check in CHECKS if not options.checks or check.name in options.checks]
    path = job.workspace / "datasets" / (options.dataset_id + SUFFIX)
    found: dict[str, int] = {}
    yield Phase("checking", total=_DONE_STEPS, unit="steps")
    if options.base_folder is not None and any(check.needs == "lengths" for check in checks):
        measure_lengths(job, path, dataset, options.base_folder)
    try:
        for number, check in enumerate(checks):
            looking = _Looking(job, path, check, number / len(checks), 1 / len(checks))
            found[check.name] = looking.look(others, options.compares)
            for name in looking.unreadable:
                yield Notice("warning", "dataset_not_compared", {"name": name})
            yield Progress(_DONE_STEPS * (number + 1) // len(checks), _DONE_STEPS, "steps")
            job.heed_stop()
        if not options.checks:
            write_profile(job, path)
    except StoppedByPerson:
        yield Stopped(0)
        return
    finally:
        (job.folder / _PART_NAME).unlink(missing_ok=True)
    yield Finished(options.dataset_id, time.monotonic() - began_s, {"found": found})


def write_profile(job: WorkerJob, path: Path) -> None:
    """What the rows hold, kept among the dataset's facts for its card. A stop leaves the last one."""
    with open_dataset(path) as reading:
        reading.execute("BEGIN")
        table = Table(reading)
        last_change = Changes(reading, job.spec.owner).last_id()
        profile = Profile(table.counts()[0])
        for row in table.iterate():
            job.heed_stop()
            profile.add(row.kind, orjson.loads(row.record))
    with open_dataset(path, job.heed_stop) as connection, transaction(connection):
        Table(connection).write_facts({PROFILE: profile.facts() | {"last_change": last_change}})


@dataclass
class _Looking:
    """One check on its way. start, share: where in the whole job it begins, and how much of the job it is, 0..1."""

    job: WorkerJob
    path: Path
    check: Check
    start: float
    share: float
    unreadable: list[str] = field(default_factory=list)
    _revisions: dict[int, int] = field(default_factory=dict)
    """Of the rows that were ever changed; all others are at their first."""

    def look(self, others: list[DatasetEntry], compares: bool) -> int:
        """How much was found. All of it is read from one state of the dataset, and written at once."""
        began_s = time.monotonic()
        with ExitStack() as stack:
            reading = stack.enter_context(open_dataset(self.path))
            reading.execute("BEGIN")
            table = Table(reading)
            rows, _ = table.counts()
            settings = CheckSettings.model_validate(table.fact(FACT) or {})
            if not compares:
                settings = settings.model_copy(update={"compared": ()})
            last_change = Changes(reading, self.job.spec.owner).last_id()
            context = CheckContext(
                forbidden=settings.forbidden,
                lengths=StoredLengths(reading, settings) if settings.base else None,
                others=tuple(self._open_others(stack, others, settings)),
                group_field=settings.group_field,
                tick=partial(self._tick, rows),
            )
            missing = self.check.needs if self.check.needs and not getattr(context, self.check.needs) else None
            count = 0 if missing else self._spool(table, context)
        run = CheckRun(
            self.check.name,
            now_text(),
            self.job.spec.id,
            rows,
            round(time.monotonic() - began_s, 3),
            last_change,
            settings.model_dump(mode="json"),
            missing,
        )
        with open_dataset(self.path, self.job.heed_stop) as connection:
            Findings(connection).replace(run, self._spooled() if not missing else ())
        return count

    def _spool(self, table: Table, context: CheckContext) -> int:
        """Findings go to a file first: a lock held while a check thinks would keep people from saving rows."""
        count = 0
        with (self.job.folder / _PART_NAME).open("wb") as part:
            for finding in self.check.find(self._rows(table), context):
                revision = None if finding.row_id is None else self._revisions.get(finding.row_id, 1)
                part.write(orjson.dumps([finding.code, finding.row_id, revision, details_text(dict(finding.values))]))
                part.write(b"\n")
                count += 1
        return count

    def _spooled(self) -> Iterator[tuple[str, int | None, int | None, str]]:
        with (self.job.folder / _PART_NAME).open("rb") as part:
            for line in part:
                yield tuple(orjson.loads(line))

    def _rows(self, table: Table) -> Callable[[], Iterator[CheckRow]]:
        threshold = table.fact("held_out_threshold")
        kinds = self.check.kinds

        def rows() -> Iterator[CheckRow]:
            for row in iterate_rows(table, threshold):
                if kinds is None or row.kind in kinds:
                    if row.revision != 1:
                        self._revisions[row.row_id] = row.revision
                    yield row

        return rows

    def _open_others(
        self, stack: ExitStack, others: list[DatasetEntry], settings: CheckSettings
    ) -> Iterator[OtherDataset]:
        for entry in others:
            if settings.compared is not None and entry.dataset_id not in settings.compared:
                continue
            try:
                connection = stack.enter_context(open_dataset(self.path.with_name(entry.dataset_id + SUFFIX)))
            except FileUnreadable:
                self.unreadable.append(entry.name)
                continue
            table = Table(connection)
            yield OtherDataset(entry.name, partial(iterate_rows, table, table.fact("held_out_threshold")))

    def _tick(self, rows: int, done: int) -> None:
        self.job.heed_stop()
        at = self.start + self.share * min(done / max(rows, 1), 1.0)
        self.job.emit(Progress(int(_DONE_STEPS * at), _DONE_STEPS, "steps"))


def iterate_rows(table: Table, threshold: float) -> Iterator[CheckRow]:
    for row in table.iterate():
        yield CheckRow(
            row.row_id,
            row.revision,
            row.kind,
            orjson.loads(row.record),
            orjson.loads(row.meta),
            split_of(row.split_key, threshold),
        )
