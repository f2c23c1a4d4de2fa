"""The X-ray of the open row, and how long the rows of a version are."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_whole, object_of, text_of, whole_of


def build_xray(studio) -> gr.HTML:
    """studio: services.studio.Studio. Nothing here changes anything, but a record may be large: it comes as a write."""
    xray = studio.xray

    def render(person: Person, argument: dict) -> dict[str, Any]:
        return xray.render(
            person, text_of(argument, "base"), object_of(argument, "record"), whole_of(argument, "max_length")
        )

    def lengths(person: Person, argument: dict) -> dict[str, Any]:
        return xray.lengths(person, *measured(argument), whole_of(argument, "max_length"))

    def batches(person: Person, argument: dict) -> dict[str, Any]:
        cut = {name: whole_of(argument, name) for name in ("max_length", "batch")}
        return xray.batches(person, *measured(argument), cut)

    def measured(argument: dict) -> tuple[str, str, int | None]:
        """Which base, and which version of which dataset."""
        return text_of(argument, "base"), text_of(argument, "id"), find_whole(argument, "number")

    def nothing(person: Person, argument: dict) -> list[int]:
        return xray.nothing_rows(
            person, text_of(argument, "base"), text_of(argument, "id"), whole_of(argument, "max_length")
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
        writes={"render": render, "lengths": lengths, "batches": batches, "nothing": nothing, "lost": lost},
    )
