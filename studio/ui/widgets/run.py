"""The widgets that show one run: its numbers, curves, replies, settings, and the way to stop or repeat it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import number_of, text_of


def build_run(studio) -> gr.HTML:
    """Follows `run:selected`; reads by cursor, so that several browsers may watch one run."""
    live, runs = studio.live, studio.runs

    def open_run(person: Person, asked: dict) -> dict[str, Any]:
        return live.open(person, text_of(asked, "id"))

    def poll(person: Person, asked: dict) -> dict[str, Any]:
        return live.poll(person, text_of(asked, "id"), asked.get("cursor"))

    def zoom(person: Person, asked: dict) -> dict[str, Any]:
        return live.zoom(person, text_of(asked, "id"), number_of(asked, "first"), number_of(asked, "last"))

    def log(person: Person, asked: dict) -> dict[str, str]:
        return {"text": live.log_tail(person, text_of(asked, "id"))}

    def csv(person: Person, asked: dict) -> dict[str, str]:
        return {"text": live.csv(person, text_of(asked, "id"))}

    def stop(person: Person, asked: dict) -> None:
        runs.stop(person, text_of(asked, "id"))

    def retry(person: Person, asked: dict) -> dict[str, str]:
        spec = studio.queue.find(person, text_of(asked, "id")).spec.options
        choices = {name: spec[name] for name in ("base", "version", "method", "adapter", "prompts", "title")}
        choices["settings"] = spec["method_options"] | spec["adapter_options"]
        choices["parent"] = (spec.get("parent") or {}).get("id")
        return {"id": runs.start(person, text_of(asked, "deed"), choices)}

    return build_widget(
        "run",
        elem_id="run",
        reads={"open": open_run, "poll": poll, "zoom": zoom, "log": log, "csv": csv},
        writes={"stop": stop, "retry": retry},
    )
