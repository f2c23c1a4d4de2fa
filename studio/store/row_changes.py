"""One change of many rows: written as what became of each, so that it can be taken back and done again as one."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import orjson

from studio.data.records import check_record, record_kind, split_key
from studio.errors import EditConflict, RequestRefused
from studio.store.changes import Changes
from studio.store.characters import count_characters
from studio.store.table import Standing, StoredRow, Table

KEEP: Mapping[str, Any] = MappingProxyType({})
"""In place of a record: the row's record stays as it is."""

CHUNK_ROWS = 1000
_CHUNK_CHARACTERS = 16_000_000
"""Records of a chunk are held together: a thousand that a replacement made as long as can be would fill the memory."""

_REPORTED_ROWS = 200

State = dict[str, Any]
"""What a change sets in a row: `record` as (characters kept at the start, at the end, what stands between), `kind`,
`deleted`, `split_key`, `changed`, `add` and `remove` (tags). Only what differs is there."""

Tick = Callable[[int], None]


def _go_on(_done: int) -> None:
    """Nobody watches, nobody stops."""


@dataclass(frozen=True)
class Rewrite:
    """A record worked out against the row as it then was. characters: of its texts. before, after: as of `record` in a
    State."""

    text: str
    kind: str
    characters: int
    before: list[Any]
    after: list[Any]


@dataclass(frozen=True)
class RowChange:
    """What is to become of one row.

    row_id: None for a new row at the end. revision: the row as it was looked at; where it has another one by now the
    row is left as it is; None: whatever it is. record: None deletes the row, KEEP leaves its record, a Rewrite is one
    that was worked out before and goes with the revision it was worked out for. split_key: moves the row (`splits.HELD_OUT_BY_HAND`, `TRAIN_BY_HAND`). meta: of a new row only. brings_back: the row may be a
    deleted one, which then is there again.
    """

    row_id: int | None
    revision: int | None = None
    record: Mapping[str, Any] | Rewrite | None = field(default_factory=lambda: KEEP)
    tags_add: tuple[str, ...] = ()
    tags_remove: tuple[str, ...] = ()
    split_key: float | None = None
    meta: Mapping[str, Any] | None = None
    brings_back: bool = False


@dataclass
class Outcome:
    """What became of the rows. skipped: how many by cause ("changed" by somebody meanwhile, "gone", "unusable": the
    record would have problems); skipped_rows: ids of the first ones. added: ids of new rows."""

    changed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_rows: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)

    def skip(self, cause: str, row_id: int | None) -> None:
        self.skipped[cause] += 1
        if row_id is not None and len(self.skipped_rows) < _REPORTED_ROWS:
            self.skipped_rows.append(row_id)


def work_out(change: RowChange, table: Table) -> RowChange:
    """The same change with what it writes ready, so that others wait less for the transaction that writes it.

    As it was given where there is nothing to work out, or where the row will be skipped.
    """
    if not _is_new_record(change) or change.row_id is None:
        return change
    row = table.row(change.row_id)
    made = _rewrite(change.record, row) if row.revision == change.revision else None
    return replace(change, record=made) if made else change


def write_changes(
    log: Changes,
    deed: str,
    action: str,
    details: Mapping[str, Any],
    changes: Iterable[RowChange],
    tick: Tick = _go_on,
) -> Outcome:
    """All of the rows as ONE change, inside a transaction of the caller. The same deed changes once.

    A row that is named again is skipped as "changed".

    action: worded under `data.change.<action>` with `details` and `rows`. tick: called with the number of rows looked
    at; what it raises undoes all. Nothing is written where no row changes. Raises RequestRefused for a deed that was
    something else.
    """
    if done := log.find(deed):
        if done.action != action:
            raise RequestRefused()
        return Outcome(changed=done.after["rows"])
    writer = _Writer(log, log.add(deed, action, None, {"rows": 0}, {"rows": 0, "details": dict(details)}))
    looked_at = 0
    for chunk in _chunks(changes):
        writer.write(chunk)
        looked_at += len(chunk)
        tick(looked_at)
    writer.finish(details)
    return writer.outcome


