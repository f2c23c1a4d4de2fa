"""The widget that fetches a base model from the Hub: its files are shown before anything is downloaded."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import text_of


def build_hub(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    bases, live = studio.bases, studio.live

    def files(person: Person, asked: dict) -> dict[str, Any]:
        return bases.hub_files(person, text_of(asked, "repo"))

    def watch(person: Person, asked: dict) -> dict[str, Any]:
        return live.poll(person, text_of(asked, "id"), asked.get("cursor"))

    def download(person: Person, asked: dict) -> dict[str, str]:
        return {"id": bases.download(person, text_of(asked, "deed"), text_of(asked, "repo"))}

    return build_widget("hub", elem_id="hub", reads={"watch": watch}, writes={"files": files, "download": download})
