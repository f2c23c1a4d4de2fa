"""One conversation as it stands, while replies are being written: kept in memory for the pages, on disk for later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import StudioError, error_of_code
from studio.services.compare_settings import Sampling
from studio.store.conversations import StoredReply, StoredTurn, open_conversations

WAITING, WRITING, DONE, STOPPED, FAILED, BROKEN = "waiting", "writing", "done", "stopped", "failed", "broken"
LIVE = frozenset({WAITING, WRITING})
SAVE_EVERY_S = 1.0
"""Of a reply that is being written, at most this much is lost when the app dies; each save syncs the disk once."""

Column = dict[str, Any]
"""kind ("model" or "endpoint"), id, and what its title is made of: group, name, method, step."""


def column_key(column: Mapping[str, Any]) -> str:
    """What a column's replies are kept under: the same model has its replies back wherever it stands."""
    return f"{column['kind']}:{column['id']}"


@dataclass
class Reply:
    """One model's reply. version: rises with every change. begun: by the clock of `time.monotonic`."""

    number: int
    model: str
    deed: str
    state: str
    text: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    saved_s: float = 0.0

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


class Conversation:
    """Columns, settings, prompts and replies. Thread-safe; every change is told to whoever listens.

    Read from the disk when first opened: a reply that was being written then was broken off when the app ended.
    """

    def __init__(self, workspace: Path, conversation_id: str) -> None:
        self.lock = threading.RLock()
        self.columns: list[Column] | None = None
        self.settings = Sampling()
        self.turns: list[StoredTurn] = []
        self.replies: dict[tuple[int, str], Reply] = {}
        self.structure = 0
        self.watched_s = time.monotonic()
        self._workspace = workspace
        self._id = conversation_id
        self._listeners: list[Callable[[], None]] = []
        self._read()

    # What is known ----------------------------------------------------------------------------------------------------

    @property
    def is_live(self) -> bool:
        with self.lock:
            return any(reply.is_live for reply in self.replies.values())

    @property
    def mark(self) -> str:
        """Changes with everything that a page shows."""
        with self.lock:
            return f"{self.structure}.{sum(reply.version for reply in self.replies.values())}"

    def reply(self, number: int, model: str) -> Reply | None:
        return self.replies.get((number, model))

    def has_deed(self, deed: str) -> bool:
        with self.lock:
            done = {turn.deed for turn in self.turns} | {reply.deed for reply in self.replies.values()}
        return deed in done

    def messages(self, number: int, model: str, system: str) -> list[dict[str, str]]:
        """What a model is given to reply to a prompt: the system prompt, the exchanges before that ended well, the prompt.

        A prompt that it never replied to, or whose reply was broken off, is left out with its reply.
        """
        with self.lock:
            found = [{"role": "system", "content": system}] if system.strip() else []
            for turn in self.turns:
                reply = self.replies.get((turn.number, model))
                if turn.number < number and reply and reply.state in (DONE, STOPPED) and reply.text.strip():
                    found += [{"role": "user", "content": turn.prompt}, {"role": "assistant", "content": reply.text}]
                if turn.number == number:
                    found.append({"role": "user", "content": turn.prompt})
            return found

    # Changes ----------------------------------------------------------------------------------------------------------

    def set_up(self, columns: list[Column], settings: Sampling) -> None:
        with self.lock:
            if columns == self.columns and settings == self.settings:
                return
            self.columns, self.settings = columns, settings
            with open_conversations(self._workspace) as store:
                store.save_setup(self._id, columns, settings.to_fields())
            self.structure += 1
        self.tell()

    def ask(self, prompt: str, deed: str) -> int:
        """Enter a prompt; its number."""
        with self.lock:
            turn = StoredTurn(self.turns[-1].number + 1 if self.turns else 1, prompt, deed)
            with open_conversations(self._workspace) as store:
                store.insert_turn(self._id, turn)
            self.turns.append(turn)
            self.structure += 1
            return turn.number

    def begin(self, number: int, model: str, deed: str, facts: dict[str, Any]) -> Reply:
        """A reply that waits for its first token, in place of an earlier one."""
        with self.lock:
            before = self.replies.get((number, model))
            reply = Reply(number, model, deed, WAITING, facts=facts, version=before.version + 1 if before else 1)
            self._save(reply)  # first, for what cannot be saved must not be waited for
            self.replies[number, model] = reply
            self.watched_s = time.monotonic()
        self.tell()
        return reply

    def add(self, reply: Reply, text: str, facts: dict[str, Any]) -> bool:
        """Append to a reply; False where it is no longer wanted: stopped, asked anew, or cleared away."""
        with self.lock:
            if not self._is_current(reply):
                return False
            if reply.facts | facts == reply.facts and not text:
                return True
            is_first = not reply.text
            reply.state = WRITING if reply.text or text else WAITING
            reply.text += text
            reply.facts |= facts
            reply.version += 1
            if is_first or time.monotonic() - reply.saved_s > SAVE_EVERY_S:
                self._save(reply)
        self.tell()
        return True

    def end(self, reply: Reply, state: str, facts: dict[str, Any]) -> None:
        """How a reply came to its end; nothing where it already has. It is told also where it cannot be saved."""
        with self.lock:
            if not self._is_current(reply):
                return
            reply.state = state
            reply.facts |= facts
            reply.version += 1
            try:
                self._save(reply)
            finally:
                self.tell()

    def stop(self, cause: str) -> None:
        """End every reply that is being written, with what is there of it."""
        with self.lock:
            for reply in [reply for reply in self.replies.values() if reply.is_live]:
                self.end(reply, STOPPED, {"stopped_by": cause})

    def break_off(self) -> None:
        """The app ends: what is there of each reply is kept, as what it is."""
        with self.lock:
            for reply in [reply for reply in self.replies.values() if reply.is_live]:
                self.end(reply, BROKEN, {})

    def clear(self) -> None:
        """Forget prompts and replies; columns and settings stay."""
        with self.lock:
            with open_conversations(self._workspace) as store:
                store.clear(self._id)
            self.turns, self.replies = [], {}
            self.structure += 1
        self.tell()

    # Listeners --------------------------------------------------------------------------------------------------------

    def listen(self, wake: Callable[[], None]) -> None:
        with self.lock:
            self._listeners.append(wake)

    def unlisten(self, wake: Callable[[], None]) -> None:
        with self.lock:
            self._listeners.remove(wake)
            self.watched_s = time.monotonic()

    def is_watched(self, within_s: float) -> bool:
        """Whether a page listens, or did a short while ago."""
        with self.lock:
            return bool(self._listeners) or time.monotonic() - self.watched_s < within_s

    def tell(self) -> None:
        with self.lock:
            listeners = list(self._listeners)
        for wake in listeners:
            wake()

    # Inside -----------------------------------------------------------------------------------------------------------

    def _is_current(self, reply: Reply) -> bool:
        return reply.is_live and self.replies.get((reply.number, reply.model)) is reply

    def _save(self, reply: Reply) -> None:
        reply.saved_s = time.monotonic()
        stored = StoredReply(reply.number, reply.model, reply.deed, reply.state, reply.text, reply.facts)
        with open_conversations(self._workspace) as store:
            store.save_reply(self._id, stored)

    def _read(self) -> None:
        with open_conversations(self._workspace) as store:
            stored = store.find(self._id)
        if stored is None:
            return
        self.columns, self.settings, self.turns = stored.columns, Sampling(**stored.settings), stored.turns
        for found in stored.replies:
            reply = Reply(**vars(found), version=1)
            self.replies[found.number, found.model] = reply
            self.end(reply, BROKEN, {})


