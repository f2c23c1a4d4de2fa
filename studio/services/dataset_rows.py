"""What a person does with the rows of one dataset: read a page, edit, add, delete, undo, move the split."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from studio.data.cells import COLUMNS, render_cells
from studio.data.kept_numbers import keep_numbers
from studio.data.records import check_record, record_kind, split_key
from studio.data.selection import Selection
from studio.data.splits import HELD_OUT, TRAIN, held_out_threshold, split_of
from studio.errors import EditConflict, NotYours, OptionsInvalid, RecordInvalid, RequestRefused
from studio.services.row_quality import RowQuality
from studio.store.changes import ADD, DELETE, EDIT, Change, Changes
from studio.store.changes import HELD_OUT as HELD_OUT_CHANGE
from studio.store.connection import transaction
from studio.store.history import History, rows_of
from studio.store.selecting import Found
from studio.store.table import StoredRow, Table

LARGEST_PAGE = 200
LARGEST_FRACTION = 0.9
_OF_THE_PAGE = ("page", "page_size")
_UNWRITABLE = "value_unwritable"
"""The code, under `refused.`, of a record that no file could hold."""


class DatasetRows:
    """The rows behind a connection, for one person. Every deed has an id: done again it changes nothing."""

    def __init__(self, connection: sqlite3.Connection, person_id: str) -> None:
        self.connection = self._sql = connection
        self.table = Table(connection)
        self.changes = Changes(connection, person_id)

    def page(self, kind: str, asked: dict[str, Any], find: Callable[[Selection], Found]) -> dict[str, Any]:
        """asked: page from 1, page_size ≤ 200, base (by which lengths are told), and the fields of a `Selection`.

        find: how the rows of a selection are found where no index says where a page begins. A page past the end is the
        last page. complete: whether a search came to its end in time. Raises RequestRefused, PatternInvalid.
        """
        size = min(max(int(asked.get("page_size") or 50), 1), LARGEST_PAGE)
        number = max(int(asked.get("page") or 1), 1)
        selection = Selection.from_json({name: value for name, value in asked.items() if name not in _OF_THE_PAGE})
        complete = True
        if total := self._count_indexed(selection):
            number = min(number, max(math.ceil(total / size), 1))
            rows = self._indexed_page(selection, (number - 1) * size, size, total)
        else:
            found = find(selection)
            total, complete = len(found.row_ids), found.complete
            number = min(number, max(math.ceil(total / size), 1))
            rows = self.table.rows_by_id(list(found.row_ids[(number - 1) * size : number * size]))
        quality = RowQuality(self._sql, rows)
        is_whole = not selection.has_conditions and selection.sort == "position" and not selection.descending
        return {
            "rows": [
                shown | quality.of(row)
                for row, shown in zip(
                    rows,
                    self._shown(rows, COLUMNS[kind], (number - 1) * size if is_whole else None, selection.base),
                    strict=True,
                )
            ],
            "titles": quality.titles(),
            "columns": list(COLUMNS[kind]),
            "total": total,
            "page": number,
            "pages": max(math.ceil(total / size), 1),
            "complete": complete,
            "last_change": self.changes.last_id(),
        }

    def _count_indexed(self, selection: Selection) -> int:
        """How many rows a selection has whose pages an index finds; 0 for any other."""
        if replace(selection, split=None, sort="position", descending=False).has_conditions:
            return 0
        present, held = self.table.counts()
        if selection.sort == "position":
            return {None: present, HELD_OUT: held, TRAIN: present - held}[selection.split]
        return present if selection.sort in ("length", "edited") and selection.split is None else 0

    def _indexed_page(self, selection: Selection, first: int, size: int, total: int) -> list[StoredRow]:
        if selection.sort == "length":
            return self.table.page_by_length(first, size, selection.descending)
        if selection.sort == "edited":
            return self.table.page_by_edit(first, size, selection.descending)
        if not selection.descending:
            return self.table.page(first, size, selection.split)
        end = total - first
        return self.table.page(max(end - size, 0), min(size, end), selection.split)[::-1]

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
            "tags": sorted(self.table.tags_of([row_id]).get(row_id, ())),
            "position": self.table.position(row_id),
            "previous": previous,
            "next": following,
        }

    def save(self, row_id: int, revision: int, record: Any, deed: str) -> dict[str, Any]:
        """Raises RecordInvalid with every problem of the record, EditConflict for an old revision, NotYours."""
        kind, _ = _checked(record)
        with transaction(self._sql):
            if not self._is_done(deed, EDIT):
                row = self._present(row_id)
                if row.revision != revision:
                    raise EditConflict(row=self.table.position(row_id))
                text = orjson.dumps(keep_numbers(orjson.loads(row.record), record)).decode()
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

    def delete(self, row_id: int, deed: str, revision: int | None = None) -> None:
        """revision: as the person saw the row; None for however it stands. Raises NotYours, EditConflict."""
        with transaction(self._sql):
            if self._is_done(deed, DELETE):
                return
            row = self._present(row_id)
            if revision is not None and row.revision != revision:
                raise EditConflict(row=self.table.position(row_id))
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
            return self.stepped(History(self.changes).undo(deed, expected), is_back=True)

    def redo(self, deed: str, expected: int | None = None) -> dict[str, Any]:
        """Do again what was undone last. Returns {kind, row_id, position, rows}. Raises NothingToRedo."""
        with transaction(self._sql):
            return self.stepped(History(self.changes).redo(deed, expected), is_back=False)

    def stepped(self, change: Change, is_back: bool) -> dict[str, Any]:
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

    def _shown(
        self, rows: list[StoredRow], columns: tuple[str, ...], first: int | None, base: str | None
    ) -> list[dict[str, Any]]:
        """first: how many rows stand before the page, where the page has no gaps."""
        threshold = self.table.fact("held_out_threshold")
        row_ids = [row.row_id for row in rows]
        tags, tokens = self.table.tags_of(row_ids), self.table.tokens_of(row_ids, base) if base else {}
        return [
            {
                "row_id": row.row_id,
                "position": self.table.position(row.row_id) if first is None else first + index,
                "cells": render_cells(orjson.loads(row.record), columns),
                "split": split_of(row.split_key, threshold),
                "revision": row.revision,
                "kind": row.kind,
                "characters": row.characters,
                "tokens": tokens.get(row.row_id),
                "edited": row.changed > 0,
                "tags": sorted(tags.get(row.row_id, ())),
            }
            for index, row in enumerate(rows, 1)
        ]


def _checked(record: Any) -> tuple[str, str]:
    """The record's kind and its text. Raises RecordInvalid with all its problems."""
    if problems := check_record(record):
        raise RecordInvalid(problems)
    try:
        return str(record_kind(record)), orjson.dumps(record).decode()
    except TypeError as problem:  # half a letter, or a number that no JSON reader could read back
        raise RecordInvalid([{"field": "record", "code": _UNWRITABLE}]) from problem


def _content(kind: str, record: str) -> dict[str, str]:
    return {"kind": kind, "record": record}
