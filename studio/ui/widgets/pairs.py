"""The pair card: pairs for a page, and the votes that it sends."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.services.voting import MOST_AT_ONCE, MOST_VOTES
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import list_of, object_of, text_of, whole_of, wholes_of


def build_pairs(studio) -> gr.HTML:
    """Follows `preferences:project`. studio: services.studio.Studio."""
    voting, preferences = studio.voting, studio.preferences

    def next_pairs(person: Person, asked: dict) -> dict[str, Any]:
        held = wholes_of(asked, "held", MOST_AT_ONCE + MOST_VOTES)
        return voting.next_pairs(
            person, text_of(asked, "project"), text_of(asked, "page"), held, whole_of(asked, "want")
        )

    def vote(person: Person, asked: dict) -> dict[str, Any]:
        return voting.vote(person, text_of(asked, "project"), list_of(asked, "votes", MOST_VOTES))

    def undo_last(person: Person, asked: dict) -> dict[str, Any]:
        return voting.undo_last(person, text_of(asked, "project"), text_of(asked, "page"), text_of(asked, "id"))

    def guideline(person: Person, asked: dict) -> dict[str, str]:
        return preferences.set_guideline(person, text_of(asked, "project"), object_of(asked, "guideline"))

    def offer_skipped(person: Person, asked: dict) -> int:
        return voting.offer_skipped(person, text_of(asked, "project"), text_of(asked, "deed"))

    return build_widget(
        "pairs",
        elem_id="preference-pairs",
        reads={"next": next_pairs},
        writes={"vote": vote, "undo_last": undo_last, "guideline": guideline, "offer_skipped": offer_skipped},
    )
