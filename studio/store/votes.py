"""The votes of a workspace: a log that only grows. An undo is a vote of its own that names the one it takes back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from studio.errors import NotYours
from studio.preferences.compile import Judged
from studio.preferences.votes import SKIP, UNDO, Vote, outcome_of

PACE_VOTES = 50
LONGEST_SECONDS = 120.0
"""Longer looks count as this long: somebody went for a coffee."""

_STANDS = "action != 'undo' AND NOT EXISTS (SELECT 1 FROM votes AS later WHERE later.undoes = votes.vote)"


@dataclass(frozen=True)
class JudgedPair:
    """A pair with its standing vote: what a compile reads."""

    pair_id: int
    split_key: float
    held_out: bool
    judged: Judged


class Votes:
    """The log behind a connection. Writing belongs inside a transaction of the caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def has(self, event: str) -> bool:
        return bool(self._sql.execute("SELECT 1 FROM votes WHERE event = ?", (event,)).fetchone())

    def add(self, project_id: str, person: str, vote: Vote) -> None:
        """Append a vote; it is now the one that stands for its pair. An id that is there already changes nothing.

        Raises NotYours where the pair is not one of the project.
        """
        if self.has(vote.event):
            return
        pair = self._sql.execute(
            "SELECT 1 FROM pairs WHERE pair_id = ? AND project_id = ? AND a IS NOT NULL AND b IS NOT NULL",
            (vote.pair_id, project_id),
        ).fetchone()
        if pair is None:
            raise NotYours(what="pair")
        self._append(project_id, person, vote, None)
        self._settle(vote.pair_id)

    def undo(self, project_id: str, person: str, event: str, undoes: str) -> int | None:
        """Take back a vote of this person; the pair it was about, None where the vote was taken back before.

        Raises NotYours where there is no such vote of theirs.
        """
        found = self._sql.execute(
            "SELECT * FROM votes WHERE event = ? AND project_id = ? AND person = ? AND action != 'undo'",
            (undoes, project_id, person),
        ).fetchone()
        if found is None:
            raise NotYours(what="vote")
        done = self._sql.execute("SELECT 1 FROM votes WHERE undoes = ? OR event = ?", (found["vote"], event)).fetchone()
        if done:
            return None
        taken = Vote(event, found["pair_id"], UNDO, None, found["left_reply"], undoes=undoes)
        self._append(project_id, person, taken, found["vote"])
        self._settle(found["pair_id"])
        return found["pair_id"]

    def last_standing(self, project_id: str, person: str) -> Vote | None:
        """The newest vote of a person that stands: what their next undo takes back."""
        found = self._sql.execute(
            f"SELECT * FROM votes WHERE project_id = ? AND person = ? AND {_STANDS} ORDER BY vote DESC LIMIT 1",
            (project_id, person),
        ).fetchone()
        return _vote(found) if found else None

    def taken_back_by(self, event: str) -> int | None:
        """The pair that an undo of this id was about; None where there is no such undo."""
        found = self._sql.execute("SELECT pair_id FROM votes WHERE event = ? AND action = 'undo'", (event,)).fetchone()
        return found[0] if found else None

    def skipped(self, project_id: str, person: str) -> list[str]:
        """The events of a person by which pairs are skipped now, oldest first."""
        found = self._sql.execute(
            "SELECT event FROM votes JOIN pairs ON pairs.vote = votes.vote"
            " WHERE votes.project_id = ? AND person = ? AND action = ? ORDER BY votes.vote",
            (project_id, person, SKIP),
        )
        return [row[0] for row in found]

    def counts(self, project_id: str, person: str) -> dict[str, Any]:
        """outcomes: standing votes by outcome, and by side where one was chosen by somebody who saw both. last: the newest
        event's number."""
        rows = self._sql.execute(
            "SELECT action, edited IS NOT NULL AS is_edit, winner = NULLIF(left_reply, '') AS is_left, COUNT(*) AS count"
            " FROM pairs JOIN votes ON votes.vote = pairs.vote"
            " WHERE pairs.project_id = ? AND pairs.vote IS NOT NULL GROUP BY 1, 2, 3",
            (project_id,),
        ).fetchall()
        outcomes: dict[str, int] = {}
        sides = {"left": 0, "right": 0}
        for action, is_edit, is_left, count in rows:
            outcome = outcome_of(action, "" if is_edit else None)
            outcomes[outcome] = outcomes.get(outcome, 0) + count
            if is_left is not None:
                sides["left" if is_left else "right"] += count
        last = self._sql.execute("SELECT MAX(vote) FROM votes WHERE project_id = ?", (project_id,)).fetchone()[0]
        return {"outcomes": outcomes, **sides, "pace": self._pace(project_id, person), "last": last or 0}

    def count_unseen(self, project_id: str) -> int:
        """Standing votes on pairs that nobody was shown: labels that came with them."""
        return self._sql.execute(
            "SELECT COUNT(*) FROM pairs JOIN votes ON votes.vote = pairs.vote"
            " WHERE pairs.project_id = ? AND left_reply = ''",
            (project_id,),
        ).fetchone()[0]

    def count_after(self, project_id: str, vote: int) -> int:
        return self._sql.execute(
            "SELECT COUNT(*) FROM votes WHERE project_id = ? AND vote > ?", (project_id, vote)
        ).fetchone()[0]

    def judged(self, project_id: str) -> Iterator[JudgedPair]:
        """Every pair that a vote stands for, in the order of the pairs."""
        found = self._sql.execute(
            "SELECT pairs.pair_id, prompt, a, b, split_key, held_out, action, winner, edited"
            " FROM pairs JOIN votes ON votes.vote = pairs.vote WHERE pairs.project_id = ? ORDER BY position",
            (project_id,),
        )
        for row in found:
            sides = {name: orjson.loads(row[name]) for name in ("prompt", "a", "b")}
            outcome = outcome_of(row["action"], row["edited"])
            judged = Judged(**sides, outcome=outcome, winner=row["winner"], edited=row["edited"])
            yield JudgedPair(row["pair_id"], row["split_key"], bool(row["held_out"]), judged)

    def log(self, project_id: str, after: int, count: int) -> list[dict[str, Any]]:
        """Up to `count` events after number `after`, in order, undone ones and undos included, with their pairs."""
        found = self._sql.execute(
            "SELECT votes.*, taken.event AS undone, prompt, a, b, origin_a, origin_b, held_out, position"
            " FROM votes JOIN pairs USING (pair_id) LEFT JOIN votes AS taken ON taken.vote = votes.undoes"
            " WHERE votes.project_id = ? AND votes.vote > ? ORDER BY votes.vote LIMIT ?",
            (project_id, after, count),
        )
        return [dict(row) for row in found]

    def _append(self, project_id: str, person: str, vote: Vote, undoes: int | None) -> None:
        self._sql.execute(
            "INSERT INTO votes (event, project_id, pair_id, person, action, winner, left_reply, edited, seconds, undoes,"
            " time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                vote.event, project_id, vote.pair_id, person, vote.action, vote.winner, vote.left, vote.edited,
                vote.seconds, undoes, _now(),
            ),
        )  # fmt: skip

    def _settle(self, pair_id: int) -> None:
        """The newest vote that is not taken back stands; pairs remember it, so that nobody searches the log."""
        self._sql.execute(
            f"UPDATE pairs SET vote = (SELECT MAX(vote) FROM votes WHERE votes.pair_id = pairs.pair_id AND {_STANDS})"
            " WHERE pair_id = ?",
            (pair_id,),
        )

    def _pace(self, project_id: str, person: str) -> float | None:
        """Votes an hour by the person's latest looks; None before there are three."""
        found = self._sql.execute(
            f"SELECT seconds FROM votes WHERE project_id = ? AND person = ? AND seconds IS NOT NULL AND {_STANDS}"
            f" ORDER BY vote DESC LIMIT {PACE_VOTES}",
            (project_id, person),
        )
        seconds = [min(row[0], LONGEST_SECONDS) for row in found]
        return 3600 * len(seconds) / max(sum(seconds), 1.0) if len(seconds) >= 3 else None


def _vote(row: sqlite3.Row) -> Vote:
    return Vote(
        event=row["event"],
        pair_id=row["pair_id"],
        action=row["action"],
        winner=row["winner"],
        left=row["left_reply"],
        edited=row["edited"],
        seconds=row["seconds"],
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
