"""Taking back what was changed, and doing it again: newest first, whoever made it and however many rows it has."""

from __future__ import annotations

from typing import Any

from studio.errors import ChangedMeanwhile, NothingToRedo, NothingToUndo, RequestRefused
from studio.store.changes import ADD, EDIT, HELD_OUT, REDO, UNDO, Change, Changes
from studio.store.row_changes import Tick, move_rows
from studio.store.table import Table


class History:
    """The steps back and forth through the changes of one dataset. Stands inside a transaction of the caller.

    tick: called with the number of rows moved; what it raises undoes the step.
    """

    def __init__(self, log: Changes, tick: Tick | None = None) -> None:
        self._log = log
        self._tick = tick or (lambda _done: None)
        self._table = Table(log.connection)

    def undo(self, deed: str, expected: int | None = None) -> Change:
        """Take back the newest change that stands, and return it.

        expected: the change that the person was told would be taken back. Raises NothingToUndo, and ChangedMeanwhile
        where there is a newer one.
        """
        if done := self._done(deed, UNDO):
            return done
        change = self._log.last_standing()
        if change is None:
            raise NothingToUndo()
        _check_expected(change, expected)
        self._move(change, is_back=True)
        self._log.add(deed, UNDO, change.row_id, change.after, change.before, change.change_id)
        return change

    def redo(self, deed: str, expected: int | None = None) -> Change:
        """Do again what was undone last, and return it. Raises NothingToRedo, ChangedMeanwhile."""
        if done := self._done(deed, REDO):
            return done
        undo = self._log.last_undo()
        change = self._log.find_id(int(undo.undoes or 0)) if undo else None
        if undo is None or change is None:
            raise NothingToRedo()
        _check_expected(change, expected)
        self._move(change, is_back=False)
        self._log.add(deed, REDO, change.row_id, change.before, change.after, undo.change_id)
        return change

    def next_steps(self) -> tuple[Change | None, Change | None]:
        """What the next undo takes back, and what the next redo does again."""
        undo = self._log.last_undo()
        return self._log.last_standing(), self._log.find_id(int(undo.undoes or 0)) if undo else None

    def _done(self, deed: str, action: str) -> Change | None:
        """The change that this very deed has taken back or done again before."""
        done = self._log.find(deed)
        if done is None:
            return None
        if done.action != action:
            raise RequestRefused()
        step = self._log.find_id(int(done.undoes or 0)) if action == REDO else done
        return self._log.find_id(int(step.undoes or 0)) if step else None

    def _move(self, change: Change, is_back: bool) -> None:
        values = change.before if is_back else change.after
        if change.action == HELD_OUT:
            self._table.write_facts({"held_out_fraction": values["fraction"]})
            self._table.recount(values["threshold"])
        elif change.row_id is None:
            move_rows(self._log.connection, change.change_id, is_back, self._tick)
        elif change.action == EDIT:
            changed = values.get("changed", 0) if is_back else change.change_id
            self._table.change(change.row_id, values["kind"], values["record"], changed)
        else:
            self._table.mark_deleted(change.row_id, (change.action == ADD) is is_back)


def rows_of(change: Change) -> int:
    """How many rows a change is about; 0 for one about the dataset as a whole."""
    return 1 if change.row_id is not None else int((change.after or {}).get("rows", 0))


def details_of(change: Change) -> dict[str, Any]:
    """What a change of many rows says of itself."""
    return (change.after or {}).get("details", {}) if change.row_id is None else {}


def _check_expected(change: Change, expected: int | None) -> None:
    if expected is not None and change.change_id != expected:
        raise ChangedMeanwhile()
