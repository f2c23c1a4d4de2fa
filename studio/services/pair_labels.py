"""Labels that came with pairs: which reply its source preferred, taken as a vote where nobody has voted."""

from __future__ import annotations

from studio.people import Person
from studio.preferences.votes import WIN, Vote
from studio.services.project_info import opened_project

LABELLER = "source:labels"
"""Who votes so in the log; no person's id holds a colon."""

NOT_SHOWN = ""
"""What stood left of a pair that nobody was shown."""


def count_labels(person: Person, project_id: str) -> int:
    """Open pairs whose source says which reply is better. Raises NotYours."""
    with opened_project(person, project_id) as (preferences, _):
        return preferences.count_labelled(project_id)


def take_labels(person: Person, project_id: str) -> int:
    """Vote as the source did on every pair that nobody has voted on, in one transaction; how many. Safe to repeat.

    The log tells these votes apart by who cast them, and they count for no side of the card. Raises NotYours.
    """
    with opened_project(person, project_id) as (preferences, _), preferences.writing() as votes:
        labelled = preferences.labelled(project_id)
        for pair_id, winner in labelled:
            event = f"{LABELLER}-{project_id}-{pair_id}"
            votes.add(project_id, LABELLER, Vote(event, pair_id, WIN, winner, NOT_SHOWN))
    return len(labelled)
