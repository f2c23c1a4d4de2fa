"""The table of a dataset's rows and what can be done with the dataset as a whole."""

from __future__ import annotations

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, number_of, object_of, text_of, whole_of


def build_table(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    datasets = studio.datasets

    def page(person: Person, argument: dict) -> dict:
        asked = {
            "page": whole_of(argument, "page"),
            "page_size": whole_of(argument, "page_size"),
            "split": find_text(argument, "split"),
            "query": find_text(argument, "query"),
        }
        dataset_id = text_of(argument, "id")
        if argument.get("lost") is not None:
            asked["row_ids"] = lost_rows(person, dataset_id, object_of(argument, "lost"))
        return datasets.page(person, dataset_id, asked)

    def lost_rows(person: Person, dataset_id: str, cut: dict) -> list[int]:
        """Rows of a version that train nothing: cut says with which base and method, and cut to how many tokens."""
        asked = {name: whole_of(cut, name) for name in ("number", "max_length")}
        asked |= {name: text_of(cut, name) for name in ("base", "method")}
        return studio.xray.lost_rows(person, dataset_id, asked)

    def rename(person: Person, argument: dict) -> None:
        datasets.rename(person, text_of(argument, "id"), text_of(argument, "name"))

    def set_held_out(person: Person, argument: dict) -> None:
        datasets.set_held_out(
            person, text_of(argument, "id"), number_of(argument, "fraction"), text_of(argument, "deed")
        )

    return build_widget(
        "table",
        elem_id="data-table",
        reads={
            "list": lambda person, argument: datasets.list(person),
            "page": page,
            "depends": lambda person, argument: datasets.depends(person, text_of(argument, "id")),
        },
        writes={
            "rename": rename,
            "set_held_out": set_held_out,
            "remove": lambda person, argument: datasets.delete(person, text_of(argument, "id")),
        },
    )
