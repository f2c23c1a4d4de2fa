"""What the import dialog asks of the Hub: a look at a dataset, the download of a split, and its import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio.people import Person
from studio.ui.widgets.arguments import find_text, text_of
from studio.ui.widgets.uploads import read_choices


def hub_dataset_deeds(studio) -> dict[str, Callable[[Person, dict], Any]]:
    """studio: services.studio.Studio."""
    hub = studio.hub_datasets

    def look(person: Person, argument: dict) -> str:
        return hub.look(person, text_of(argument, "deed"), text_of(argument, "repo"))

    def fetch(person: Person, argument: dict) -> str:
        asked = (text_of(argument, name) for name in ("deed", "look_id", "config", "split"))
        return hub.fetch(person, *asked)

    def start(person: Person, argument: dict) -> str:
        asked = (text_of(argument, "fetch_id"), find_text(argument, "name"), read_choices(argument))
        return hub.start_import(person, text_of(argument, "deed"), *asked)

    return {
        "hub_look": look,
        "hub_found": lambda person, argument: hub.found(person, text_of(argument, "look_id")),
        "hub_fetch": fetch,
        "hub_import": start,
    }
