"""Rows that were made and wait for a person: each with where it is from, what was found, and what became of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

OPEN, ACCEPTED, REJECTED, SIFTED = "open", "accepted", "rejected", "sifted"
STATES = (OPEN, ACCEPTED, REJECTED, SIFTED)
_STATE = (
    "CASE WHEN state = 'accepted' AND NOT EXISTS (SELECT 1 FROM rows WHERE rows.row_id = proposals.row_id AND deleted = 0)"
    " THEN 'open' ELSE state END"
)
"""An accepted one whose row was taken back, by undo or by hand, is to be decided on again."""


@dataclass(frozen=True)
class Proposal:
    """origin: {"how": "model" or "template", …}. problems: why the sieve left it out. row_id: of the row it became.

    state: OPEN again once that row was taken back.
    """

    proposal_id: int
    job_id: str
    record: dict[str, Any]
    origin: dict[str, Any]
    problems: list[dict[str, Any]]
    similarity: float
    state: str
    row_id: int | None


class Proposals:
    """The proposals of the dataset behind a connection. Writes belong inside a transaction of the caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def insert(
        self,
        job_id: str,
        record: Mapping[str, Any],
        origin: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]],
        similarity: float,
    ) -> None:
        state = SIFTED if problems else OPEN
        values = (job_id, *(orjson.dumps(value).decode() for value in (record, origin, problems)), similarity, state)
        self._sql.execute(
            "INSERT INTO proposals (job_id, record, origin, problems, similarity, state) VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )

    def counts(self, job_id: str | None = None) -> dict[str, int]:
        """How many are in each state, of one job or of all."""
        condition, values = ("WHERE job_id = ?", (job_id,)) if job_id else ("", ())
        found = dict(self._sql.execute(f"SELECT {_STATE}, COUNT(*) FROM proposals {condition} GROUP BY 1", values))
        return {state: found.get(state, 0) for state in STATES}

    def page(self, state: str, first: int, size: int) -> list[Proposal]:
        """Oldest first, counted from 0."""
        found = self._sql.execute(
            f"SELECT *, {_STATE} AS stands FROM proposals WHERE stands = ? ORDER BY proposal_id LIMIT ? OFFSET ?",
            (state, size, first),
        )
        return [_proposal(row) for row in found]

    def find(self, proposal_ids: Iterable[int]) -> list[Proposal]:
        """Those that are there, oldest first."""
        ids = orjson.dumps(list(proposal_ids)).decode()
        found = self._sql.execute(
            f"SELECT *, {_STATE} AS stands FROM proposals WHERE proposal_id IN (SELECT value FROM json_each(?))"
            " ORDER BY proposal_id",
            (ids,),
        )
        return [_proposal(row) for row in found]

    def open_ids(self, up_to: int) -> list[int]:
        """Those to be decided on, of the first `up_to` ids: what came later nobody has seen."""
        found = self._sql.execute(
            f"SELECT proposal_id FROM proposals WHERE {_STATE} = ? AND proposal_id <= ? ORDER BY proposal_id",
            (OPEN, up_to),
        )
        return [row[0] for row in found]

    def newest(self) -> int:
        """The largest id; 0 where there is none."""
        return self._sql.execute("SELECT COALESCE(MAX(proposal_id), 0) FROM proposals").fetchone()[0]

    def decide(self, proposal_id: int, state: str, person: str, row_id: int | None = None) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._sql.execute(
            "UPDATE proposals SET state = ?, person = ?, decided = ?, row_id = ? WHERE proposal_id = ?",
            (state, person, now, row_id, proposal_id),
        )


def _proposal(row: sqlite3.Row) -> Proposal:
    record, origin, problems = (orjson.loads(row[name]) for name in ("record", "origin", "problems"))
    return Proposal(
        row["proposal_id"], row["job_id"], record, origin, problems, row["similarity"], row["stands"], row["row_id"]
    )
