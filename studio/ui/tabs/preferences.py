"""The Preferences tab: a project of pairs, one pair at a time, and what the votes become."""

from __future__ import annotations

import gradio as gr

from studio.ui.widgets.pairs import build_pairs
from studio.ui.widgets.projects import build_projects


def build_preferences_tab(studio) -> None:
    """studio: services.studio.Studio."""
    with gr.Column(elem_id="preferences-layout"):
        build_projects(studio)
        build_pairs(studio)
