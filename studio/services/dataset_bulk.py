"""Changing many rows at once, and every step back and forth: counted first, shown first, one change for undo."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from itertools import islice
from typing import Any

import orjson

from studio.data.checks import CHECKS
from studio.data.row_actions import read_action
from studio.data.selection import Selection
from studio.data.version_diff import compare_records
from studio.errors import NothingToRedo, NothingToUndo, RequestRefused
from studio.people import Person
from studio.services.dataset_rows import DatasetRows
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.store.changes import Change, Changes
from studio.store.connection import transaction
from studio.store.findings import Findings
from studio.store.history import History, details_of, rows_of
from studio.store.row_changes import KEEP, RowChange, measure_record, write_changes
from studio.store.row_planning import Planned, PlanningTooLong, find_meant, held_for, plan
from studio.store.selecting import SEARCH_TIME_S

__all__ = ["KEEP", "Bulk", "RowChange", "apply_changes"]

CHANGE_JOB, STEP_JOB = "change_rows", "step_rows"
AT_ONCE_ROWS = 20_000
"""More rows than this are changed by a job, so that nobody waits for an answer; fewer take a second or two."""

AT_ONCE_S = 3.0
"""What takes longer to find or to work out is left to a job too: while rows are changed, nobody else can save one."""

LOOK_S = 3.0
"""How long a change is tried out to say how many rows and places it would touch."""

_PREVIEW_ROWS = 20
_PREVIEW_CHARACTERS = 1_000_000
_LISTED_CHANGES = 50
_STEPS = ("undo", "redo")


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

    def count(self, person: Person, dataset_id: str, selection: Selection) -> dict[str, Any]:
        """{rows, complete}: how many rows are meant, of those that were looked at in time. Raises NotYours, PatternTooSlow."""
        with self._opened(person, dataset_id) as rows:
            found = find_meant(rows.connection, selection, SEARCH_TIME_S)
        return {"rows": len(found.row_ids), "complete": found.complete}

    def preview(
        self,
        person: Person,
        dataset_id: str,
        selection: Selection,
        action: Mapping[str, Any],
        limit: int = _PREVIEW_ROWS,
    ) -> list[dict[str, Any]]:
        """The first rows found in LOOK_S that the action would change: [{row_id, position, before, after, places}].

        before, after: records; after is None where the row would be deleted. Raises what `read_action` raises.
        """
        read = read_action(action)
        with self._opened(person, dataset_id) as rows:
            found = find_meant(rows.connection, selection, LOOK_S)
            planning = plan(rows.connection, person.workspace, dataset_id, selection, read, found)
            changed = (planned for planned in planning.iterate() if planned is not None)
            return [_shown(rows, planned) for planned in islice(changed, limit)]

    def look(self, person: Person, dataset_id: str, selection: Selection, action: Mapping[str, Any]) -> dict[str, Any]:
        """What the action would do: {rows, places, complete, first}, tried out on as many rows as LOOK_S allows.

        rows, places: that would change; complete: all rows were tried. first: as `preview`, with `parts` in place of
        the records, as `compare_records` tells them.
        """
        end_s = time.monotonic() + LOOK_S
        first: list[dict[str, Any]] = []
        changed = places = characters = 0
        read = read_action(action)
        with self._opened(person, dataset_id) as rows:
            found = find_meant(rows.connection, selection, LOOK_S)
            complete = found.complete
            planning = plan(rows.connection, person.workspace, dataset_id, selection, read, found)
            planning.end_s = end_s
            try:
                for planned in planning.iterate():
                    if planned is None:
                        continue
                    changed, places = changed + 1, places + planned.places
                    if len(first) < _PREVIEW_ROWS and characters < _PREVIEW_CHARACTERS:
                        shown = _shown(rows, planned)
                        characters += measure_record(shown["before"]) + measure_record(shown["after"])
                        first.append(shown | {"parts": compare_records(shown.pop("before"), shown.pop("after"))})
            except PlanningTooLong:
                complete = False
        return {"rows": changed, "places": places, "complete": complete, "first": first}

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
        "changed". More than AT_ONCE_ROWS, and what takes more than AT_ONCE_S, are left to a job: {job_id}; its summary
        is the same. Raises what `read_action` raises.
        """
        read = read_action(action)
        with self._opened(person, dataset_id) as rows:
            last = rows.changes.last_id()
            found = find_meant(rows.connection, selection, AT_ONCE_S)
            is_small = found.complete and len(found.row_ids) <= AT_ONCE_ROWS
            if is_small or rows.changes.find(deed):
                held = held_for(person.workspace, read, partial(_wait_until, time.monotonic() + AT_ONCE_S))
                with suppress(PlanningTooLong), held, transaction(rows.connection):
                    planning = plan(rows.connection, person.workspace, dataset_id, selection, read, found)
                    planning.newer = rows.changes.touched_since(last if seen is None else min(seen, last))
                    planning.end_s = time.monotonic() + AT_ONCE_S
                    outcome = write_changes(rows.changes, deed, read.name, read.details, planning.changes())
                    planning.masks.save()  # before the rows: a placeholder whose value nobody knows would be a loss
                    return planning.tell(outcome)
        options = {"dataset_id": dataset_id, "selection": selection.as_json(), "action": dict(action), "seen": seen}
        return {"job_id": self._submit(person, CHANGE_JOB, dataset_id, options, deed)}

    def menu(self, person: Person, dataset_id: str) -> dict[str, Any]:
        """What rows can be picked by: {tags: [{tag, rows}], kinds: [{kind, rows}], checks: [{name, title, codes}]}.

        title and words in both languages; codes: those that stand on rows, with `rows` and whether they are `fixable`.
        """
        with self._opened(person, dataset_id) as rows:
            tags, kinds = rows.table.count_tags(), rows.table.count_kinds()
            standing = Findings(rows.connection).count_open()
            runs = Findings(rows.connection).runs()
        checks = []
        for check in CHECKS:
            codes = [
                {
                    "code": code,
                    "words": _both(check.words[code]),
                    "rows": standing[check.name, code][1],
                    "fixable": code in check.fixable,
                }
                for code in check.words
                if standing.get((check.name, code), (0, 0))[1]
            ]
            if codes:
                checks.append({"name": check.name, "title": _both(check.title), "codes": codes})
        return {"tags": tags, "kinds": kinds, "checks": checks, "ran": len(runs)}

    # Steps ------------------------------------------------------------------------------------------------------------

    def undo(self, person: Person, dataset_id: str, deed: str, expected: int | None = None) -> dict[str, Any]:
        """Take back the newest change: {kind, row_id, position, rows}, or {job_id} for very many rows.

        expected: the id of the change that the person was told of. Raises NothingToUndo, ChangedMeanwhile.
        """
        return self._step(person, dataset_id, "undo", deed, expected)

    def redo(self, person: Person, dataset_id: str, deed: str, expected: int | None = None) -> dict[str, Any]:
        """Do again what was undone last; what `undo` gives. Raises NothingToRedo, ChangedMeanwhile."""
        return self._step(person, dataset_id, "redo", deed, expected)

    def steps(self, person: Person, dataset_id: str) -> dict[str, Any]:
        """{undo, redo}: what the next step of each kind would take back or do again, or None."""
        with self._opened(person, dataset_id) as rows:
            return {step: change and told_change(rows, change) for step, change in _next_steps(rows).items()}

    def history(self, person: Person, dataset_id: str, before: int | None = None) -> list[dict[str, Any]]:
        """Fifty changes, newest first, older than the change `before`; each with `stands`: whether it is not undone."""
        with self._opened(person, dataset_id) as rows:
            listed = rows.changes.listed(before, _LISTED_CHANGES)
            return [told_change(rows, change) | {"stands": stands} for change, stands in listed]

    # Inside -----------------------------------------------------------------------------------------------------------

    def _step(self, person: Person, dataset_id: str, step: str, deed: str, expected: int | None) -> dict[str, Any]:
        with self._opened(person, dataset_id) as rows:
            change = _next_steps(rows)[step]
            if rows.changes.find(deed) or (change and rows_of(change) <= AT_ONCE_ROWS):
                return rows.undo(deed, expected) if step == "undo" else rows.redo(deed, expected)
        if change is None:
            raise NothingToUndo() if step == "undo" else NothingToRedo()
        options = {"dataset_id": dataset_id, "step": step, "expected": expected or change.change_id}
        return {"job_id": self._submit(person, STEP_JOB, dataset_id, options, deed)}

    def _submit(self, person: Person, kind: str, dataset_id: str, options: dict[str, Any], deed: str) -> str:
        return self._queue.submit(person, kind, self._datasets.info(person, dataset_id)["name"], options, deed)

    def stop(self, person: Person, job_id: str) -> None:
        """Ask a job of ours to stop: then nothing is changed. Raises JobNotFound, RequestRefused."""
        if self._queue.find(person, job_id).spec.kind not in (CHANGE_JOB, STEP_JOB):
            raise RequestRefused()
        self._queue.stop(person, job_id)

    @contextmanager
    def _opened(self, person: Person, dataset_id: str) -> Iterator[DatasetRows]:
        with self._datasets.rows(person, dataset_id) as rows:
            yield rows


def _wait_until(end_s: float) -> None:
    if time.monotonic() > end_s:
        raise PlanningTooLong


def _next_steps(rows: DatasetRows) -> dict[str, Change | None]:
    return dict(zip(_STEPS, History(rows.changes).next_steps(), strict=True))


def _shown(rows: DatasetRows, planned: Planned) -> dict[str, Any]:
    before = planned.before or orjson.loads(rows.table.row(planned.row_id).record)
    after = before if planned.change.record is KEEP else planned.change.record
    place = {"row_id": planned.row_id, "position": rows.table.position(planned.row_id)}
    return place | {"before": before, "after": after, "places": planned.places}


def told_change(rows: DatasetRows, change: Change) -> dict[str, Any]:
    """action and details: for the words `data.change.<action>`; rows: how many; position: of a change of one row."""
    return {
        "change_id": change.change_id,
        "action": change.action,
        "details": details_of(change),
        "rows": rows_of(change),
        "row_id": change.row_id,
        "position": None if change.row_id is None else rows.table.position(change.row_id),
        "person": change.person,
        "time": change.time,
    }


def _both(text: Any) -> dict[str, str]:
    return {"en": text.en, "ja": text.ja}
