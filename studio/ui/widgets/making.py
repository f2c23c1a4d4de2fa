"""Making more rows of a dataset: by a template or a model, and a person's word on each."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import object_of, text_of, whole_of, wholes_of

_MOST_IDS = 1000


def build_making(studio) -> gr.HTML:
    """studio: services.studio.Studio. Shows nothing of its own: the head of the table opens its dialog."""
    making = studio.making

    def accept(person: Person, asked: dict) -> int:
        edited = object_of(asked, "edited") if asked.get("edited") is not None else None
        return making.accept(person, text_of(asked, "id"), text_of(asked, "deed"), _find_ids(asked), edited)

    def queue(person: Person, asked: dict) -> dict[str, Any]:
        return making.queue(person, text_of(asked, "id"), text_of(asked, "state"), whole_of(asked, "page"))

    def start(person: Person, asked: dict) -> str:
        return making.start(person, text_of(asked, "id"), text_of(asked, "deed"), object_of(asked, "asked"))

    return build_widget(
        "making",
        elem_id="data-making",
        reads={
            "choices": lambda person, asked: making.choices(person, text_of(asked, "id")),
            "look_at_template": lambda person, asked: making.look_at_template(object_of(asked, "template")),
            "queue": queue,
        },
        writes={
            "start": start,
            "stop": lambda person, asked: making.stop(person, text_of(asked, "id")),
            "accept": accept,
            "reject": lambda person, asked: making.reject(person, text_of(asked, "id"), _find_ids(asked)),
            "reopen": lambda person, asked: making.reopen(
                person, text_of(asked, "id"), wholes_of(asked, "ids", _MOST_IDS)
            ),
        },
    )


def _find_ids(asked: dict) -> list[int] | int:
    """Numbers of proposals, or the newest one that was seen, for all up to it. Raises RequestRefused."""
    return whole_of(asked, "up_to") if asked.get("ids") is None else wholes_of(asked, "ids", _MOST_IDS)
