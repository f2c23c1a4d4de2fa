"""What the checks say of the rows of a page, in a word or two each."""

from __future__ import annotations

import sqlite3
from typing import Any

from studio.data.checks import CHECKS, SEVERITIES, severity_of
from studio.store.findings import Findings
from studio.store.table import StoredRow


class RowQuality:
    """Standing findings of some rows, read at once."""

    def __init__(self, connection: sqlite3.Connection, rows: list[StoredRow]) -> None:
        found = Findings(connection)
        runs = [run for run in found.runs().values() if run.missing is None]
        self._looked_until = min((run.last_change for run in runs), default=-1)
        self._found: dict[int, dict[str, str]] = {}
        for finding in found.of_rows([row.row_id for row in rows]) if runs else ():
            if finding.check_name in CHECKS and finding.row_id is not None:
                severity = severity_of(CHECKS[finding.check_name], finding.code)
                worst = self._found.setdefault(finding.row_id, {})
                worst[finding.check_name] = min(worst.get(finding.check_name, "info"), severity, key=SEVERITIES.index)

    def of(self, row: StoredRow) -> dict[str, Any]:
        """found: [[check, severity]], the gravest first. looked: every check that has run has seen the row as it is."""
        found = sorted(self._found.get(row.row_id, {}).items(), key=lambda item: SEVERITIES.index(item[1]))
        return {"found": [list(item) for item in found], "looked": row.changed <= self._looked_until}

    def titles(self) -> dict[str, dict[str, str]]:
        """The titles of the checks that found something, in both languages."""
        names = sorted({name for found in self._found.values() for name in found})
        return {name: {"en": CHECKS[name].title.en, "ja": CHECKS[name].title.ja} for name in names}
