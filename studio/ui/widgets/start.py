"""The foot of the training form: what a run will do and cost, before it is started, and the button that starts it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.errors import OptionsInvalid
from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, object_of


def build_start(studio) -> gr.HTML:
    """Its value is the draft of a run; it sends `select` to have the form drawn anew and `submit` to start."""
    runs = studio.runs

    def preview(person: Person, asked: dict) -> dict[str, Any]:
        names = ("base", "version", "method", "adapter", "parent")
        chosen = {name: find_text(asked, name) for name in names}
        try:
            found = runs.preview(person, chosen | {"settings": object_of(asked, "settings")})
            if found["status"] == "ready":
                found["checks"] = studio.checks.errors_of_version(person, chosen["version"])
            return found
        except OptionsInvalid as error:
            _, *said = error.message(person.language).splitlines()
            return {"status": "invalid", "said": said}

    return build_widget("start", elem_id="start", writes={"preview": preview})
