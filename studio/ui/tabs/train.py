"""The Train tab: what to train on what, the queue, and the run that is watched."""

from __future__ import annotations

import gradio as gr

from studio.ui.i18n import tr
from studio.ui.tabs.train_form import TrainForm
from studio.ui.widgets.hub import build_hub
from studio.ui.widgets.run import build_run
from studio.ui.widgets.runs import build_runs


def build_train_tab(studio) -> None:
    """studio: services.studio.Studio."""
    with gr.Row(elem_id="train"):
        with gr.Column(elem_id="train-left"):
            with gr.Column(elem_id="train-form", elem_classes=["ws-panel"]):
                form = TrainForm(studio)
                with gr.Row(elem_id="train-head", elem_classes=["ws-head"]):
                    gr.HTML(tr("form.title"), elem_id="train-title", apply_default_css=False)
                    form.build_level()
                with gr.Column(elem_id="train-fields", elem_classes=["ws-body"]):
                    form.build_fields()
                    build_hub(studio)
                form.build_start()
            build_runs(studio)
        build_run(studio)
    form.wire()
