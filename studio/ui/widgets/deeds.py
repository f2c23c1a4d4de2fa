"""Deeds on whole datasets: the dialogs that begin, duplicate, merge and export them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.data.records import KINDS
from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, object_of, text_of
from studio.ui.widgets.progress import read_progress


def build_deeds(studio) -> gr.HTML:
    """studio: services.studio.Studio. Shows nothing of its own: the head of the table opens its dialogs."""
    deeds = studio.deeds

    def new(person: Person, argument: dict) -> str:
        return deeds.new(person, text_of(argument, "deed"), text_of(argument, "name"), text_of(argument, "kind"))

    def duplicate(person: Person, argument: dict) -> str:
        asked = text_of(argument, "id"), find_text(argument, "name")
        return deeds.duplicate(person, text_of(argument, "deed"), *asked)

    def merge(person: Person, argument: dict) -> str:
        asked = find_text(argument, "name"), object_of(argument, "blend")
        return deeds.merge(person, text_of(argument, "deed"), *asked)

    def preview_export(person: Person, argument: dict) -> dict[str, Any]:
        asked = text_of(argument, "id"), text_of(argument, "form"), argument.get("selection")
        return deeds.preview_export(person, *asked)

    def export(person: Person, argument: dict) -> str:
        return deeds.export(person, text_of(argument, "deed"), text_of(argument, "id"), object_of(argument, "asked"))

    return build_widget(
        "deeds",
        elem_id="data-deeds",
        reads={
            "datasets": lambda person, argument: studio.datasets.list(person),
            "kinds": lambda person, argument: list(KINDS),
            "preview_merge": lambda person, argument: deeds.preview_merge(person, object_of(argument, "blend")),
            "preview_export": preview_export,
            "job": lambda person, argument: read_progress(studio, person, text_of(argument, "job_id")),
        },
        writes={
            "new": new,
            "duplicate": duplicate,
            "merge": merge,
            "export": export,
            "stop": lambda person, argument: deeds.stop(person, text_of(argument, "job_id")),
        },
    )
