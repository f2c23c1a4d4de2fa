"""The Export tab: the adapters that runs have left, where each comes from, and taking one along."""

from __future__ import annotations

import gradio as gr

from studio.ui.widgets.adapters import build_adapters
from studio.ui.widgets.exports import build_exports


def build_export_tab(studio) -> None:
    """studio: services.studio.Studio."""
    with gr.Row(elem_id="export-layout"):
        with gr.Column(elem_id="export-left"):
            build_adapters(studio)
        with gr.Column(elem_id="export-right"):
            build_exports(studio)
