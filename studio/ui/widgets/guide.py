"""The guide's steps, the lineage of the newest adapter, and the glossary."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.services.glossary import list_terms
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import text_of
from studio.ui.widgets.progress import read_progress


def build_guide(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    guide = studio.guide

    def save_version(person: Person, asked: dict) -> str:
        return guide.save_version(person, text_of(asked, "deed"), text_of(asked, "dataset"))

    def job(person: Person, asked: dict) -> dict[str, Any]:
        return read_progress(studio, person, text_of(asked, "job_id"))

    return build_widget(
        "guide",
        elem_id="guide",
        reads={"look": lambda person, asked: guide.look(person), "job": job},
        writes={
            "load_sample": lambda person, asked: guide.load_sample(person, text_of(asked, "deed")),
            "save_version": save_version,
            "take_labels": lambda person, asked: guide.take_labels(person, text_of(asked, "project")),
            "hide": lambda person, asked: guide.hide(person, asked.get("hidden") is True),
        },
    )


def build_glossary() -> gr.HTML:
    return build_widget("glossary", elem_id="glossary", reads={"terms": lambda person, asked: list_terms()})
