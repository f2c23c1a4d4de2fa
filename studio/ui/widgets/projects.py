"""The head of the Preferences tab: the projects of a person and what can be done with one as a whole."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, text_of, whole_of
from studio.ui.widgets.progress import read_progress


def build_projects(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    preferences = studio.preferences

    def listed(person: Person, asked: dict) -> dict[str, Any]:
        """person: whose votes may wait in this browser."""
        return {"person": person.id, "projects": preferences.list(person)}

    def create(person: Person, asked: dict) -> str:
        given = {name: find_text(asked, name) for name in ("kind", "name", "dataset")}
        return preferences.create(person, text_of(asked, "deed"), given)

    def compile_votes(person: Person, asked: dict) -> str:
        project, base = text_of(asked, "project"), text_of(asked, "base")
        return preferences.compile(person, text_of(asked, "deed"), project, base, whole_of(asked, "max_length"))

    return build_widget(
        "projects",
        elem_id="preference-projects",
        reads={
            "list": listed,
            "sources": lambda person, asked: {"datasets": preferences.sources(person)},
            "depends": lambda person, asked: preferences.depends(person, text_of(asked, "project")),
            "compile_choices": lambda person, asked: preferences.compile_choices(person),
            "job": lambda person, asked: read_progress(studio, person, text_of(asked, "job_id")),
        },
        writes={
            "create": create,
            "rename": lambda person, asked: preferences.rename(
                person, text_of(asked, "project"), text_of(asked, "name")
            ),
            "remove": lambda person, asked: preferences.delete(person, text_of(asked, "project")),
            "compile": compile_votes,
        },
    )
