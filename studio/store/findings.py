"""What checks found in a dataset: replaced by each run, set aside with a reason that outlives the run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from studio.data.checks import CHECKS, severity_of
from studio.store.connection import transaction

_BATCH = 10_000


@dataclass(frozen=True)
class StoredFinding:
    """details: the finding's values as canonical JSON. revision: of the row when it was looked at."""

    finding_id: int
    check_name: str
    code: str
    row_id: int | None
    revision: int | None
    details: str

    @property
    def values(self) -> dict[str, Any]:
        return orjson.loads(self.details)


@dataclass(frozen=True)
class CheckRun:
    """The last run of a check. missing: what it would have needed and was not given, then nothing was looked at.

    last_change: the dataset's newest change that it has seen. settings: what it was run with.
    """

    check_name: str
    time: str
    job_id: str
    rows: int
    seconds: float
    last_change: int
    settings: dict[str, Any]
    missing: str | None


@dataclass(frozen=True)
class Ignored:
    """row_id None: everything of the code, whatever a later run finds."""

    ignored_id: int
    check_name: str
    code: str
    row_id: int | None
    details: str | None
    reason: str
    person: str
    time: str


def details_text(values: Any) -> str:
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()


class Findings:
    """The findings behind a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    # What a run writes ------------------------------------------------------------------------------------------------

    def replace(self, run: CheckRun, found: Iterable[tuple[str, int | None, int | None, str]]) -> None:
        """All that a check found takes the place of what it had found before, or nothing changes at all.

        found: (code, row_id, revision, details).
        """
        with transaction(self._sql):
            self._sql.execute("DELETE FROM findings WHERE check_name = ?", (run.check_name,))
            self._sql.executemany(
                "INSERT INTO findings (check_name, code, row_id, revision, details) VALUES (?, ?, ?, ?, ?)",
                ((run.check_name, *one) for one in found),
            )
            self._sql.execute(
                "INSERT OR REPLACE INTO check_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run.check_name, run.time, run.job_id, run.rows, run.seconds, run.last_change,
                    details_text(run.settings), run.missing,
                ),
            )  # fmt: skip

    def runs(self) -> dict[str, CheckRun]:
        found = self._sql.execute("SELECT * FROM check_runs")
        return {row["check_name"]: CheckRun(**dict(row) | {"settings": orjson.loads(row["settings"])}) for row in found}

    # What stands ------------------------------------------------------------------------------------------------------

    def count_open(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(check, code) → how many findings stand, on how many rows. One about the dataset as a whole is on no row."""
        found = self._sql.execute(
            "SELECT check_name, code, COUNT(*), COUNT(DISTINCT row_id) FROM open_findings GROUP BY check_name, code"
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in found}

    def count_all(self) -> dict[tuple[str, str], int]:
        found = self._sql.execute("SELECT check_name, code, COUNT(*) FROM findings GROUP BY check_name, code")
        return {(row[0], row[1]): row[2] for row in found}

    def count_errors(self) -> int:
        """Standing findings that should keep a dataset from being trained on."""
        counted = self.count_open()
        return sum(
            count
            for (name, code), (count, _) in counted.items()
            if name in CHECKS and severity_of(CHECKS[name], code) == "error"
        )

    def count_stale(self) -> dict[tuple[str, str], int]:
        """(check, code) → findings whose row was changed or deleted since; they no longer stand."""
        found = self._sql.execute(
            "SELECT check_name, code, COUNT(*) FROM findings JOIN rows USING (row_id)"
            " WHERE rows.deleted = 1 OR rows.revision != findings.revision GROUP BY check_name, code"
        )
        return {(row[0], row[1]): row[2] for row in found}

    def page(self, check_name: str, code: str, first: int, size: int) -> list[StoredFinding]:
        """Standing findings of a code in the order of their rows: first … first + size - 1, counted from 0."""
        found = self._sql.execute(
            "SELECT * FROM open_findings WHERE check_name = ? AND code = ? ORDER BY row_id LIMIT ? OFFSET ?",
            (check_name, code, size, first),
        )
        return [StoredFinding(**row) for row in found]

    def of_rows(self, row_ids: list[int]) -> list[StoredFinding]:
        """Standing findings of some rows, by row."""
        found = self._sql.execute(
            "SELECT * FROM open_findings WHERE row_id IN (SELECT value FROM json_each(?)) ORDER BY row_id, finding_id",
            (orjson.dumps(row_ids).decode(),),
        )
        return [StoredFinding(**row) for row in found]

    def iterate(self, check_name: str, code: str, row_ids: list[int] | None = None) -> Iterator[StoredFinding]:
        """Standing findings of a code on rows, by row; only of some rows where these are given.

        Read in steps, so that the rows may be changed meanwhile.
        """
        only = "" if row_ids is None else " AND row_id IN (SELECT value FROM json_each(?))"
        given = () if row_ids is None else (orjson.dumps(row_ids).decode(),)
        last = (-1, -1)
        while True:
            found = self._sql.execute(
                "SELECT * FROM open_findings WHERE check_name = ? AND code = ? AND (row_id, finding_id) > (?, ?)"
                f"{only} ORDER BY row_id, finding_id LIMIT ?",
                (check_name, code, *last, *given, _BATCH),
            ).fetchall()
            if not found:
                return
            for row in found:
                yield StoredFinding(**row)
            last = (found[-1]["row_id"], found[-1]["finding_id"])

    def find(self, finding_id: int) -> StoredFinding | None:
        found = self._sql.execute("SELECT * FROM findings WHERE finding_id = ?", (finding_id,)).fetchone()
        return StoredFinding(**found) if found else None

    # What is set aside ------------------------------------------------------------------------------------------------

    def ignore(self, finding: StoredFinding | tuple[str, str], reason: str, person: str) -> None:
        """finding: one finding of a row, or (check, code) for everything of a code. Safe to repeat."""
        whole = isinstance(finding, tuple)
        check_name, code = finding if whole else (finding.check_name, finding.code)
        row_id, details = (None, None) if whole else (finding.row_id, finding.details)
        with transaction(self._sql):
            if self._sql.execute(
                "SELECT 1 FROM ignored WHERE check_name = ? AND code = ? AND row_id IS ? AND details IS ?"
                " AND taken_back IS NULL",
                (check_name, code, row_id, details),
            ).fetchone():
                return
            self._sql.execute(
                "INSERT INTO ignored (check_name, code, row_id, details, reason, person, time)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (check_name, code, row_id, details, reason, person, now_text()),
            )

    def take_back(self, ignored_id: int) -> None:
        """What was set aside counts again; that it was set aside, by whom and why stays written. Safe to repeat."""
        self._sql.execute(
            "UPDATE ignored SET taken_back = ? WHERE ignored_id = ? AND taken_back IS NULL", (now_text(), ignored_id)
        )

    def last_ignored_id(self) -> int:
        return self._sql.execute("SELECT COALESCE(MAX(ignored_id), 0) FROM ignored").fetchone()[0]

    def rows_ignored_since(self, check_name: str, code: str, ignored_id: int) -> set[int | None]:
        """Rows of which a finding of the code was set aside later, and still is; None where everything of the code was."""
        found = self._sql.execute(
            "SELECT DISTINCT row_id FROM ignored"
            " WHERE check_name = ? AND code = ? AND taken_back IS NULL AND ignored_id > ?",
            (check_name, code, ignored_id),
        )
        return {row[0] for row in found}

    def ignored(self) -> list[Ignored]:
        """What is set aside now, newest first."""
        found = self._sql.execute(
            "SELECT ignored_id, check_name, code, row_id, details, reason, person, time FROM ignored"
            " WHERE taken_back IS NULL ORDER BY ignored_id DESC"
        )
        return [Ignored(**row) for row in found]


def now_text() -> str:
    """The time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
