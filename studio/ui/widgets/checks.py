"""The checks of the open dataset: what they found, and what can be done about it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.errors import RequestRefused
from studio.people import Person
from studio.ui.widgets import build_widget
from studio.ui.widgets.arguments import list_of, object_of, text_of, whole_of, wholes_of
from studio.ui.widgets.progress import read_progress

_MOST_ROWS = 1_000
_MOST_CHECKS = 100


def build_checks(studio) -> gr.HTML:
    """studio: services.studio.Studio."""
    checks = studio.checks

    def fix_of(argument: dict) -> tuple[str, str, str]:
        return text_of(argument, "id"), text_of(argument, "check"), text_of(argument, "code")

    def rows_of(argument: dict) -> list[int] | None:
        return None if argument.get("row_ids") is None else wholes_of(argument, "row_ids", _MOST_ROWS)

    def run(person: Person, argument: dict) -> str:
        names = list_of(argument, "checks", _MOST_CHECKS)
        if not all(isinstance(name, str) for name in names):
            raise RequestRefused()
        return checks.run(person, text_of(argument, "id"), names, text_of(argument, "deed"))

    def fix(person: Person, argument: dict) -> dict[str, Any]:
        return checks.fix(person, *fix_of(argument), text_of(argument, "deed"), rows_of(argument))

    def ignore(person: Person, argument: dict) -> None:
        finding = None if argument.get("finding_id") is None else whole_of(argument, "finding_id")
        reason = argument.get("reason")
        checks.ignore(person, *fix_of(argument), reason if isinstance(reason, str) else "", finding)

    return build_widget(
        "checks",
        elem_id="data-checks",
        reads={
            "list": lambda person, argument: checks.list(person, text_of(argument, "id")),
            "findings": lambda person, argument: checks.findings(person, *fix_of(argument), whole_of(argument, "page")),
            "of_row": lambda person, argument: checks.of_row(
                person, text_of(argument, "id"), whole_of(argument, "row_id")
            ),
            "preview": lambda person, argument: checks.preview_fix(person, *fix_of(argument), rows_of(argument)),
            "card": lambda person, argument: studio.cards.read(person, text_of(argument, "id")),
            "choices": lambda person, argument: checks.choices(person, text_of(argument, "id")),
            "job": lambda person, argument: read_progress(studio, person, text_of(argument, "job_id")),
        },
        writes={
            "run": run,
            "run_first": lambda person, argument: checks.run_first(person, text_of(argument, "id")),
            "stop": lambda person, argument: studio.queue.stop(person, text_of(argument, "job_id")),
            "fix": fix,
            "ignore": ignore,
            "take_back": lambda person, argument: checks.take_back(
                person, text_of(argument, "id"), whole_of(argument, "ignored_id")
            ),
            "set_card": lambda person, argument: studio.cards.write(
                person, text_of(argument, "id"), object_of(argument, "card")
            ),
            "set_settings": lambda person, argument: checks.set_settings(
                person, text_of(argument, "id"), object_of(argument, "settings")
            ),
        },
    )
