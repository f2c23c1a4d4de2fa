"""From a selection and an action to the changes of its rows, one by one, and what they would look like."""

from __future__ import annotations

import sqlite3
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from studio.data.checks import CHECKS
from studio.data.row_actions import Look, RowAction
from studio.data.selection import Selection
from studio.store.fixing import ELSEWHERE_GONE, IGNORED, OTHER_GONE, Fixing
from studio.store.masks import Masks, masks_path
from studio.store.other_rows import OtherPlace, OtherRows, one_fix_at_a_time
from studio.store.placeholders import standing_numbers
from studio.store.row_changes import KEEP, Outcome, RowChange
from studio.store.selecting import Found, Selector
from studio.store.table import StoredRow, Table

_BATCH_ROWS = 1000


def _go_on() -> None:
    """Nobody stops it."""


class PlanningTooLong(Exception):
    """What the rows become was not worked out in the time that it was given."""


@dataclass(frozen=True)
class Planned:
    """One row as an action would have it. before: None where the action does not read it. places: how many differ.

    because: the other row that is the reason why this one is left out.
    """

    change: RowChange
    before: dict[str, Any] | None
    places: int
    because: int | OtherPlace | None = None

    @property
    def row_id(self) -> int:
        return int(self.change.row_id or 0)


@dataclass
class Planning:
    """What an action makes of the rows of a selection, read as it is asked for, in the table's order.

    row_ids: the rows that were found to be meant. masks: of a fix. newer: rows that somebody has changed since the
    person looked, or since the rows were found; they are skipped. end_s: of the clock that `time.monotonic` reads. watch: asked between rows and between
    the texts of a row; what it raises ends the planning.
    """

    connection: sqlite3.Connection
    workspace: Path
    dataset_id: str
    selection: Selection
    action: RowAction
    masks: Masks
    row_ids: array
    end_s: float = float("inf")
    watch: Look = _go_on
    newer: set[int] = field(default_factory=set)
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_rows: list[int] = field(default_factory=list)
    _fixing: Fixing | None = None

    def iterate(self) -> Iterator[Planned | None]:
        """One for each row that is meant: None where the action leaves it as it is. Raises PlanningTooLong."""
        for planned in self._fixes() if self.action.fix else self._rows():
            self.look()
            if planned is not None and planned.row_id in self.newer:
                self.skipped["changed"] += 1
                self.skipped_rows.append(planned.row_id)
                planned = None
            yield planned

    def look(self) -> None:
        """Raises PlanningTooLong, or what `watch` raises."""
        if time.monotonic() > self.end_s:
            raise PlanningTooLong
        self.watch()

    def changes(self) -> Iterator[RowChange]:
        return (planned.change for planned in self.iterate() if planned is not None)

    def standing(self, planned: Iterable[Planned]) -> Iterator[RowChange]:
        """Of what was planned before, that which still has its reason: asked inside the transaction that writes it."""
        if self._fixing is None:
            yield from (one.change for one in planned)
            return
        reasons, ignored = self._fixing.reasons(), self._fixing.rows_ignored()
        with OtherRows(self.workspace, self.dataset_id) as others:
            for one in planned:
                because = one.because
                if None in ignored or one.row_id in ignored:
                    self.skipped[IGNORED] += 1
                elif isinstance(because, int) and not reasons.hold(one.row_id, because):
                    self.skipped[OTHER_GONE] += 1
                elif isinstance(because, OtherPlace) and not others.is_there(because):
                    self.skipped[ELSEWHERE_GONE] += 1
                else:
                    yield one.change

    def tell(self, outcome: Outcome) -> dict[str, Any]:
        """{changed, skipped: {cause: rows}, skipped_rows: ids of the first}."""
        rows = [*self.skipped_rows, *outcome.skipped_rows]
        return {"changed": outcome.changed, "skipped": dict(outcome.skipped + self.skipped), "skipped_rows": rows[:200]}

    def _rows(self) -> Iterator[Planned | None]:
        table = Table(self.connection)
        for start in range(0, len(self.row_ids), _BATCH_ROWS):
            for row in table.rows_by_id(list(self.row_ids[start : start + _BATCH_ROWS])):
                yield plan_row(row, self.action, self.look)

    def _fixes(self) -> Iterator[Planned | None]:
        check, code = self.action.fix or ("", "")
        row_ids = list(self.row_ids) if self.selection.has_conditions else None
        with OtherRows(self.workspace, self.dataset_id) as others:
            self._fixing = Fixing(self.connection, check, code, self.masks, others, row_ids)
            for fix in self._fixing.iterate():
                yield Planned(fix.change, fix.before, 1, fix.because)
        self.skipped.update(self._fixing.skipped)


def find_meant(
    connection: sqlite3.Connection,
    selection: Selection,
    limit_s: float | None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Found:
    """The rows of a selection in the table's order, in which changes are kept. Raises PatternTooSlow.

    Stands outside the transaction that changes them: a pattern may look for minutes, and nobody could save a row.
    """
    return Selector(connection, replace(selection, sort="position", descending=False)).find(limit_s, is_stopped)


def plan(
    connection: sqlite3.Connection,
    workspace: Path,
    dataset_id: str,
    selection: Selection,
    action: RowAction,
    found: Found,
) -> Planning:
    masks = Masks(masks_path(workspace, dataset_id), partial(standing_numbers, connection))
    return Planning(connection, workspace, dataset_id, selection, action, masks, found.row_ids)


def held_for(workspace: Path, action: RowAction, wait: Callable[[], None]) -> AbstractContextManager[None]:
    """What stands around the transaction that writes an action's changes. wait: as of `one_fix_at_a_time`."""
    check, code = action.fix or (None, None)
    is_elsewhere = check is not None and code in CHECKS[check].elsewhere
    return one_fix_at_a_time(workspace, wait) if is_elsewhere else nullcontext()


def plan_row(row: StoredRow, action: RowAction, look: Look) -> Planned | None:
    record, before, places = KEEP, None, 0
    if action.make is not None:
        before = orjson.loads(row.record)
        made = action.make(before, look)
        if not made.places:
            return None
        record, places = made.record, made.places
    change = RowChange(
        row.row_id,
        # Tags and sides stand beside the record: whoever edits it meanwhile does not come in the way.
        row.revision if action.deletes or action.make is not None else None,
        None if action.deletes else record,
        action.tags_add,
        action.tags_remove,
        action.split_key,
    )
    return Planned(change, before, places)