class _Writer:
    def __init__(self, log: Changes, change_id: int) -> None:
        self.outcome = Outcome()
        self._sql = log.connection
        self._log = log
        self._change_id = change_id
        self._table = Table(log.connection)
        self._blocks: set[int] = set()
        self._last = 0

    def write(self, chunk: list[RowChange]) -> None:
        there = {row.row_id: row for row in self._table.standing([c.row_id for c in chunk if c.row_id is not None])}
        read = [c.row_id for c in chunk if c.row_id is not None and _is_new_record(c)]
        whole = {row.row_id: row for row in self._table.rows_by_id(read)} if read else {}
        tags = self._table.tags_of(list(there)) if any(c.tags_add or c.tags_remove for c in chunk) else {}
        states: list[tuple[int, State, State]] = []
        named = self._named_before(chunk)
        for change in chunk:
            if change.row_id in named:
                self.outcome.skip("changed", change.row_id)
                continue
            if change.row_id is not None:
                named.add(change.row_id)
            made = self._add(change) if change.row_id is None else self._change(change, there, whole, tags)
            if made:
                states.append(made)
        write_states(self._sql, [(row_id, after) for row_id, _, after in states if "added" not in after])
        self._sql.executemany(
            "INSERT INTO change_rows (change_id, row_id, before, after) VALUES (?, ?, ?, ?)",
            [(self._change_id, row_id, _text(before), _text(after)) for row_id, before, after in states],
        )
        self._blocks |= moved_blocks((row_id, after) for row_id, _, after in states)
        self.outcome.changed += len(states)

    def _named_before(self, chunk: list[RowChange]) -> set[int]:
        """Rows of the chunk that an earlier one has changed. Whoever names rows in order is not asked."""
        row_ids = [change.row_id for change in chunk if change.row_id is not None]
        first, self._last, last = min(row_ids, default=0), max([*row_ids, self._last]), self._last
        if first > last:
            return set()
        found = self._sql.execute(
            "SELECT row_id FROM change_rows WHERE change_id = ? AND row_id IN (SELECT value FROM json_each(?))",
            (self._change_id, orjson.dumps(row_ids).decode()),
        )
        return {row[0] for row in found}

    def finish(self, details: Mapping[str, Any]) -> None:
        if not self.outcome.changed:
            self._log.drop(self._change_id)
            return
        rows = self.outcome.changed
        self._log.complete(self._change_id, {"rows": rows}, {"rows": rows, "details": dict(details)})
        self._table.recount_blocks(self._blocks)

    def _change(
        self,
        change: RowChange,
        there: Mapping[int, Standing],
        whole: Mapping[int, StoredRow],
        tags: Mapping[int, set[str]],
    ) -> tuple | None:
        row = there.get(change.row_id)
        if row is None or (row.deleted and not change.brings_back):
            self.outcome.skip("gone", change.row_id)
            return None
        if change.revision is not None and change.revision != row.revision:
            self.outcome.skip("changed", change.row_id)
            return None
        before: State = {}
        after: State = {}
        if row.deleted:
            before["deleted"], after["deleted"] = 1, 0
        if change.record is None:
            before["deleted"], after["deleted"] = 0, 1
        elif change.record is not KEEP:
            made = _rewrite(change.record, whole[row.row_id]) if _is_new_record(change) else change.record
            if made is None:
                self.outcome.skip("unusable", row.row_id)
                return None
            self._rewrite(made, row, before, after)
        if change.split_key is not None and change.split_key != row.split_key:
            before["split_key"], after["split_key"] = row.split_key, change.split_key
        has = tags.get(row.row_id, set())
        if add := sorted(set(change.tags_add) - has):
            before["remove"] = after["add"] = add
        if remove := sorted(set(change.tags_remove) & has):
            before["add"] = after["remove"] = remove
        return (row.row_id, before, after) if after else None

    def _rewrite(self, made: Rewrite, row: Standing, before: State, after: State) -> None:
        if made.before == made.after:
            return
        before["record"], after["record"] = made.before, made.after
        before["changed"], after["changed"] = row.changed, self._change_id
        if made.kind != row.kind:
            before["kind"], after["kind"] = row.kind, made.kind
        after["text"], after["characters"] = made.text, made.characters

    def _add(self, change: RowChange) -> tuple | None:
        record = change.record or {}
        if check_record(record):
            self.outcome.skip("unusable", None)
            return None
        text, meta = orjson.dumps(record).decode(), orjson.dumps(change.meta or {}).decode()
        key = split_key(record) if change.split_key is None else change.split_key
        row_id = self._table.append(str(record_kind(record)), text, meta, key, self._change_id)
        self._sql.executemany(
            "INSERT INTO row_tags (row_id, tag) VALUES (?, ?)", [(row_id, t) for t in change.tags_add]
        )
        self.outcome.added.append(row_id)
        return row_id, {"deleted": 1}, {"deleted": 0, "added": True}


