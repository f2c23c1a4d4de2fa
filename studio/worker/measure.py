"""The measure job: how many tokens each row of a version has with one base's template. Needs no torch."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from studio.events import Event, Finished, Phase, Progress, Stopped
from studio.models.catalogue import read_base_folder
from studio.models.rendering import Renderer, find_drop_cause
from studio.training.measures import LateRows, Lengths, Measure, measure_path, write_measure
from studio.training.methods import Learns
from studio.training.pairs import Pair, find_pair_drop_cause, iterate_pairs, iterate_rendered
from studio.training.rows import RowCount, iterate_conversations
from studio.training.trainspec import Fingerprint, Name
from studio.training.verifiers import VERIFIERS, Reply
from studio.worker.context import WorkerJob

PROGRESS_ROWS = 256
ANY_LENGTH = 2**40
NEED_NO_VALUE = tuple(plug.name for plug in VERIFIERS if plug.find_problem("") is None)


class MeasureSpec(BaseModel):
    """base_folder: what the id of the base was found to mean when the job was submitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: Fingerprint
    base: Name
    base_folder: str
    learns: Learns = "conversations"


def run(job: WorkerJob) -> Iterator[Event]:
    """Reads, renders and counts; writes one small file into the workspace."""
    began = time.perf_counter()
    spec = MeasureSpec.model_validate(job.options)
    base = read_base_folder(spec.base, Path(spec.base_folder))
    path = job.workspace / "versions" / f"{spec.version}.parquet"
    yield Phase("counting_tokens", unit="rows")
    count = RowCount()
    sides = {False: Lengths(), True: Lengths()}
    late = LateRows()
    rules = dict.fromkeys(NEED_NO_VALUE, (0, 0)) if spec.learns == "pairs" else {}
    measured = partial(_measure_pairs, rules) if spec.learns == "pairs" else _measure_conversations
    for number, (row_id, first) in enumerate(measured(path, Renderer(base), count, sides)):
        late.add(first, row_id)
        if number % PROGRESS_ROWS == 0:
            if job.should_stop():
                yield Stopped(0)
                return
            yield Progress(number, None, "rows")
    told = (dict(count.dropped), count.from_preference, late.found(), rules)
    measure = Measure(count.read, sides[False], sides[True], *told)
    write_measure(measure_path(job.workspace, spec.version, base, spec.learns), measure)
    tokens = sum(length * n for side in sides.values() for length, n in side.lengths.items())
    yield Finished(None, time.perf_counter() - began, {"rows": count.read, "tokens": tokens})


def _measure_conversations(
    path: Path, renderer: Renderer, count: RowCount, sides: dict[bool, Lengths]
) -> Iterator[tuple[int, int | None]]:
    """Each row's id, and the place of its first trained token or None."""
    waiting: deque[tuple[int, bool]] = deque()

    def messages() -> Iterator[list]:
        for conversation in iterate_conversations(path, count):
            waiting.append((conversation.row_id, conversation.held_out))
            yield conversation.messages

    for row in renderer.iterate_rows(messages()):
        row_id, held_out = waiting.popleft()
        if cause := find_drop_cause(row, ANY_LENGTH):
            count.dropped[cause] += 1
        else:
            sides[held_out].add(len(row.ids), row.spans)
        yield row_id, row.first_trained


def _measure_pairs(
    rules: dict[str, tuple[int, int]], path: Path, renderer: Renderer, count: RowCount, sides: dict[bool, Lengths]
) -> Iterator[tuple[int, int | None]]:
    """Each pair's id, and the place from where it teaches something or None. Counts in `rules` what passes."""
    for pair, rendered in iterate_rendered(iterate_pairs(path, count), renderer):
        cause = find_pair_drop_cause(rendered, ANY_LENGTH)
        if cause:
            count.dropped[cause] += 1
        else:
            sides[pair.held_out].add_pair(rendered)
            for name, (chosen, rejected) in rules.items():
                rules[name] = (chosen + _passes(name, pair, pair.chosen), rejected + _passes(name, pair, pair.rejected))
        yield pair.row_id, None if cause else rendered.first_useful


def _passes(name: str, pair: Pair, side: list[dict[str, Any]]) -> bool:
    texts = [str(messages[-1].get("content") or "") for messages in (pair.prompt, side)]
    return VERIFIERS[name].passes(Reply(*texts, stopped=True), "")
