"""The job that compiles votes: DPO rows of every vote that prefers a reply, checked and frozen as a version."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from studio.data.records import PREFERENCE, check_record
from studio.data.splits import HELD_OUT, TRAIN
from studio.data.versions import FrozenRow, VersionInfo, VersionWriter
from studio.errors import VotesMissing
from studio.events import Event, Finished, Phase, Progress, Rows, Stopped
from studio.models.catalogue import read_base_folder
from studio.models.rendering import Renderer
from studio.preferences.compile import dpo_rows
from studio.preferences.lints import find_row_problem
from studio.store.catalogue import VersionEntry
from studio.store.preferences import open_preferences
from studio.store.votes import JudgedPair
from studio.worker.context import WorkerJob

_BATCH_ROWS = 200
NO_PREFERENCE, ROW_INVALID = "no_preference", "row_invalid"


class CompileOptions(BaseModel):
    """base: whose chat template and tokens say what is left of a row after the cut at max_length_tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    project_id: str = Field(pattern=r"^p-[0-9a-f]{16}$")
    base: str
    base_folder: str
    max_length_tokens: int = Field(ge=1)


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises NotYours, VotesMissing, DiskFull. A vote that comes meanwhile is for the next compile."""
    began_s = time.monotonic()
    options = CompileOptions.model_validate(job.options)
    with open_preferences(job.workspace) as preferences:
        project = preferences.project(options.project_id)
        last = preferences.votes.counts(options.project_id, job.spec.owner)["last"]
        judged = list(preferences.votes.judged(options.project_id))
    if not judged:
        raise VotesMissing(name=project.name)
    renderer = Renderer(read_base_folder(options.base, Path(options.base_folder)))
    folder = job.workspace / "versions"
    folder.mkdir(exist_ok=True)
    writer = VersionWriter(job.folder / "version.part")
    dropped: Counter[str] = Counter()
    try:
        yield Phase("compiling", total=len(judged), unit="votes")
        rows = _rows(judged, renderer, options.max_length_tokens, dropped)
        done = 0
        while batch := list(islice(rows, _BATCH_ROWS)):
            writer.write(batch)
            done += len(batch)
            yield Progress(done + dropped.total(), len(judged), "votes")
            if job.should_stop():
                yield Stopped(0)
                return
        yield Rows(read=len(judged), kept=done, truncated=0, dropped=dict(dropped))
        if not done:
            raise VotesMissing(name=project.name)
        info = writer.finish(folder)
    finally:
        writer.abandon()
    entry = _entry(options.project_id, project.name, info, last)
    with open_preferences(job.workspace) as preferences:
        saved = preferences.insert_version(entry)
    summary: dict[str, Any] = {
        "number": saved.number,
        "rows": info.rows,
        "held_out": info.held_out,
        "votes": len(judged),
        "dropped": dict(dropped),
        "is_new": saved.created == entry.created,
    }
    yield Finished(info.fingerprint, time.monotonic() - began_s, summary)


def _rows(
    judged: list[JudgedPair], renderer: Renderer, max_length_tokens: int, dropped: Counter[str]
) -> Iterator[FrozenRow]:
    """Every DPO row that a trainer can learn from; the others are counted by what is wrong with them."""
    for one in judged:
        made = dpo_rows(one.judged)
        if not made:
            dropped[NO_PREFERENCE] += 1
        for row in made:
            problem = find_row_problem(row, renderer, max_length_tokens) or (ROW_INVALID if check_record(row) else None)
            if problem:
                dropped[problem] += 1
                continue
            split = HELD_OUT if one.held_out else TRAIN
            yield FrozenRow(one.pair_id, PREFERENCE, orjson.dumps(row).decode(), split, one.split_key)


def _entry(project_id: str, name: str, info: VersionInfo, last: int) -> VersionEntry:
    return VersionEntry(
        dataset_id=project_id,
        number=0,
        fingerprint=info.fingerprint,
        dataset_name=name,
        kind=PREFERENCE,
        rows=info.rows,
        held_out=info.held_out,
        message="",
        created=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        last_change=last,
    )
