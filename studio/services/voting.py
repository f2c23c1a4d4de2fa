"""Voting: which pairs a page is given, and how what it sends becomes votes on the disk."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.errors import InputError, NotYours, RequestRefused
from studio.people import Person
from studio.preferences.order import left_reply
from studio.preferences.pairs import B, render_reply
from studio.preferences.votes import LONGEST_EDIT, PRESSED, UNDO, Vote, winner_of
from studio.services.project_info import count_votes, opened_project
from studio.store.preferences import Pair, Preferences, Project

RESERVED_S = 180.0
"""How long a pair is kept for the page that was given it; every call of the page renews it."""

MOST_AT_ONCE = 20
MOST_VOTES = 200
_EVENT = re.compile(r"[0-9A-Za-z-]{8,64}")


class Reservations:
    """Which page has which pair before it, so that no two are given the same. Lost with the app, and then no harm is
    done: of two votes on one pair the newer stands."""

    def __init__(self, reserved_s: float = RESERVED_S) -> None:
        self._reserved_s = reserved_s
        self._held: dict[tuple[Path, str], dict[int, tuple[str, float]]] = {}
        self.guard = threading.RLock()

    def of_others(self, key: tuple[Path, str], page: str) -> list[int]:
        now_s = time.monotonic()
        with self.guard:
            held = self._held.setdefault(key, {})
            for pair_id in [pair_id for pair_id, (_, until_s) in held.items() if until_s <= now_s]:
                del held[pair_id]
            return [pair_id for pair_id, (holder, _) in held.items() if holder != page]

    def take(self, key: tuple[Path, str], page: str, pair_ids: Sequence[int]) -> None:
        """Reserve, or renew; a pair that another page has stays that page's."""
        until_s = time.monotonic() + self._reserved_s
        with self.guard:
            taken = set(self.of_others(key, page))
            self._held[key] |= {pair_id: (page, until_s) for pair_id in pair_ids if pair_id not in taken}

    def release(self, key: tuple[Path, str], pair_id: int) -> None:
        with self.guard:
            self._held.get(key, {}).pop(pair_id, None)

    def forget(self, key: tuple[Path, str]) -> None:
        with self.guard:
            self._held.pop(key, None)


