"""Changing many rows at once, and every step back and forth: counted first, shown first, one change for undo."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import orjson

from studio.data.row_actions import read_action
from studio.data.selection import Selection
from studio.people import Person
from studio.services.dataset_rows import DatasetRows
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.store.changes import Change, Changes
from studio.store.connection import transaction
from studio.store.history import History, details_of, rows_of
from studio.store.row_changes import KEEP, Outcome, RowChange, write_changes
from studio.store.row_planning import in_order, plan_rows
from studio.store.selecting import Selector

__all__ = ["KEEP", "Bulk", "RowChange", "apply_changes"]

AT_ONCE_ROWS = 20_000
"""More rows than this are changed by a job, so that nobody waits for an answer; fewer take at most a second or two."""

_PREVIEW_ROWS = 20
_LISTED_CHANGES = 50


def apply_changes(
    connection: sqlite3.Connection,
    person_id: str,
    deed: str,
    action: str,
    details: Mapping[str, Any],
    changes: Iterable[RowChange],
) -> int:
    """Make all of the changes one that undo takes back as one; how many rows it has. The same deed changes once.

    action: worded under `data.change.<action>`, with `details` and `rows`. In a transaction of its own, unless the
    caller has begun one. Rows that are gone, that have another revision by now or whose record would have problems
    are left as they are. Raises RequestRefused for a deed that was something else.
    """
    with nullcontext() if connection.in_transaction else transaction(connection):
        return write_changes(Changes(connection, person_id), deed, action, details, changes).changed


class Bulk:
    """Bulk changes and undo in the datasets of every workspace. Thread-safe: each call opens what it needs."""

    def __init__(self, datasets: Datasets, queue: Queue) -> None:
        self._datasets = datasets
        self._queue = queue

    # Many rows --------------------------------------------------------------------------------------------------------

    def count(self, person: Person, dataset_id: str, selection: Selection) -> int:
        """How many rows are meant. Raises NotYours, PatternTooSlow."""
        with self._opened(person, dataset_id) as rows:
            return Selector(rows.connection, in_order(selection)).count()

    def preview(
        self,
        person: Person,
        dataset_id: str,
        selection: Selection,
        action: Mapping[str, Any],
        limit: int = _PREVIEW_ROWS,
    ) -> list[dict[str, Any]]:
        """The first rows that the action would change: [{row_id, position, before, after, places}].

        before, after: records; after is None where the row would be deleted. Raises what `read_action` raises.
        """
        read = read_action(action)
        shown: list[dict[str, Any]] = []
        with self._opened(person, dataset_id) as rows:
            for planned in plan_rows(rows.connection, selection, read):
                if planned is None:
                    continue
                before = planned.before or orjson.loads(planned.row.record)
                after = before if planned.change.record is KEEP else planned.change.record
                place = {"row_id": planned.row.row_id, "position": rows.table.position(planned.row.row_id)}
                shown.append(place | {"before": before, "after": after, "places": planned.places})
                if len(shown) >= limit:
                    break
        return shown

    def apply(
        self,
        person: Person,
        dataset_id: str,
        selection: Selection,
        action: Mapping[str, Any],
        deed: str,
        seen: int | None = None,
    ) -> dict[str, Any]:
        """Change all rows that are meant: {changed, skipped: {cause: rows}, skipped_rows: ids of the first}.

        seen: the newest change that the person's page showed; rows that anybody has changed since are skipped as
        "changed". Raises what `read_action` raises.
        """
        read = read_action(action)
        with self._opened(person, dataset_id) as rows, transaction(rows.connection):
            newer = rows.changes.touched_since(seen) if seen is not None else set()
            planned = _without(plan_rows(rows.connection, selection, read), newer)
            outcome = write_changes(rows.changes, deed, read.name, read.details, planned.changes())
            planned.tell(outcome)
            return told(outcome)

    # Steps ------------------------------------------------------------------------------------------------------------

    def undo(self, person: Person, dataset_id: str, deed: str, expected: int | None = None) -> dict[str, Any]:
        """Take back the newest change: {kind, row_id, position, rows}. Raises NothingToUndo, ChangedMeanwhile."""
        with self._opened(person, dataset_id) as rows:
            return rows.undo(deed, expected)

    def redo(self, person: Person, dataset_id: str, deed: str, expected: int | None = None) -> dict[str, Any]:
        """Do again what was undone last; what `undo` gives. Raises NothingToRedo, ChangedMeanwhile."""
        with self._opened(person, dataset_id) as rows:
            return rows.redo(deed, expected)

    def steps(self, person: Person, dataset_id: str) -> dict[str, Any]:
        """{undo, redo}: what the next step of each kind would take back or do again, or None."""
        with self._opened(person, dataset_id) as rows:
            undo, redo = History(rows.changes).next_steps()
        return {"undo": undo and told_change(undo), "redo": redo and told_change(redo)}

    def history(self, person: Person, dataset_id: str, before: int | None = None) -> list[dict[str, Any]]:
        """Fifty changes, newest first, older than the change `before`; each with `stands`: whether it is not undone."""
        with self._opened(person, dataset_id) as rows:
            return [
                told_change(change) | {"stands": stands}
                for change, stands in rows.changes.listed(before, _LISTED_CHANGES)
            ]

    @contextmanager
    def _opened(self, person: Person, dataset_id: str) -> Iterator[DatasetRows]:
        with self._datasets.rows(person, dataset_id) as rows:
            yield rows


class _Plan:
    def __init__(self, planned: Iterable[Any], newer: set[int]) -> None:
        self._planned = planned
        self._newer = newer
        self._skipped: list[int] = []

    def changes(self) -> Iterator[RowChange]:
        for planned in self._planned:
            if planned is None:
                continue
            if planned.row.row_id in self._newer:
                self._skipped.append(planned.row.row_id)
            else:
                yield planned.change

    def tell(self, outcome: Outcome) -> None:
        for row_id in self._skipped:
            outcome.skip("changed", row_id)


def _without(planned: Iterable[Any], newer: set[int]) -> _Plan:
    return _Plan(planned, newer)


def told(outcome: Outcome) -> dict[str, Any]:
    return {"changed": outcome.changed, "skipped": dict(outcome.skipped), "skipped_rows": outcome.skipped_rows}


def told_change(change: Change) -> dict[str, Any]:
    """action and details: for the words `data.change.<action>`; rows: how many; row_id: of a change of one row."""
    return {
        "change_id": change.change_id,
        "action": change.action,
        "details": details_of(change),
        "rows": rows_of(change),
        "row_id": change.row_id,
        "person": change.person,
        "time": change.time,
    }
