"""The list of a person's runs: what waits, what runs, how the others ended."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.services.runlog import seconds_between
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import text_of


def build_runs(studio) -> gr.HTML:
    """Says `run:selected` when one is chosen, and by itself for the latest that runs, else the latest of all."""
    runs = studio.runs

    def listed(person: Person, asked: dict) -> list[dict[str, Any]]:
        return [run | {"seconds": _seconds(studio.queue.find(person, run["id"]))} for run in runs.list(person)]

    def delete(person: Person, asked: dict) -> None:
        runs.delete(person, text_of(asked, "id"))

    return build_widget("runs", elem_id="runs", reads={"list": listed}, writes={"delete": delete})


def _seconds(folder: JobFolder) -> float | None:
    """From the start of the worker to the last event; None before it starts."""
    state = folder.state()
    last = state.ended or state.last
    if not state.started or not last:
        return None
    return last.get("seconds") or seconds_between(state.started.get("time", ""), last.get("time", ""))
