"""The table of a dataset's rows: pages of what is asked for, changes of many rows, and steps back and forth."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.data.selection import Selection
from studio.errors import RequestRefused
from studio.people import Person
from studio.services.dataset_rows import LARGEST_PAGE
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, find_whole, number_of, object_of, text_of, whole_of, wholes_of
from studio.ui.widgets.progress import read_progress


def filter_of(argument: dict) -> dict[str, Any]:
    """The fields of a Selection."""
    asked = object_of(argument, "filter")
    if asked.keys() & {"page", "page_size", "seeker"}:
        raise RequestRefused()
    return asked


def meant(argument: dict) -> tuple[str, Selection, dict[str, Any]]:
    """Which rows of which dataset, and what is to be done with them."""
    return text_of(argument, "id"), Selection.from_json(filter_of(argument)), object_of(argument, "action")


def step_of(argument: dict) -> tuple[str, str, int | None]:
    return text_of(argument, "id"), text_of(argument, "deed"), find_whole(argument, "expected")


def read_by(argument: dict) -> tuple[str, str]:
    """The base that reads the rows, and the dataset."""
    return text_of(argument, "base"), text_of(argument, "id")


def build_table(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    datasets, bulk, xray = studio.datasets, studio.bulk, studio.xray

    def page(person: Person, argument: dict) -> dict:
        place = {"page": whole_of(argument, "page"), "page_size": whole_of(argument, "page_size")}
        asked = filter_of(argument) | place | {"seeker": find_text(argument, "seeker")}
        return datasets.page(person, text_of(argument, "id"), asked)

    def lost(person: Person, argument: dict) -> list[int]:
        """Rows of a version that train nothing with a base and a method, cut to how many tokens."""
        cut = object_of(argument, "lost")
        asked = {name: whole_of(cut, name) for name in ("number", "max_length")}
        asked |= {name: text_of(cut, name) for name in ("base", "method")}
        return xray.lost_rows(person, text_of(argument, "id"), asked)

    def apply(person: Person, argument: dict) -> dict:
        deed, seen = text_of(argument, "deed"), find_whole(argument, "seen")
        return bulk.apply(person, *meant(argument), deed, seen)

    def rename(person: Person, argument: dict) -> None:
        datasets.rename(person, text_of(argument, "id"), text_of(argument, "name"))

    def set_held_out(person: Person, argument: dict) -> None:
        datasets.set_held_out(
            person, text_of(argument, "id"), number_of(argument, "fraction"), text_of(argument, "deed")
        )

    def history(person: Person, argument: dict) -> list[dict]:
        return bulk.history(person, text_of(argument, "id"), find_whole(argument, "before"))

    return build_widget(
        "table",
        elem_id="data-table",
        reads={
            "list": lambda person, argument: datasets.list(person),
            "page": page,
            "depends": lambda person, argument: datasets.depends(person, text_of(argument, "id")),
            "menu": lambda person, argument: bulk.menu(person, text_of(argument, "id")),
            "look": lambda person, argument: bulk.look(person, *meant(argument)),
            "lost": lost,
            "count": lambda person, argument: xray.count_rows(
                person, *read_by(argument), wholes_of(argument, "rows", LARGEST_PAGE)
            ),
            "steps": lambda person, argument: bulk.steps(person, text_of(argument, "id")),
            "history": history,
            "job": lambda person, argument: read_progress(studio, person, text_of(argument, "job_id")),
        },
        writes={
            "rename": rename,
            "set_held_out": set_held_out,
            "remove": lambda person, argument: datasets.delete(person, text_of(argument, "id")),
            "apply": apply,
            "measure": lambda person, argument: xray.measure(person, *read_by(argument)),
            "undo": lambda person, argument: bulk.undo(person, *step_of(argument)),
            "redo": lambda person, argument: bulk.redo(person, *step_of(argument)),
            "stop": lambda person, argument: bulk.stop(person, text_of(argument, "job_id")),
        },
    )
