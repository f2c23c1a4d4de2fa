"""Imports: what may be chosen, the upload, the job that runs, and the report of what came of it."""

from __future__ import annotations

import gradio as gr

from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import find_text, object_of, text_of
from studio.ui.widgets.hub_dataset import hub_dataset_deeds
from studio.ui.widgets.progress import read_progress
from studio.ui.widgets.refused import refused_reads, refused_writes
from studio.ui.widgets.uploads import import_options, preview_source, read_choices, uploaded_path


def build_report(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    datasets, queue = studio.datasets, studio.queue

    def upload(person: Person, argument: dict) -> str:
        path = uploaded_path(person, text_of(argument, "path"))
        asked = (text_of(argument, "file_name"), find_text(argument, "name"), read_choices(argument))
        return datasets.import_upload(person, text_of(argument, "deed"), path, *asked)

    def again(person: Person, argument: dict) -> str:
        asked = (text_of(argument, "job_id"), find_text(argument, "name"), read_choices(argument))
        return datasets.import_again(person, text_of(argument, "deed"), *asked)

    def sample(person: Person, argument: dict) -> str:
        asked = (text_of(argument, "sample_id"), find_text(argument, "name"))
        choices = read_choices(argument) if "choices" in argument else {}
        return datasets.import_sample(person, text_of(argument, "deed"), *asked, choices)

    def preview(person: Person, argument: dict) -> dict:
        path, file_name = preview_source(studio, person, argument)
        return studio.previews.look(person, path, file_name, read_choices(argument))

    def running(person: Person, argument: dict) -> list[dict]:
        return [{"job_id": job.id} for job in queue.jobs(person, kinds=["import"]) if not job.state().is_ended]

    def save_mapping(person: Person, argument: dict) -> list[dict]:
        return studio.mappings.save(person, text_of(argument, "name"), object_of(argument, "mapping"))

    def rename_mapping(person: Person, argument: dict) -> list[dict]:
        return studio.mappings.rename(person, text_of(argument, "name"), text_of(argument, "to"))

    return build_widget(
        "report",
        elem_id="data-report",
        reads={
            "options": lambda person, argument: import_options(studio, person),
            "preview": preview,
            "same": lambda person, argument: studio.previews.find_same(
                person, *preview_source(studio, person, argument)
            ),
            "running": running,
            "job": lambda person, argument: read_progress(studio, person, text_of(argument, "job_id")),
            "report": lambda person, argument: datasets.report(person, text_of(argument, "job_id")),
            **refused_reads(studio.refusals),
        },
        writes={
            "upload": upload,
            "again": again,
            "sample": sample,
            **hub_dataset_deeds(studio),
            "save_mapping": save_mapping,
            "rename_mapping": rename_mapping,
            "delete_mapping": lambda person, argument: studio.mappings.delete(person, text_of(argument, "name")),
            **refused_writes(studio.refusals),
            "stop": lambda person, argument: queue.stop(person, text_of(argument, "job_id")),
        },
    )
