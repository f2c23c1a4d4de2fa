"""What the fix of a check makes of the rows that it found, as one change that undo takes back."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import orjson

from studio.data.checks import CHECKS, OTHER_ROW, Fixer, Record
from studio.store.findings import Findings, StoredFinding
from studio.store.row_changes import RowChange
from studio.store.table import Table

OTHER_GONE = "other_gone"


@dataclass(frozen=True)
class Fix:
    """What becomes of one row. after: None where it is left out."""

    row_id: int
    revision: int
    before: Record
    after: Record | None

    @property
    def change(self) -> RowChange:
        return RowChange(self.row_id, self.revision, self.after)


@dataclass
class Fixing:
    """The fixes of a code over standing findings, read as they are asked for.

    row_ids: only these rows, where given. skipped: rows by the cause why they stay. A row that is left out because of
    another one stays where that one was changed or left out itself: else both would be gone.
    """

    connection: sqlite3.Connection
    check: str
    code: str
    fixer: Fixer
    row_ids: list[int] | None = None
    skipped: Counter[str] = field(default_factory=Counter)

    def iterate(self) -> Iterator[Fix]:
        found, table = Findings(self.connection), Table(self.connection)
        run = found.runs().get(self.check)
        left_out: set[int] = set()
        standing = found.iterate(self.check, self.code, self.row_ids)
        for row_id, findings in groupby(standing, key=lambda finding: finding.row_id):
            row = table.row(int(row_id or 0))
            before = orjson.loads(row.record)
            after = self._mended(before, list(findings), left_out, run.last_change if run else 0)
            if after is not None and orjson.dumps(after) == orjson.dumps(before):
                continue
            if after is None:
                left_out.add(row.row_id)
            yield Fix(row.row_id, row.revision, before, after)

    def _mended(
        self, record: Record, findings: list[StoredFinding], left_out: set[int], seen_change: int
    ) -> Record | None:
        check = CHECKS[self.check]
        made: Record = record
        for finding in findings:
            values = finding.values
            after = check.fix(made, values, self.fixer)
            if after is None and not self._still_stands(values, left_out, seen_change):
                self.skipped[OTHER_GONE] += 1
                return record
            if after is None:
                return None
            made = after
        return made

    def _still_stands(self, values: dict[str, Any], left_out: set[int], seen_change: int) -> bool:
        other = values.get(OTHER_ROW)
        if other is None:
            return True
        found = self.connection.execute("SELECT deleted, changed FROM rows WHERE row_id = ?", (other,)).fetchone()
        return found is not None and not found[0] and found[1] <= seen_change and other not in left_out
