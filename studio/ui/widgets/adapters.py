"""The adapters of a person: the list, where each comes from, its notes."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, text_of


def build_adapters(studio) -> gr.HTML:
    """Says `adapter:selected` with the chosen one, by itself for the newest, and null where there is none."""
    adapters = studio.adapters

    def settings(person: Person, asked: dict) -> list[dict[str, Any]]:
        return adapters.settings(person, text_of(asked, "id"))

    def depends(person: Person, asked: dict) -> list[dict[str, Any]]:
        return adapters.depends(person, text_of(asked, "id"))

    def rename(person: Person, asked: dict) -> None:
        adapters.rename(person, text_of(asked, "id"), text_of(asked, "name"))

    def write_notes(person: Person, asked: dict) -> None:
        adapters.write_notes(person, text_of(asked, "id"), find_text(asked, "notes") or "")

    def delete(person: Person, asked: dict) -> None:
        adapters.delete(person, text_of(asked, "id"))

    return build_widget(
        "adapters",
        elem_id="adapters",
        reads={"list": lambda person, asked: adapters.list(person), "settings": settings, "depends": depends},
        writes={"rename": rename, "write_notes": write_notes, "delete": delete},
    )
