"""The Guide tab: where a person is in the loop, where the newest adapter comes from, and what the words mean."""

from __future__ import annotations

import gradio as gr

from studio.ui.widgets.guide import build_glossary, build_guide


def build_guide_tab(studio) -> None:
    """studio: services.studio.Studio."""
    with gr.Row(elem_id="guide-layout"):
        with gr.Column(elem_id="guide-left"):
            build_guide(studio)
        with gr.Column(elem_id="guide-right"):
            build_glossary()