class Voting:
    """The votes of every workspace. Thread-safe: each call opens what it needs and closes it."""

    def __init__(self, reservations: Reservations | None = None) -> None:
        self.reservations = reservations or Reservations()

    def next_pairs(self, person: Person, project_id: str, page: str, held: list[int], want: int) -> dict[str, Any]:
        """{pairs, lost}: up to `want` pairs for this page, beside those it holds already, which stay its own.

        lost: held pairs that somebody has voted on, or that another page was given while this one was silent.
        """
        with opened_project(person, project_id) as (preferences, project):
            pairs, lost = self._reserve(preferences, person, project, page, held, want)
        return {"pairs": pairs, "lost": lost}

    def vote(self, person: Person, project_id: str, sent: list[Any]) -> dict[str, Any]:
        """Write votes in the order they come; they are on the disk when this returns.

        sent: {id, pair_id, pressed (left, right, both_good, both_bad, skip, undo), edited?, seconds?, undoes?}.
        Returns {saved: ids, refused: [{id, code}], counts}; an id that was saved before is saved.
        """
        if len(sent) > MOST_VOTES:
            raise RequestRefused()
        saved: list[str] = []
        refused: list[dict[str, Any]] = []
        settled: list[int] = []
        with opened_project(person, project_id) as (preferences, project):
            with preferences.writing():
                for one in sent:
                    event = _event_of(one)
                    try:
                        settled += self._write(preferences, project, person, event, one)
                        saved.append(event)
                    except InputError as problem:
                        refused.append({"id": event, "code": problem.code})
            for pair_id in settled:
                self.reservations.release((person.workspace, project_id), pair_id)
            return {
                "saved": saved,
                "refused": refused,
                "counts": count_votes(preferences, project_id, person.id),
            }

    def undo_last(self, person: Person, project_id: str, page: str, event: str) -> dict[str, Any]:
        """Take back the person's newest vote that stands, whatever page it came from; {pair, counts}, pair None where
        nothing is left. The same event again tells the same pair."""
        event = _event_of({"id": event})
        with opened_project(person, project_id) as (preferences, project):
            with preferences.writing() as votes:
                pair_id = votes.taken_back_by(event)
                last = None if pair_id is not None else votes.last_standing(project_id, person.id)
                if last is not None:
                    pair_id = votes.undo(project_id, person.id, event, last.event)
            shown = None
            if pair_id is not None:
                self.reservations.take((person.workspace, project_id), page, [pair_id])
                shown = show_pair(project, preferences.pair(project_id, pair_id))
            return {"pair": shown, "counts": count_votes(preferences, project_id, person.id)}

    def offer_skipped(self, person: Person, project_id: str, deed: str) -> int:
        """Take back every skip of this person; how many pairs are open again by it."""
        event = _event_of({"id": deed})
        with opened_project(person, project_id) as (preferences, _), preferences.writing() as votes:
            skipped = votes.skipped(project_id, person.id)
            for number, undoes in enumerate(skipped, 1):
                votes.undo(project_id, person.id, f"{event}-{number}", undoes)
        return len(skipped)

    def _reserve(
        self, preferences: Preferences, person: Person, project: Project, page: str, held: list[int], want: int
    ) -> tuple[list[dict[str, Any]], list[int]]:
        key = (person.workspace, project.project_id)
        with self.reservations.guard:
            still_open = preferences.still_open(project.project_id, held)
            self.reservations.take(key, page, still_open)
            others = self.reservations.of_others(key, page)
            pairs = preferences.open_pairs(project.project_id, min(max(want, 0), MOST_AT_ONCE), [*others, *held])
            self.reservations.take(key, page, [pair.pair_id for pair in pairs])
        kept = set(still_open) - set(others)
        return [show_pair(project, pair) for pair in pairs], [pair_id for pair_id in held if pair_id not in kept]

    def _write(
        self, preferences: Preferences, project: Project, person: Person, event: str, sent: dict[str, Any]
    ) -> list[int]:
        """Write one; the pairs that no page needs to keep any more. Raises NotYours, RequestRefused."""
        action = PRESSED.get(str(sent.get("pressed")))
        if action is None:
            raise RequestRefused()
        if action == UNDO:
            preferences.votes.undo(project.project_id, person.id, event, _event_of({"id": sent.get("undoes")}))
            return []
        pair_id = sent.get("pair_id")
        if isinstance(pair_id, bool) or not isinstance(pair_id, int) or abs(pair_id) >= 2**63:
            raise NotYours(what="pair")
        pair = preferences.pair(project.project_id, pair_id)
        left = left_reply(project.seed, pair_id)
        winner = winner_of(sent["pressed"], left)
        edited = _edited_of(sent, pair, winner)
        vote = Vote(event, pair_id, action, winner, left, edited, _seconds_of(sent))
        preferences.votes.add(project.project_id, person.id, vote)
        return [pair_id]


def show_pair(project: Project, pair: Pair) -> dict[str, Any]:
    """A pair as a page gets it: by side, without a word on where a reply is from."""
    sides = [render_reply(reply or []) for reply in (pair.a, pair.b)]
    if left_reply(project.seed, pair.pair_id) == B:
        sides.reverse()
    prompt = [{"role": message["role"], "text": render_reply([message])} for message in pair.prompt]
    return {
        "pair_id": pair.pair_id,
        "position": pair.position,
        "prompt": prompt,
        "left": sides[0],
        "right": sides[1],
        "held_out": pair.held_out,
    }


def _event_of(sent: Any) -> str:
    event = sent.get("id") if isinstance(sent, dict) else None
    if not isinstance(event, str) or not _EVENT.fullmatch(event):
        raise RequestRefused()
    return event


def _edited_of(sent: dict[str, Any], pair: Pair, winner: str | None) -> str | None:
    """The rewritten winner; None where nothing was changed. Raises RequestRefused for an empty or endless text."""
    text = sent.get("edited")
    if text is None:
        return None
    if winner is None or not isinstance(text, str) or not text.strip() or len(text) > LONGEST_EDIT:
        raise RequestRefused()
    before = render_reply((pair.b if winner == B else pair.a) or [])
    return None if text == before else text


def _seconds_of(sent: dict[str, Any]) -> float | None:
    seconds = sent.get("seconds")
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return float(seconds) if is_number and 0 <= seconds < 86400 else None
