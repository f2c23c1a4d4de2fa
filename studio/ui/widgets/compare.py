"""The columns of the Compare tab and the box that asks them all."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.errors import RequestRefused
from studio.people import Person
from studio.services.endpoints import Endpoints
from studio.ui.widgets import WidgetFunction, build_widget
from studio.ui.widgets.arguments import find_text, object_of, text_of

_LONGEST_PROMPT = 100_000
"""What is read at all; how long a prompt may be, the service says with a sentence of its own."""


def build_compare(studio) -> gr.HTML:
    """studio: services.studio.Studio. While replies are written the page follows `whetstone/compare/events`."""
    compare, endpoints = studio.compare, studio.endpoints

    def offers(person: Person, asked: dict) -> dict[str, Any]:
        return compare.offers(person) | {"can_add": endpoints.can_add()}

    def look(person: Person, asked: dict) -> dict[str, Any]:
        mark = find_text(asked, "mark")
        return compare.look(person, mark) if mark else compare.snapshot(person)

    def send(person: Person, asked: dict) -> None:
        text = asked.get("text")
        if not isinstance(text, str) or len(text) > _LONGEST_PROMPT:
            raise RequestRefused()
        compare.send(person, text, text_of(asked, "deed"))

    def retry(person: Person, asked: dict) -> None:
        compare.retry(person, find_text(asked, "model"), asked.get("new_seed") is True, text_of(asked, "deed"))

    def set_columns(person: Person, asked: dict) -> None:
        wanted = asked.get("columns")
        if not isinstance(wanted, list):
            raise RequestRefused()
        compare.set_columns(person, wanted)

    def after(deed: WidgetFunction) -> WidgetFunction:
        """The page draws what is there after a deed; it need not ask for it."""

        def done(person: Person, asked: dict) -> dict[str, Any]:
            deed(person, asked)
            return compare.snapshot(person)

        return done

    return build_widget(
        "compare",
        elem_id="compare",
        reads={"look": look, "offers": offers, "endpoints": lambda person, asked: endpoints.list(person)},
        writes=_endpoint_writes(endpoints)
        | {
            "prepare": lambda person, asked: compare.prepare(person),
            "send": after(send),
            "retry": after(retry),
            "catch_up": after(lambda person, asked: compare.catch_up(person, text_of(asked, "model"), text_of(asked, "deed"))),
            "stop": after(lambda person, asked: compare.stop(person)),
            "clear": after(lambda person, asked: compare.clear(person)),
            "set_columns": after(set_columns),
            "set_settings": after(lambda person, asked: compare.set_settings(person, object_of(asked, "settings"))),
            "open_run": after(lambda person, asked: compare.open_run(person, text_of(asked, "id"))),
        },
    )  # fmt: skip


def _endpoint_writes(endpoints: Endpoints) -> dict[str, WidgetFunction]:
    """Each gives the endpoints that there are then."""

    def add(person: Person, asked: dict) -> list[dict[str, Any]]:
        name, url, key = (
            asked.get(field) if isinstance(asked.get(field), str) else "" for field in ("name", "url", "key_env")
        )
        endpoints.add(person, name, url, key or None)
        return endpoints.list(person)

    def remove(person: Person, asked: dict) -> list[dict[str, Any]]:
        endpoints.remove(person, text_of(asked, "name"))
        return endpoints.list(person)

    return {"add_endpoint": add, "remove_endpoint": remove}
