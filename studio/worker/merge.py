"""The job that merges datasets: rows drawn from each by weight or number become one new dataset that names their origin."""

from __future__ import annotations

import sqlite3
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Field

from studio.data.blends import MOST_PARTS, SEED_LIMIT, BlendPart, count_shared, draw_rows, same_key
from studio.data.conversions import can_become, convert_record
from studio.data.records import KINDS, check_record, split_key
from studio.data.splits import DEFAULT_HELD_OUT_FRACTION, NOBODY
from studio.errors import DatasetEmpty
from studio.events import Event, Finished, Phase, Progress, Rows, Stopped
from studio.store.blending import ids_of_kinds, insert_tags, set_split_keys
from studio.store.catalogue import DatasetEntry, open_catalogue
from studio.store.dataset_file import SUFFIX, build_dataset, held_dataset, open_dataset, remove_abandoned
from studio.store.masks import Masks, masks_path
from studio.store.placeholders import iterate_marked
from studio.store.renumbering import Renumbering
from studio.store.table import StoredRow, Table
from studio.worker.context import WorkerJob
from studio.worker.duplicate import enter_dataset, now

_BATCH_ROWS = 500
_ABOVE = 1e-12
"""Keys up to the share are held out, so the smallest key of a trained row lies above it."""

NOT_CONVERTIBLE, IN_EARLIER = "kind_not_convertible", "in_earlier_dataset"


