"""What a person does with the rows of one dataset: read a page, edit, add, delete, undo, move the split."""

from __future__ import annotations

import math
import sqlite3
from typing import Any

import orjson

from studio.data.cells import COLUMNS, render_cells
from studio.data.records import check_record, record_kind, split_key
from studio.data.splits import HELD_OUT, SPLITS, TRAIN, held_out_threshold, split_of
from studio.errors import EditConflict, NotYours, OptionsInvalid, RecordInvalid, RequestRefused
from studio.store.changes import ADD, DELETE, EDIT, Change, Changes
from studio.store.changes import HELD_OUT as HELD_OUT_CHANGE
from studio.store.connection import transaction
from studio.store.history import History, rows_of
from studio.store.table import StoredRow, Table

LARGEST_PAGE = 200
LARGEST_FRACTION = 0.9
LONGEST_QUERY = 200


class DatasetRows:
    """The rows behind a connection, for one person. Every deed has an id: done again it changes nothing."""

    def __init__(self, connection: sqlite3.Connection, person_id: str) -> None:
        self.connection = self._sql = connection
        self.table = Table(connection)
        self.changes = Changes(connection, person_id)

    def page(self, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
        """asked: page from 1, page_size ≤ 200, split (train, held_out or None), query (or None); or row_ids: only those.

        A page past the end is the last page. complete: whether a search came to its end in time.
        """
        size = min(max(int(asked.get("page_size") or 50), 1), LARGEST_PAGE)
        split, query = asked.get("split"), asked.get("query")
        if split not in (None, *SPLITS) or (query and len(query) > LONGEST_QUERY):
            raise RequestRefused()
        columns = COLUMNS[kind]
        complete = True
        number = max(int(asked.get("page") or 1), 1)
        if (row_ids := asked.get("row_ids")) is not None:
            there = self.table.present(row_ids)
            total = len(there)
            number = min(number, max(math.ceil(total / size), 1))
            rows = self.table.rows_by_id(there[(number - 1) * size : number * size])
        elif query:
            found = self.table.search(query, (number - 1) * size, size, split)
            total, complete = found.total, found.complete
            if total and not found.row_ids:
                number = math.ceil(total / size)
                found = self.table.search(query, (number - 1) * size, size, split)
            rows = self.table.rows_by_id(found.row_ids)
        else:
            present, held = self.table.counts()
            total = {None: present, HELD_OUT: held, TRAIN: present - held}[split]
            number = min(number, max(math.ceil(total / size), 1))
            rows = self.table.page((number - 1) * size, size, split)
        return {
            "rows": self._shown(rows, columns, None if query or split or row_ids is not None else (number - 1) * size),
            "columns": list(columns),
            "total": total,
            "page": number,
            "pages": max(math.ceil(total / size), 1),
            "complete": complete,
        }

    def row(self, row_id: int) -> dict[str, Any]:
        """Raises NotYours for a row that is not there or was deleted."""
        row = self._present(row_id)
        previous, following = self.table.neighbours(row_id)
        return {
            "row_id": row.row_id,
            "record": orjson.loads(row.record),
            "kind": row.kind,
            "split": self._split(row),
            "revision": row.revision,
            "meta": orjson.loads(row.meta),
            "position": self.table.position(row_id),
            "previous": previous,
            "next": following,
        }

    def save(self, row_id: int, revision: int, record: Any, deed: str) -> dict[str, Any]:
        """Raises RecordInvalid with every problem of the record, EditConflict for an old revision, NotYours."""
        kind, text = _checked(record)
        with transaction(self._sql):
            if not self._is_done(deed, EDIT):
                row = self._present(row_id)
                if row.revision != revision:
                    raise EditConflict(row=self.table.position(row_id))
                before, after = _content(row.kind, row.record), _content(kind, text)
                if before != after:
                    before |= {"changed": row.changed}
                    change_id = self.changes.add(deed, EDIT, row_id, before, after)
                    self.table.change(row_id, kind, text, change_id)
        return self.row(row_id)

    def add(self, record: Any, deed: str) -> dict[str, Any]:
        """A new row at the end. Its side of the split follows from its words, like an imported row's."""
        kind, text = _checked(record)
        with transaction(self._sql):
            done = self._is_done(deed, ADD)
            if done:
                row_id = int(done.row_id or 0)
            else:
                row_id = self.table.append(kind, text, "{}", split_key(record), self.changes.last_id() + 1)
                self.changes.add(deed, ADD, row_id, None, _content(kind, text))
                self.table.recount_blocks([self.table.block_of(row_id)])
        return self.row(row_id)

    def delete(self, row_id: int, deed: str) -> None:
        with transaction(self._sql):
            if self._is_done(deed, DELETE):
                return
            row = self._present(row_id)
            self.changes.add(deed, DELETE, row_id, _content(row.kind, row.record), None)
            self.table.mark_deleted(row_id, True)

    def set_held_out(self, fraction: float, deed: str) -> None:
        """fraction: 0..0.9. Rows near the border change sides; every other row stays where it was."""
        if not 0 <= fraction <= LARGEST_FRACTION:
            raise OptionsInvalid(
                [{"field": "held_out_fraction", "code": "out_of_range", "minimum": 0, "maximum": LARGEST_FRACTION}]
            )
        with transaction(self._sql):
            if self._is_done(deed, HELD_OUT_CHANGE):
                return
            after = {"fraction": fraction, "threshold": held_out_threshold(self.table.split_keys(), fraction)}
            before = {name: self.table.fact(f"held_out_{name}") for name in after}
            self.changes.add(deed, HELD_OUT_CHANGE, None, before, after)
            self._write_held_out(after)

    def undo(self, deed: str, expected: int | None = None) -> dict[str, Any]:
        """Take back the newest change that stands. Returns {kind, row_id, position, rows}. Raises NothingToUndo.

        expected: the id of the change that the person was told of. Raises ChangedMeanwhile where it is another one.
        """
        with transaction(self._sql):
            return self._stepped(History(self.changes).undo(deed, expected), is_back=True)

    def redo(self, deed: str, expected: int | None = None) -> dict[str, Any]:
        """Do again what was undone last. Returns {kind, row_id, position, rows}. Raises NothingToRedo."""
        with transaction(self._sql):
            return self._stepped(History(self.changes).redo(deed, expected), is_back=False)

    def _stepped(self, change: Change, is_back: bool) -> dict[str, Any]:
        is_gone = change.action == (ADD if is_back else DELETE)
        position = None if change.row_id is None else self.table.position(change.row_id) + is_gone
        row_id = None if is_gone else change.row_id
        return {"kind": change.action, "row_id": row_id, "position": position, "rows": rows_of(change)}

    def _write_held_out(self, values: dict[str, Any]) -> None:
        self.table.write_facts({"held_out_fraction": values["fraction"]})
        self.table.recount(values["threshold"])

    def _is_done(self, deed: str, action: str) -> Change | None:
        """The change this deed made before. Raises RequestRefused where it was another kind of deed."""
        done = self.changes.find(deed)
        if done and done.action != action:
            raise RequestRefused()
        return done

    def _present(self, row_id: int) -> StoredRow:
        row = self.table.row(row_id)
        if row.deleted:
            raise NotYours(what="row")
        return row

    def _split(self, row: StoredRow) -> str:
        return split_of(row.split_key, self.table.fact("held_out_threshold"))

    def _shown(self, rows: list[StoredRow], columns: tuple[str, ...], first: int | None) -> list[dict[str, Any]]:
        """first: how many rows stand before the page, where the page has no gaps."""
        threshold = self.table.fact("held_out_threshold")
        return [
            {
                "row_id": row.row_id,
                "position": self.table.position(row.row_id) if first is None else first + index,
                "cells": render_cells(orjson.loads(row.record), columns),
                "split": split_of(row.split_key, threshold),
                "revision": row.revision,
            }
            for index, row in enumerate(rows, 1)
        ]


def _checked(record: Any) -> tuple[str, str]:
    """The record's kind and its text. Raises RecordInvalid with all its problems."""
    if problems := check_record(record):
        raise RecordInvalid(problems)
    return str(record_kind(record)), orjson.dumps(record).decode()


def _content(kind: str, record: str) -> dict[str, str]:
    return {"kind": kind, "record": record}
