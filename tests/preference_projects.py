"""What tests of preferences share: a project of numbered pairs, and votes as a page sends them."""

from __future__ import annotations

import secrets
from typing import Any

from studio.people import Person
from studio.preferences.pairs import NewPair, as_reply
from studio.store.preferences import Project, open_preferences

SEED = "seed"


def numbered_pair(number: int, held_out: bool = False, **given: Any) -> NewPair:
    """Question n? with Good n. (reply a) and Bad n. (reply b)."""
    prompt = [{"role": "user", "content": f"Question {number}?"}]
    a, b = given.get("a", f"Good {number}."), given.get("b", f"Bad {number}.")
    sides = [None if text is None else as_reply(text) for text in (a, b)]
    return NewPair(prompt, *sides, {"kind": "imported", "side": "chosen"}, {"kind": "imported", "side": "rejected"},
                   split_key=0.0 if held_out else 0.9, held_out=held_out)  # fmt: skip


def make_project(person: Person, pairs: int | list[NewPair] = 10, name: str = "Polite") -> str:
    """The id of a stored project; its first pair is held out where a number is given."""
    made = [numbered_pair(n, held_out=n == 1) for n in range(1, pairs + 1)] if isinstance(pairs, int) else pairs
    project_id = f"p-{secrets.token_hex(8)}"
    guideline = {"prefer": "Prefer the polite one.", "good": "", "avoid": ""}
    project = Project(project_id, name, guideline, {"kind": "pairs"}, SEED, "2026-01-01T00:00:00.000Z")
    with open_preferences(person.workspace) as preferences:
        preferences.insert_project(project, made)
    return project_id


def sent_vote(pair: dict[str, Any], pressed: str, **more: Any) -> dict[str, Any]:
    """What the page sends for a pair it was given."""
    return {"id": secrets.token_hex(8), "pair_id": pair["pair_id"], "pressed": pressed, "seconds": 4.0} | more


def sent_undo(vote: dict[str, Any]) -> dict[str, Any]:
    return {"id": secrets.token_hex(8), "pressed": "undo", "undoes": vote["id"]}
