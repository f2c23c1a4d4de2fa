"""The X-ray of the open row, and how long the rows of a version are."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.data.exact_numbers import read_marked
from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, find_whole, object_of, text_of, whole_of


def build_xray(studio) -> gr.HTML:
    """studio: services.studio.Studio. Only `shorten` changes anything, but a record may be large: it comes as a write."""
    xray = studio.xray

    def render(person: Person, argument: dict) -> dict[str, Any]:
        base, most = text_of(argument, "base"), whole_of(argument, "max_length")
        record = read_marked(object_of(argument, "record"))
        return xray.render(person, base, record, most, find_text(argument, "template"))

    def preview(person: Person, argument: dict) -> dict[str, Any]:
        return studio.mending.preview(person, text_of(argument, "id"), _shortened(argument))

    def shorten(person: Person, argument: dict) -> dict[str, Any]:
        asked, revision = _shortened(argument), whole_of(argument, "revision")
        return studio.mending.apply(person, text_of(argument, "id"), asked, revision, text_of(argument, "deed"))

    def lengths(person: Person, argument: dict) -> dict[str, Any]:
        return xray.lengths(person, *_measured(argument), whole_of(argument, "max_length"))

    def batches(person: Person, argument: dict) -> dict[str, Any]:
        cut = {name: whole_of(argument, name) for name in ("max_length", "batch")}
        return xray.batches(person, *_measured(argument), cut)

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
        reads={
            "bases": lambda person, argument: xray.bases(person),
            "families": lambda person, argument: xray.families(),
        },
        writes={
            "render": render,
            "lengths": lengths,
            "batches": batches,
            "nothing": nothing,
            "lost": lost,
            "preview": preview,
            "shorten": shorten,
        },
    )


def _measured(argument: dict) -> tuple[str, str, int | None]:
    """Which base, and which version of which dataset."""
    return text_of(argument, "base"), text_of(argument, "id"), find_whole(argument, "number")


def _shortened(argument: dict) -> dict[str, Any]:
    """Which row is to be made short enough for which base, and how."""
    return {
        "row_id": whole_of(argument, "row_id"),
        "base": text_of(argument, "base"),
        "max_length": whole_of(argument, "max_length"),
        "way": find_text(argument, "way"),
        "turn": find_whole(argument, "turn"),
    }
