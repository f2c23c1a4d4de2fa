"""The list of a person's runs: what waits, what runs, how the others ended."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import text_of


def build_runs(studio) -> gr.HTML:
    """Says `run:selected` when one is chosen, and by itself for the latest that runs, else the latest of all."""
    runs = studio.runs

    def listed(person: Person, asked: dict) -> list[dict[str, Any]]:
        found = runs.list(person)
        for run in found:
            if run["status"] in ("running", "stopping"):
                run["seconds"] = studio.live.seconds(person, run["id"])
        return found

    def delete(person: Person, asked: dict) -> None:
        runs.delete(person, text_of(asked, "id"))

    return build_widget("runs", elem_id="runs", reads={"list": listed}, writes={"delete": delete})
