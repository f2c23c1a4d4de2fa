"""What a page is told of a preference project: its pairs, its votes, and the versions that were made of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from studio.errors import NotYours
from studio.people import Person
from studio.preferences.compile import ROWS
from studio.preferences.votes import SKIP
from studio.store.catalogue import VersionEntry
from studio.store.preferences import Preferences, Project, is_project_id, open_preferences


@contextmanager
def opened_project(person: Person, project_id: object) -> Iterator[tuple[Preferences, Project]]:
    """The preferences of a person's workspace and one project of it. Raises NotYours."""
    if not is_project_id(project_id):
        raise NotYours(what="project")
    with open_preferences(person.workspace) as preferences:
        yield preferences, preferences.project(str(project_id))


def count_votes(preferences: Preferences, project_id: str, person_id: str) -> dict[str, Any]:
    """votes (skips are none), and labels: those of them that came with the pairs; skipped, dpo, kto: rows; left, right:
    how often a side was chosen; pace: votes an hour by the person's latest looks, or None; last: number of the newest
    event."""
    counts = preferences.votes.counts(project_id, person_id)
    outcomes = counts.pop("outcomes")
    rows = [sum(ROWS[outcome][kind] * count for outcome, count in outcomes.items()) for kind in (0, 1)]
    skipped = outcomes.get(SKIP, 0)
    labels = preferences.votes.count_unseen(project_id)
    votes = {"votes": sum(outcomes.values()) - skipped, "labels": labels, "skipped": skipped}
    return counts | votes | {"dpo": rows[0], "kto": rows[1]}


def tell_project(
    preferences: Preferences, project: Project, versions: list[VersionEntry], person_id: str
) -> dict[str, Any]:
    """versions: of this project, newest first. newer: events since the newest of them."""
    told = [
        {name: getattr(version, name) for name in ("number", "fingerprint", "rows", "held_out", "created")}
        for version in versions
    ]
    last = max((version.last_change for version in versions), default=0)
    return {
        "id": project.project_id,
        "name": project.name,
        "created": project.created,
        "guideline": project.guideline,
        "source": project.source,
        "counts": count_votes(preferences, project.project_id, person_id),
        "versions": told,
        "newer": preferences.votes.count_after(project.project_id, last),
        **preferences.counts(project.project_id),
    }
