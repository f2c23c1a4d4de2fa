"""The job that counts the tokens of a dataset's rows as they stand, and afterwards only of those that changed."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from studio.data.records import PREFERENCE, iterate_texts
from studio.data.splits import HELD_OUT, split_of
from studio.events import Event, Finished, Phase, Progress
from studio.models.catalogue import read_base_folder
from studio.models.rendering import RenderedRow, Renderer
from studio.models.xray import count_tokens
from studio.store.changes import Changes
from studio.store.connection import transaction
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.row_lengths import RowLength, RowLengths
from studio.store.table import StoredRow, Table
from studio.training.measures import LateRows, Lengths, Measure, measure_path, write_measure
from studio.training.methods import Learns
from studio.training.pairs import Pair, RenderedPair, find_pair_drop_cause, iterate_rendered
from studio.training.rows import find_conversation
from studio.training.trainspec import Name
from studio.worker.context import WorkerJob

CHUNK_ROWS = 512
ANY_LENGTH = 2**40


class MeasureRowsOptions(BaseModel):
    """base_folder: what the id of the base was found to mean when the job was submitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    base: Name
    base_folder: str
    learns: Learns = "conversations"


def run(job: WorkerJob) -> Iterator[Event]:
    """Writes the length of each row into the dataset's file, for filters and checks, and the small file of all of them."""
    began = time.perf_counter()
    options = MeasureRowsOptions.model_validate(job.options)
    base = read_base_folder(options.base, Path(options.base_folder))
    target = measure_path(job.workspace, options.dataset_id, base, options.learns)
    yield Phase("counting_tokens", unit="rows")
    with open_dataset(job.workspace / "datasets" / (options.dataset_id + SUFFIX), job.heed_stop) as connection:
        lengths = RowLengths(connection, options.base)
        with transaction(connection):
            lengths.begin(target.stem)
        renderer = Renderer(base)
        total, done = lengths.count_waiting(), 0
        last = 0
        while waiting := lengths.waiting(CHUNK_ROWS, last):
            last = waiting[-1].row_id
            found = list(_measure(renderer, waiting, options.learns))
            with transaction(connection):
                lengths.write(found)
            done += len(found)
            yield Progress(done, max(total, done), "rows")
            if job.should_stop():
                return
        measure = _sum_up(connection, lengths, job.spec.owner)
    write_measure(target, measure)
    yield Finished(None, time.perf_counter() - began, {"rows": measure.read, "measured": done})


def _measure(renderer: Renderer, rows: list[StoredRow], learns: Learns) -> Iterator[RowLength]:
    """Rows of another kind than is learned train nothing."""
    records = [(row, orjson.loads(row.record)) for row in rows]
    if learns == "pairs":
        pairs = [
            Pair(row.row_id, r["prompt"], r["chosen"], r["rejected"], False, 0.0)
            for row, r in records
            if row.kind == PREFERENCE
        ]
        made: dict[Any, Any] = {pair.row_id: rendered for pair, rendered in iterate_rendered(pairs, renderer)}
    else:
        talks = [(row.row_id, find_conversation(row.kind, record)) for row, record in records]
        talks = [(row_id, messages) for row_id, messages in talks if messages is not None]
        rendered_rows = renderer.iterate_rows(messages for _, messages in talks)
        made = {row_id: rendered for (row_id, _), rendered in zip(talks, rendered_rows, strict=True)}
    for row, record in records:
        rendered = made.get(row.row_id)
        if isinstance(rendered, RenderedPair):
            yield _pair_length(row, rendered)
        elif isinstance(rendered, RenderedRow):
            spans = list(rendered.spans)
            yield RowLength(row.row_id, row.revision, len(rendered.ids), rendered.first_trained, spans)
        else:
            yield RowLength(row.row_id, row.revision, _count_unlearned(renderer, record), None, None)


def _count_unlearned(renderer: Renderer, record: Any) -> int:
    """As the X-ray shows the record; of one that it cannot render the tokens of its texts."""
    if count := count_tokens(renderer, record):
        return count
    texts = "\n".join(text for _, _, text in iterate_texts(record))
    return len(renderer.tokenizer.encode(texts, add_special_tokens=False).ids)


def _pair_length(row: StoredRow, pair: RenderedPair) -> RowLength:
    first = None if find_pair_drop_cause(pair, ANY_LENGTH) else pair.first_useful
    spans = [*pair.chosen.spans, *pair.rejected.spans]
    return RowLength(row.row_id, row.revision, pair.longest, first, spans, pair.shortest)


def _sum_up(connection: sqlite3.Connection, lengths: RowLengths, owner: str) -> Measure:
    """As `studio.worker.measure` sums up a version, of the rows as they stood at one moment."""
    connection.execute("BEGIN")
    sides = {False: Lengths(), True: Lengths()}
    late, dropped, read = LateRows(), Counter[str](), 0
    threshold = Table(connection).fact("held_out_threshold")
    for split_key, found in lengths.iterate():
        read += 1
        if found.spans is None:
            dropped["wrong_kind"] += 1
            continue
        late.add(found.first, found.row_id)
        if found.first is None:
            dropped["no_reply"] += 1
        else:
            side = sides[split_of(split_key, threshold) == HELD_OUT]
            side.add(found.tokens, found.spans, found.first, found.shorter)
    last_change = Changes(connection, owner).last_id()
    connection.execute("COMMIT")
    return Measure(read, sides[False], sides[True], dict(dropped), 0, late.found(), {}, last_change)
