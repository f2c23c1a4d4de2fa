"""The editor of one row: reads it with its revision, saves it only over that revision."""

from __future__ import annotations

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import object_of, text_of, whole_of


def build_editor(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    datasets = studio.datasets

    def save_row(person: Person, argument: dict) -> dict:
        return datasets.save_row(
            person,
            text_of(argument, "id"),
            whole_of(argument, "row_id"),
            whole_of(argument, "revision"),
            object_of(argument, "record"),
            text_of(argument, "deed"),
        )

    def add_row(person: Person, argument: dict) -> dict:
        return datasets.add_row(
            person, text_of(argument, "id"), object_of(argument, "record"), text_of(argument, "deed")
        )

    def delete_row(person: Person, argument: dict) -> None:
        datasets.delete_row(person, text_of(argument, "id"), whole_of(argument, "row_id"), text_of(argument, "deed"))

    return build_widget(
        "editor",
        elem_id="data-editor",
        reads={
            "row": lambda person, argument: datasets.row(person, text_of(argument, "id"), whole_of(argument, "row_id"))
        },
        writes={
            "save_row": save_row,
            "add_row": add_row,
            "delete_row": delete_row,
            "undo": lambda person, argument: datasets.undo(person, text_of(argument, "id"), text_of(argument, "deed")),
        },
    )
