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
    preferences, candidates = studio.preferences, studio.candidates

    def listed(person: Person, asked: dict) -> dict[str, Any]:
        """person: whose votes may wait in this browser."""
        projects = [project | candidates.state(person, project["id"]) for project in preferences.list(person)]
        return {"person": person.id, "projects": projects}

    def create(person: Person, asked: dict) -> str:
        """Where replies are still to come, their writing begins at once."""
        given = {name: find_text(asked, name) for name in ("kind", "name", "dataset")}
        more = {name: asked.get(name) for name in ("text", "columns", "max_tokens")}
        if asked.get("most") is not None:
            more["most"] = whole_of(asked, "most")
        project = preferences.create(person, text_of(asked, "deed"), given | more)
        candidates.start(person, project)
        return project

    def remove(person: Person, asked: dict) -> None:
        candidates.stop(person, text_of(asked, "project"))
        preferences.delete(person, text_of(asked, "project"))

    def compile_votes(person: Person, asked: dict) -> str:
        project, base = text_of(asked, "project"), text_of(asked, "base")
        return preferences.compile(person, text_of(asked, "deed"), project, base, whole_of(asked, "max_length"))

    return build_widget(
        "projects",
        elem_id="preference-projects",
        reads={
            "list": listed,
            "sources": lambda person, asked: preferences.sources(person),
            "depends": lambda person, asked: preferences.depends(person, text_of(asked, "project")),
            "compile_choices": lambda person, asked: preferences.compile_choices(person),
            "job": lambda person, asked: read_progress(studio, person, text_of(asked, "job_id")),
        },
        writes={
            "create": create,
            "rename": lambda person, asked: preferences.rename(
                person, text_of(asked, "project"), text_of(asked, "name")
            ),
            "remove": remove,
            "compile": compile_votes,
            "write": lambda person, asked: candidates.start(person, text_of(asked, "project")),
            "stop": lambda person, asked: candidates.stop(person, text_of(asked, "project")),
        },
    )
