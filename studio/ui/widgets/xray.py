"""The X-ray of the open row, and how long the rows of a version are."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import object_of, text_of, whole_of


def build_xray(studio) -> gr.HTML:
    """studio: services.studio.Studio. Nothing here changes anything, but a record may be large: it comes as a write."""
    xray = studio.xray

    def render(person: Person, argument: dict) -> dict[str, Any]:
        return xray.render(
            person, text_of(argument, "base"), object_of(argument, "record"), whole_of(argument, "max_length")
        )

    def lengths(person: Person, argument: dict) -> dict[str, Any]:
        number = None if argument.get("number") is None else whole_of(argument, "number")
        return xray.lengths(
            person, text_of(argument, "base"), text_of(argument, "id"), number, whole_of(argument, "max_length")
        )

    def lost(person: Person, argument: dict) -> dict[str, Any]:
        cut = {name: text_of(argument, name) for name in ("base", "method")}
        return xray.find_lost(
            person, text_of(argument, "version"), cut | {"max_length": whole_of(argument, "max_length")}
        )

    return build_widget(
        "xray",
        elem_id="data-xray",
        reads={"bases": lambda person, argument: xray.bases(person)},
        writes={"render": render, "lengths": lengths, "lost": lost},
    )
