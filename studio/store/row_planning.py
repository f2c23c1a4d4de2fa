"""From a selection and an action to the changes of its rows, one by one, and what they would look like."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from studio.data.row_actions import Made, RowAction
from studio.data.selection import Selection
from studio.store.row_changes import KEEP, RowChange
from studio.store.selecting import Selector
from studio.store.table import StoredRow


@dataclass(frozen=True)
class Planned:
    """One row as an action would have it. places: how many differ in its texts."""

    row: StoredRow
    change: RowChange
    before: dict[str, Any]
    places: int


def plan_rows(connection: sqlite3.Connection, selection: Selection, action: RowAction) -> Iterator[Planned | None]:
    """In the table's order, one for each row of the selection: None where the action leaves the row as it is."""
    for row in Selector(connection, in_order(selection)).iterate():
        yield plan_row(row, action)


def plan_row(row: StoredRow, action: RowAction) -> Planned | None:
    before: dict[str, Any] = {}
    record: Any = KEEP
    places = 0
    if action.deletes:
        record = None
    elif action.make is not None:
        before = orjson.loads(row.record)
        made: Made = action.make(before)
        if not made.places:
            return None
        record, places = made.record, made.places
    change = RowChange(
        row.row_id,
        # Tags and sides stand beside the record: whoever edits it meanwhile does not come in the way.
        row.revision if record is not KEEP else None,
        record,
        action.tags_add,
        action.tags_remove,
        action.split_key,
    )
    return Planned(row, change, before, places)


def in_order(selection: Selection) -> Selection:
    """The same rows in the table's order, in which changes are kept."""
    return replace(selection, sort="position", descending=False)
