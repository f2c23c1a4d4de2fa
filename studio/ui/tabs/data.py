"""The Data tab: import, the rows of a dataset, the editor of one row, its X-ray, and the versions that training reads."""

from __future__ import annotations

import gradio as gr

from studio.ui.widgets.checks import build_checks
from studio.ui.widgets.deeds import build_deeds
from studio.ui.widgets.editor import build_editor
from studio.ui.widgets.making import build_making
from studio.ui.widgets.report import build_report
from studio.ui.widgets.table import build_table
from studio.ui.widgets.versions import build_versions
from studio.ui.widgets.xray import build_xray


def build_data_tab(studio) -> None:
    """studio: services.studio.Studio."""
    with gr.Row(elem_id="data-layout"):
        with gr.Column(elem_id="data-left"):
            build_report(studio)
            build_table(studio)
            build_deeds(studio)
            build_making(studio)
        with gr.Column(elem_id="data-right"):
            build_editor(studio)
            # One panel with four views: the X-ray draws its head and says which view is seen.
            with gr.Column(elem_id="data-below", elem_classes=["ws-panel"]):
                build_xray(studio)
                build_checks(studio)
                build_versions(studio)
