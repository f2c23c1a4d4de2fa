"""The measure job: how many tokens each row of a version has with one base's template. Needs no torch."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from studio.events import Event, Finished, Phase, Progress, Stopped
from studio.models.catalogue import read_base_folder
from studio.models.rendering import Renderer, find_drop_cause
from studio.training.measures import LateRows, Lengths, Measure, measure_path, write_measure
from studio.training.rows import RowCount, iterate_conversations
from studio.training.trainspec import Fingerprint, Name
from studio.worker.context import WorkerJob

PROGRESS_ROWS = 256
ANY_LENGTH = 2**40


class MeasureSpec(BaseModel):
    """base_folder: what the id of the base was found to mean when the job was submitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: Fingerprint
    base: Name
    base_folder: str


def run(job: WorkerJob) -> Iterator[Event]:
    """Reads, renders and counts; writes one small file into the workspace."""
    began = time.perf_counter()
    spec = MeasureSpec.model_validate(job.options)
    base = read_base_folder(spec.base, Path(spec.base_folder))
    path = job.workspace / "versions" / f"{spec.version}.parquet"
    yield Phase("counting_tokens", unit="rows")
    renderer = Renderer(base)
    count = RowCount()
    sides = {False: Lengths(), True: Lengths()}
    late = LateRows()
    waiting: deque[tuple[int, bool]] = deque()

    def messages() -> Iterator[list]:
        for conversation in iterate_conversations(path, count):
            waiting.append((conversation.row_id, conversation.held_out))
            yield conversation.messages

    for number, row in enumerate(renderer.iterate_rows(messages())):
        row_id, held_out = waiting.popleft()
        late.add(row.first_trained, row_id)
        if cause := find_drop_cause(row, ANY_LENGTH):
            count.dropped[cause] += 1
        else:
            sides[held_out].add(len(row.ids), row.spans)
        if number % PROGRESS_ROWS == 0:
            if job.should_stop():
                yield Stopped(0)
                return
            yield Progress(number, None, "rows")
    measure = Measure(count.read, sides[False], sides[True], dict(count.dropped), count.from_preference, late.found())
    write_measure(measure_path(job.workspace, spec.version, base), measure)
    tokens = sum(length * n for side in sides.values() for length, n in side.lengths.items())
    yield Finished(None, time.perf_counter() - began, {"rows": count.read, "tokens": tokens})