def move_rows(connection: sqlite3.Connection, change_id: int, is_back: bool, tick: Tick = _go_on) -> None:
    """Take back the rows of a change, or do it again, inside a transaction of the caller. tick: as of `write_changes`.

    Raises EditConflict where a row is not as the change left it: then nothing but the log may know why.
    """
    table = Table(connection)
    blocks: set[int] = set()
    last, moved = -1, 0
    while chunk := connection.execute(
        "SELECT row_id, before, after FROM change_rows WHERE change_id = ? AND row_id > ? ORDER BY row_id LIMIT ?",
        (change_id, last, CHUNK_ROWS),
    ).fetchall():
        last = chunk[-1][0]
        there = {row.row_id: row for row in table.rows_by_id([row[0] for row in chunk])}
        states = []
        for row_id, before, after in chunk:
            leaving, coming = (after, before) if is_back else (before, after)
            states.append((row_id, _restored(table, there.get(row_id), orjson.loads(leaving), orjson.loads(coming))))
        write_states(connection, states)
        blocks |= moved_blocks(states)
        moved += len(states)
        tick(moved)
    table.recount_blocks(blocks)


def write_states(connection: sqlite3.Connection, states: list[tuple[int, State]]) -> None:
    """Set what the states say. Only what a person reads makes a new revision: a record or its deletion."""
    connection.executemany(
        "UPDATE rows SET record = ?, characters = ?, kind = COALESCE(?, kind), changed = ?, revision = revision + 1"
        " WHERE row_id = ?",
        [
            (text, state.pop("characters"), state.get("kind"), state["changed"], row_id)
            for row_id, state in states
            if (text := state.pop("text", None)) is not None
        ],
    )
    connection.executemany(
        "UPDATE rows SET deleted = ?, revision = revision + 1 WHERE row_id = ?",
        [(state["deleted"], row_id) for row_id, state in states if "deleted" in state],
    )
    connection.executemany(
        "UPDATE rows SET split_key = ? WHERE row_id = ?",
        [(state["split_key"], row_id) for row_id, state in states if "split_key" in state],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO row_tags (row_id, tag) VALUES (?, ?)",
        [(row_id, tag) for row_id, state in states for tag in state.get("add", ())],
    )
    connection.executemany(
        "DELETE FROM row_tags WHERE row_id = ? AND tag = ?",
        [(row_id, tag) for row_id, state in states for tag in state.get("remove", ())],
    )


def moved_blocks(states: Iterable[tuple[int, State]]) -> set[int]:
    """The blocks whose counts the states change."""
    return {Table.block_of(row_id) for row_id, state in states if "deleted" in state or "split_key" in state}


def _restored(table: Table, row: StoredRow | None, leaving: State, coming: State) -> State:
    if row is None:
        raise EditConflict(row=None)
    if "record" in coming:
        head, tail, middle = coming["record"]
        end = len(row.record) - tail
        if row.record[head:end] != leaving["record"][2]:
            raise EditConflict(row=table.position(row.row_id))
        text = row.record[:head] + middle + row.record[end:]
        coming["text"], coming["characters"] = text, count_characters(text)
    return coming


def _is_new_record(change: RowChange) -> bool:
    return change.record is not None and change.record is not KEEP and not isinstance(change.record, Rewrite)


def _rewrite(record: Any, row: StoredRow) -> Rewrite | None:
    """None where the record would have problems."""
    if check_record(record):
        return None
    text = orjson.dumps(record).decode()
    return Rewrite(text, str(record_kind(record)), count_characters(text), *_difference(row.record, text))


def _difference(before: str, after: str) -> tuple[list, list]:
    """Each text as what differs from the other. Most changes touch few letters of a row, and a million are kept."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    return [head, tail, before[head : len(before) - tail]], [head, tail, after[head : len(after) - tail]]


def _common(one: str, other: str) -> int:
    """How many characters both begin with: found by halves, each compared at the speed of memory."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _chunks(changes: Iterable[RowChange]) -> Iterator[list[RowChange]]:
    chunk: list[RowChange] = []
    characters = 0
    for change in changes:
        chunk.append(change)
        characters += measure_record(change.record)
        if len(chunk) == CHUNK_ROWS or characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def measure_record(record: Any) -> int:
    """Characters of all texts of what may be no record at all."""
    if isinstance(record, Rewrite):
        return len(record.text)
    characters, left = 0, [record]
    while left:
        value = left.pop()
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, Mapping):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return characters


def _text(state: State) -> str:
    return orjson.dumps(state).decode()
