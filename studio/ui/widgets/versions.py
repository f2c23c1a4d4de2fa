"""The versions of a dataset: frozen rows that training reads."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, find_whole, text_of, whole_of
from studio.ui.widgets.progress import read_progress


def build_versions(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    datasets, diffs = studio.datasets, studio.diffs

    def save_version(person: Person, argument: dict) -> str:
        message = find_text(argument, "message") or ""
        return datasets.save_version(person, text_of(argument, "id"), text_of(argument, "deed"), message)

    def compare(person: Person, argument: dict) -> str:
        sides = [find_whole(argument, name) for name in ("before", "after")]
        return diffs.compare(person, text_of(argument, "id"), *sides)

    def differences(person: Person, argument: dict) -> dict[str, Any]:
        what = find_text(argument, "what")
        return diffs.differences(person, text_of(argument, "job_id"), what, whole_of(argument, "page"))

    def restore(person: Person, argument: dict) -> str:
        return diffs.restore(person, text_of(argument, "id"), whole_of(argument, "number"), text_of(argument, "deed"))

    def remove(person: Person, argument: dict) -> None:
        diffs.delete(person, text_of(argument, "id"), whole_of(argument, "number"))

    return build_widget(
        "versions",
        elem_id="data-versions",
        reads={
            "versions": lambda person, argument: diffs.list(person, text_of(argument, "id")),
            "details": lambda person, argument: diffs.details(
                person, text_of(argument, "id"), whole_of(argument, "number")
            ),
            "differences": differences,
            "different_rows": lambda person, argument: diffs.different_rows(
                person, text_of(argument, "job_id"), find_text(argument, "what")
            ),
            "job": lambda person, argument: read_progress(studio, person, text_of(argument, "job_id")),
        },
        writes={"save_version": save_version, "compare": compare, "restore": restore, "remove_version": remove},
    )
