"""What the fix of a check makes of the rows that it found, as one change that undo takes back."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

import orjson

from studio.data.checks import CHECKS, OTHER_ROW, Fixer, Record
from studio.data.splits import HELD_OUT, TRAIN, split_of
from studio.store.changes import Changes
from studio.store.findings import Findings, StoredFinding
from studio.store.other_rows import OtherPlace, OtherRows
from studio.store.row_changes import RowChange
from studio.store.table import Table

OTHER_GONE, ELSEWHERE_GONE, IGNORED = "other_gone", "elsewhere_gone", "ignored"


@dataclass(frozen=True)
class Fix:
    """What becomes of one row. after: None where it is left out. because: the other row that is the reason for that, of the
    dataset by its id or of another one."""

    row_id: int
    revision: int
    before: Record
    after: Record | None
    because: int | OtherPlace | None = None

    @property
    def change(self) -> RowChange:
        return RowChange(self.row_id, self.revision, self.after)


class Reasons:
    """Which rows may be left out because of another one, as the dataset stands when this is made.

    seen_change: the newest change that the check has seen. A row stays where the other one says something else since,
    was brought back to what it said, is gone or is left out itself: else both would be gone. It stays too where the
    finding is about both sides of the split and the two are no longer apart.
    """

    def __init__(self, connection: sqlite3.Connection, check: str, code: str, seen_change: int) -> None:
        self._sql = connection
        self._is_across = code in CHECKS[check].across
        self._reworded = Changes(connection, "").reworded_since(seen_change)
        self._threshold = Table(connection).fact("held_out_threshold")
        self._left_out: set[int] = set()

    def hold(self, row_id: int, other: int) -> bool:
        """Whether the row may go; it then is no reason for another one to go as well."""
        if other in self._left_out or other in self._reworded or self._side(other) is None:
            return False
        if self._is_across and (self._side(row_id), self._side(other)) != (TRAIN, HELD_OUT):
            return False
        self._left_out.add(row_id)
        return True

    def _side(self, row_id: int) -> str | None:
        found = self._sql.execute("SELECT split_key FROM rows WHERE row_id = ? AND deleted = 0", (row_id,)).fetchone()
        return split_of(found[0], self._threshold) if found else None


@dataclass
class Fixing:
    """The fixes of a code over standing findings, read as they are asked for.

    others: in which a row is looked for that is the reason why one is left out. row_ids: only these rows, where given. skipped: rows by the cause why they stay.
    """

    connection: sqlite3.Connection
    check: str
    code: str
    fixer: Fixer
    others: OtherRows
    row_ids: list[int] | None = None
    skipped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        run = Findings(self.connection).runs().get(self.check)
        self._seen_change = run.last_change if run else 0
        self._last_ignored = Findings(self.connection).last_ignored_id()

    def reasons(self) -> Reasons:
        """As they stand now, for fixes that are worked out or for those that were."""
        return Reasons(self.connection, self.check, self.code, self._seen_change)

    def rows_ignored(self) -> set[int | None]:
        """Rows of which something was ignored since the fixes were asked for; None in it: everything of the code was."""
        return Findings(self.connection).rows_ignored_since(self.check, self.code, self._last_ignored)

    def iterate(self) -> Iterator[Fix]:
        table, reasons = Table(self.connection), self.reasons()
        standing = Findings(self.connection).iterate(self.check, self.code, self.row_ids)
        for row_id, findings in groupby(standing, key=lambda finding: finding.row_id):
            row = table.row(int(row_id or 0))
            before = orjson.loads(row.record)
            after, because = self._mended(before, list(findings), reasons)
            if after is not None and orjson.dumps(after) == orjson.dumps(before):
                continue
            yield Fix(row.row_id, row.revision, before, after, because)

    def _mended(
        self, record: Record, findings: list[StoredFinding], reasons: Reasons
    ) -> tuple[Record | None, int | OtherPlace | None]:
        """What becomes of the record, and the other row because of which it is left out."""
        check = CHECKS[self.check]
        made: Record = record
        for finding in findings:
            values = finding.values
            after = check.fix(made, values, self.fixer)
            if after is None and self.code in check.elsewhere:
                place = self.others.find(check, self.code, record, values)
                self.skipped[ELSEWHERE_GONE] += place is None
                return (record if place is None else None), place
            if after is None:
                other = values.get(OTHER_ROW)
                if other is None or reasons.hold(int(finding.row_id or 0), other):
                    return None, other
                self.skipped[OTHER_GONE] += 1
                return record, None
            made = after
        return made, None