class Follower:
    """What one page has been told of a conversation, so that each time only the rest is sent.

    wake: called, from any thread, whenever there is something new; then `close` ends it.
    """

    def __init__(self, conversation: Conversation, language: str, wake: Callable[[], None] | None = None) -> None:
        self._conversation = conversation
        self._language = language
        self._wake = wake
        if wake:
            conversation.listen(wake)
        self._structure = -1
        self._seen: dict[tuple[int, str], tuple[Reply, int, int]] = {}

    def close(self) -> None:
        if self._wake:
            self._conversation.unlisten(self._wake)

    @property
    def is_live(self) -> bool:
        return self._conversation.is_live

    def news(self) -> dict[str, Any] | None:
        """{mark, live, replies, setup?}; None where nothing has changed.

        A reply says `from`, the place in its text where its `text` belongs; at 0 it replaces what was there.
        """
        talk = self._conversation
        with talk.lock:
            replies = [self._reply_news(key, reply) for key, reply in talk.replies.items() if self._is_new(key, reply)]
            news = {"mark": talk.mark, "live": talk.is_live, "replies": replies}
            if talk.structure != self._structure:
                self._structure = talk.structure
                turns = [{"number": turn.number, "prompt": turn.prompt} for turn in talk.turns]
                news["setup"] = {"columns": talk.columns, "settings": talk.settings.to_fields(), "turns": turns}
            elif not replies:
                return None
        return news

    def _is_new(self, key: tuple[int, str], reply: Reply) -> bool:
        known = self._seen.get(key)
        return known is None or known[0] is not reply or known[1] != reply.version

    def _reply_news(self, key: tuple[int, str], reply: Reply) -> dict[str, Any]:
        known = self._seen.get(key)
        start = known[2] if known and known[0] is reply else 0
        self._seen[key] = (reply, reply.version, len(reply.text))
        said = {"number": reply.number, "model": reply.model, "state": reply.state, "from": start}
        facts = {name: value for name, value in reply.facts.items() if name != "error"}
        return said | {
            "text": reply.text[start:],
            "facts": facts,
            "error": error_words(reply.facts.get("error"), self._language),
        }


def error_facts(error: StudioError) -> dict[str, Any]:
    """An error as it is kept with a reply: to be worded again in a person's language."""
    values = {
        name: value if isinstance(value, str | int | float | None) else str(value)
        for name, value in error.values.items()
    }
    return {"error": {"code": error.code, "values": values, "said": str(error)}}


def error_words(kept: Mapping[str, Any] | None, language: str) -> dict[str, str] | None:
    """{code, message, hint} of what `error_facts` kept; English as it was said where the code is no longer known."""
    if kept is None:
        return None
    error = error_of_code(kept["code"], kept["values"])
    if error is None:
        return {"code": kept["code"], "message": kept["said"], "hint": ""}
    return {"code": error.code, "message": error.message(language), "hint": error.hint(language)}
