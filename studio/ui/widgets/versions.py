"""The versions of a dataset: frozen rows that training reads."""

from __future__ import annotations

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, text_of
from studio.ui.widgets.progress import read_progress


def build_versions(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    datasets = studio.datasets

    def save_version(person: Person, argument: dict) -> str:
        message = find_text(argument, "message") or ""
        return datasets.save_version(person, text_of(argument, "id"), text_of(argument, "deed"), message)

    return build_widget(
        "versions",
        elem_id="data-versions",
        reads={
            "versions": lambda person, argument: datasets.versions(person, text_of(argument, "id")),
            "job": lambda person, argument: read_progress(studio, person, text_of(argument, "job_id")),
        },
        writes={"save_version": save_version},
    )
