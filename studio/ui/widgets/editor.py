"""The editor of one row: reads it with its revision, saves it only over that revision."""

from __future__ import annotations

import gradio as gr

from studio.data.exact_numbers import mark_numbers, read_marked
from studio.data.selection import MOST_TAGS, Selection
from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import list_of, object_of, text_of, whole_of


def _texts_of(argument: dict, name: str) -> list[str]:
    """A list of texts. Raises RequestRefused."""
    return [text_of({"item": item}, "item") for item in list_of(argument, name, MOST_TAGS)]


def _shown(row: dict) -> dict:
    """A row for the page: numbers that it would round are marked, and come back as they were."""
    return row | {name: mark_numbers(row[name]) for name in ("record", "meta")}


def build_editor(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    datasets = studio.datasets

    def row(person: Person, argument: dict) -> dict:
        return _shown(datasets.row(person, text_of(argument, "id"), whole_of(argument, "row_id")))

    def save_row(person: Person, argument: dict) -> dict:
        row = datasets.save_row(
            person,
            text_of(argument, "id"),
            whole_of(argument, "row_id"),
            whole_of(argument, "revision"),
            read_marked(object_of(argument, "record")),
            text_of(argument, "deed"),
        )
        return _shown(row)

    def add_row(person: Person, argument: dict) -> dict:
        record = read_marked(object_of(argument, "record"))
        return _shown(datasets.add_row(person, text_of(argument, "id"), record, text_of(argument, "deed")))

    def delete_row(person: Person, argument: dict) -> None:
        row_id, revision = whole_of(argument, "row_id"), whole_of(argument, "revision")
        datasets.delete_row(person, text_of(argument, "id"), row_id, text_of(argument, "deed"), revision)

    def tag_row(person: Person, argument: dict) -> dict:
        """The row as it then stands. Tags are a change of the dataset, which its undo takes back."""
        dataset_id, row_id = text_of(argument, "id"), whole_of(argument, "row_id")
        action = {"kind": "tag", "add": _texts_of(argument, "add"), "remove": _texts_of(argument, "remove")}
        studio.bulk.apply(person, dataset_id, Selection(row_ids=(row_id,)), action, text_of(argument, "deed"))
        return _shown(datasets.row(person, dataset_id, row_id))

    def words(person: Person, argument: dict) -> list[str]:
        return studio.hints.words(person, text_of(argument, "id"), text_of(argument, "what"))

    return build_widget(
        "editor",
        elem_id="data-editor",
        reads={
            "row": row,
            "words": words,
        },
        writes={
            "save_row": save_row,
            "add_row": add_row,
            "delete_row": delete_row,
            "tag_row": tag_row,
        },
    )