class MergeOptions(BaseModel):
    """kind: what every row becomes. leave_out_shared: rows that stand in an earlier part as well are taken once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset_id: str = Field(pattern=r"^d-[0-9a-f]{16}$")
    name: str
    kind: str
    parts: list[BlendPart] = Field(min_length=1, max_length=MOST_PARTS)
    seed: int = Field(ge=0, lt=SEED_LIMIT)
    leave_out_shared: bool = True


@dataclass
class _Part:
    """One dataset on its way: which rows of it, how often, and what they became."""

    entry: DatasetEntry
    connection: sqlite3.Connection
    table: Table
    renumbering: Renumbering
    row_ids: np.ndarray
    counts: np.ndarray
    keys: array = field(default_factory=lambda: array("d"))
    rows: int = 0


class _StoppedByPerson(Exception):
    pass


def run(job: WorkerJob) -> Iterator[Event]:
    """Raises NotYours, FileUnreadable, DatasetEmpty, NameTaken, DiskFull. Killed at any moment it leaves nothing."""
    began_s = time.monotonic()
    options = MergeOptions.model_validate(job.options)
    with open_catalogue(job.workspace) as catalogue:
        remove_abandoned(job.workspace / "datasets", catalogue.has_dataset)
    merging = _Merge(job, options)
    try:
        with held_dataset(merging.path):
            yield from merging.events()
    except _StoppedByPerson:
        yield Stopped(0)
        return
    yield Finished(options.dataset_id, time.monotonic() - began_s, merging.summary())


class _Merge:
    def __init__(self, job: WorkerJob, options: MergeOptions) -> None:
        self.path = job.workspace / "datasets" / (options.dataset_id + SUFFIX)
        self._job = job
        self._options = options
        self._parts: list[_Part] = []
        self._dropped: Counter[str] = Counter()
        self._masks = Masks(masks_path(job.workspace, options.dataset_id), self._standing_numbers)
        self._taken = 0
        self._words = array("d")  # of each written row, the number of its words (`split_key`)
        self._held_out = bytearray()  # and whether its dataset held it out
        self._same = array("d")  # and what it shares with the very same row elsewhere
        self._shared = 0

    def events(self) -> Iterator[Event]:
        yield Phase("looking")
        with ExitStack() as stack:
            for number, part in enumerate(self._options.parts):
                self._parts.append(self._open(stack, number, part))
            total = int(sum(part.counts.sum() for part in self._parts))
            yield Phase("merging", total=total, unit="rows")
            with build_dataset(self.path) as connection:
                for part in self._parts:
                    yield from self._take(connection, part, total)
                if not self._words:
                    raise DatasetEmpty(name=self._options.name)
                self._settle_splits(connection)
            yield Rows(self._taken, len(self._words), 0, dict(self._dropped))
        self._masks.save()
        self._shared = count_shared([np.frombuffer(part.keys) for part in self._parts])
        enter_dataset(self._job, self._entry())

    def summary(self) -> dict[str, Any]:
        """rows, shared: how many stand in an earlier part as well; parts: rows of each; dropped: by cause."""
        parts = [{"name": part.entry.name, "rows": part.rows} for part in self._parts]
        return {"rows": len(self._words), "shared": self._shared, "parts": parts, "dropped": dict(self._dropped)}

    def _open(self, stack: ExitStack, number: int, part: BlendPart) -> _Part:
        with open_catalogue(self._job.workspace) as catalogue:
            entry = catalogue.dataset(part.dataset_id)
        connection = stack.enter_context(open_dataset(self._job.workspace / "datasets" / (part.dataset_id + SUFFIX)))
        connection.execute("BEGIN")  # every row as it stood when the merge began
        table = Table(connection)
        kinds = [kind for kind in KINDS if can_become(kind, self._options.kind)]
        available = ids_of_kinds(connection, kinds)
        row_ids, counts = draw_rows(available, part.wanted(len(available)), self._options.seed, number)
        known = Masks(masks_path(self._job.workspace, part.dataset_id))
        return _Part(entry, connection, table, Renumbering(known, self._masks), row_ids, counts)

    def _standing_numbers(self) -> dict[str, int]:
        """Of placeholders that no part's map knows: they stay as they are, so that nothing else may become them."""
        highest: dict[str, int] = {}
        for part in self._parts:
            for kind, number in part.renumbering.highest_unknown(iterate_marked(part.connection)).items():
                highest[kind] = max(highest.get(kind, 0), number)
        return highest

    def _take(self, made: sqlite3.Connection, part: _Part, total: int) -> Iterator[Event]:
        threshold = part.table.fact("held_out_threshold")
        earlier = frozenset(self._same) if self._options.leave_out_shared else frozenset()
        for start in range(0, len(part.row_ids), _BATCH_ROWS):
            if self._job.should_stop():
                raise _StoppedByPerson
            wanted = part.row_ids[start : start + _BATCH_ROWS].tolist()
            counts = dict(zip(wanted, part.counts[start : start + _BATCH_ROWS].tolist(), strict=True))
            tags = part.table.tags_of(wanted)
            rows, row_tags = [], []
            for row in part.table.rows_by_id(wanted):
                self._taken += counts[row.row_id]
                for made_row in self._made(part, row, counts[row.row_id], row.split_key <= threshold, earlier):
                    rows.append(made_row)
                    row_tags += [(made_row[0], tag) for tag in sorted(tags.get(row.row_id, ()))]
            Table(made).insert(rows)
            insert_tags(made, row_tags)
            yield Progress(self._taken, total, "rows")

    def _made(
        self, part: _Part, row: StoredRow, count: int, is_held_out: bool, earlier: frozenset[float]
    ) -> Iterator[tuple[int, str, str, str, float]]:
        """The rows that one drawn row becomes, as the table takes them."""
        record = convert_record(orjson.loads(row.record), self._options.kind)
        if record is None or check_record(record):
            self._dropped[NOT_CONVERTIBLE] += count
            return
        record = part.renumbering.renumber(record)
        words, same = split_key(record), same_key(record)
        part.keys.append(same)
        if same in earlier:
            self._dropped[IN_EARLIER] += count
            return
        text, meta = orjson.dumps(record).decode(), _with_origin(row, part.entry)
        part.rows += count
        for _ in range(count):
            self._words.append(words)
            self._held_out.append(is_held_out)
            self._same.append(same)
            yield len(self._words), self._options.kind, text, meta, _key(words, is_held_out)

    def _settle_splits(self, made: sqlite3.Connection) -> None:
        """A row held out in one part is held out wherever its words stand: no part's evaluation leaks into training."""
        words, held_out = np.frombuffer(self._words), np.frombuffer(self._held_out, dtype=bool)
        leaking = np.flatnonzero(~held_out & np.isin(words, words[held_out]))
        set_split_keys(made, ((_key(float(words[at]), True), int(at) + 1) for at in leaking))
        table = Table(made)
        share = (held_out.sum() + len(leaking)) / len(words)
        table.write_facts({"format": 1, "held_out_fraction": round(float(share), 4)})
        table.recount(DEFAULT_HELD_OUT_FRACTION if share else NOBODY)

    def _entry(self) -> DatasetEntry:
        source = {
            "source": f"merge:{self._job.spec.id}",
            "file": ", ".join(part.entry.name for part in self._parts),
            "guesses": {},
        }
        options = self._options
        return DatasetEntry(options.dataset_id, options.name, options.kind, source, self._job.spec.id, now())


def _key(words: float, is_held_out: bool) -> float:
    """A split key on its side of the default share that still depends on the row's words alone."""
    share = DEFAULT_HELD_OUT_FRACTION
    return words * share if is_held_out else 1 - (1 - words) * (1 - share) + _ABOVE


def _with_origin(row: StoredRow, entry: DatasetEntry) -> str:
    """The row's meta with the dataset it was drawn from; what that said of an earlier origin stays inside."""
    meta = orjson.loads(row.meta)
    origin = {"dataset": entry.name, "dataset_id": entry.dataset_id, "row": row.row_id}
    if "origin" in meta:
        origin["origin"] = meta["origin"]
    return orjson.dumps(meta | {"origin": origin}).decode()
