"""Conversations of a workspace: what was asked, what each model replied, and the columns it all stands in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from studio.store.catalogue import FILE_NAME, MIGRATIONS
from studio.store.connection import open_database, transaction


@dataclass(frozen=True)
class StoredTurn:
    """One prompt, asked of every column. number: from 1. deed: of the form that sent it."""

    number: int
    prompt: str
    deed: str


@dataclass(frozen=True)
class StoredReply:
    """What one model replied to one prompt. model: the column's key. facts: how it was made, or why it failed."""

    number: int
    model: str
    deed: str
    state: str
    text: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class StoredConversation:
    """columns and settings are as the service wrote them; turns and replies in the order they were asked."""

    columns: list[dict[str, Any]]
    settings: dict[str, Any]
    turns: list[StoredTurn]
    replies: list[StoredReply]


@contextmanager
def open_conversations(workspace: Path) -> Iterator[Conversations]:
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_database(workspace / FILE_NAME, MIGRATIONS) as connection:
        yield Conversations(connection)


class Conversations:
    """The conversations behind a connection; each method is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def find(self, conversation_id: str) -> StoredConversation | None:
        found = self._sql.execute(
            "SELECT * FROM conversations WHERE conversation_id = ?", (conversation_id,)
        ).fetchone()
        if found is None:
            return None
        turns = self._sql.execute(
            "SELECT number, prompt, deed FROM turns WHERE conversation_id = ? ORDER BY number", (conversation_id,)
        )
        replies = self._sql.execute(
            "SELECT number, model, deed, state, text, facts FROM replies WHERE conversation_id = ? ORDER BY number, model",
            (conversation_id,),
        )
        return StoredConversation(
            columns=orjson.loads(found["columns"]),
            settings=orjson.loads(found["settings"]),
            turns=[StoredTurn(**row) for row in turns],
            replies=[StoredReply(**dict(row) | {"facts": orjson.loads(row["facts"])}) for row in replies],
        )

    def count_with(self, model: str) -> int:
        """Conversations in which one of the columns is this model."""
        found = self._sql.execute("SELECT columns FROM conversations")
        return sum(any(column.get("id") == model for column in orjson.loads(row["columns"])) for row in found)

    def models_that_replied(self) -> set[str]:
        """The column keys of which a whole reply is kept in some conversation."""
        return {row[0] for row in self._sql.execute("SELECT DISTINCT model FROM replies WHERE state = 'done'")}

    def save_setup(self, conversation_id: str, columns: list[dict[str, Any]], settings: dict[str, Any]) -> None:
        """Columns and settings; the conversation is begun where there is none."""
        values = (conversation_id, _text(columns), _text(settings), datetime.now(UTC).isoformat())
        with transaction(self._sql):
            self._sql.execute(
                "INSERT INTO conversations VALUES (?, ?, ?, ?) ON CONFLICT (conversation_id)"
                " DO UPDATE SET columns = excluded.columns, settings = excluded.settings",
                values,
            )

    def insert_turn(self, conversation_id: str, turn: StoredTurn) -> None:
        now = datetime.now(UTC).isoformat()
        with transaction(self._sql):
            self._sql.execute(
                "INSERT INTO turns VALUES (?, ?, ?, ?, ?)", (conversation_id, turn.number, turn.prompt, turn.deed, now)
            )

    def save_reply(self, conversation_id: str, reply: StoredReply) -> None:
        """The reply as it stands now, in place of an earlier one. One whose prompt was cleared away is not kept."""
        values = (
            conversation_id, reply.number, reply.model, reply.deed, reply.state, reply.text, _text(reply.facts),
            conversation_id, reply.number,
        )  # fmt: skip
        with transaction(self._sql):
            self._sql.execute(
                "INSERT OR REPLACE INTO replies SELECT ?, ?, ?, ?, ?, ?, ?"
                " WHERE EXISTS (SELECT 1 FROM turns WHERE conversation_id = ? AND number = ?)",
                values,
            )

    def clear(self, conversation_id: str) -> None:
        """Forget what was asked and replied; columns and settings stay."""
        with transaction(self._sql):
            self._sql.execute("DELETE FROM replies WHERE conversation_id = ?", (conversation_id,))
            self._sql.execute("DELETE FROM turns WHERE conversation_id = ?", (conversation_id,))


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
