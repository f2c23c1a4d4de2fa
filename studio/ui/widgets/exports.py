"""Exporting the chosen adapter: what it will do and cost, how far it is, what was read back, and the file."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import object_of, text_of
from studio.ui.widgets.progress import read_progress


def build_exports(studio) -> gr.HTML:
    """Follows `adapter:selected`."""
    exports = studio.exports

    def form(person: Person, asked: dict) -> dict[str, Any]:
        return exports.form(person, text_of(asked, "id"))

    def job(person: Person, asked: dict) -> dict[str, Any]:
        return read_progress(studio, person, text_of(asked, "job_id"))

    def log(person: Person, asked: dict) -> dict[str, str]:
        return {"text": exports.log_tail(person, text_of(asked, "id"))}

    def start(person: Person, asked: dict) -> str:
        chosen = text_of(asked, "exporter"), object_of(asked, "settings")
        return exports.start(person, text_of(asked, "deed"), text_of(asked, "id"), *chosen)

    def stop(person: Person, asked: dict) -> None:
        exports.stop(person, text_of(asked, "id"))

    def delete(person: Person, asked: dict) -> None:
        exports.delete(person, text_of(asked, "id"))

    return build_widget(
        "exports",
        elem_id="exports",
        reads={"list": lambda person, asked: exports.list(person), "form": form, "job": job, "log": log},
        writes={"start": start, "stop": stop, "delete": delete},
    )
