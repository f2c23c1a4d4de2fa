"""The Settings tab: language, theme, where things are kept, versions and the machine."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from studio.people import VISITOR, Person
from studio.services.machine import cores, find_memory, graphics_cards
from studio.services.studio import Studio
from studio.settings import Settings
from studio.ui.widgets import build_widget

PACKAGES = ("gradio", "torch", "transformers", "trl", "peft", "bitsandbytes", "datasets", "accelerate", "safetensors")


def build_settings_tab(studio: Studio) -> None:
    settings = studio.settings
    build_widget("settings", elem_id="settings", reads={"facts": lambda person, argument: facts(person, settings)})


def facts(person: Person, settings: Settings) -> dict[str, Any]:
    """What the tab shows. name: of whoever is logged in, else None; leave: the address where that ends, and how it is
    asked; places: empty on a Space, whose paths help nobody.
    """
    memory = find_memory()
    has_profile = settings.is_public and person.name != VISITOR
    return {
        "name": person.name if settings.login or has_profile else None,
        "leave": {"method": "get", "address": "logout"}
        if has_profile
        else {"method": "post", "address": "whetstone/logout"},
        "machine": {
            "cores": cores(),
            "memory_bytes": memory and memory.total,
            "cards": [{"name": name, "bytes": size} for name, size in graphics_cards()],
            "system": f"{platform.system()} {platform.machine()}",
        },
        "places": [] if settings.on_space else places(person, settings),
        "versions": [{"name": "Python", "version": platform.python_version()}, *installed()],
    }


def places(person: Person, settings: Settings) -> list[dict[str, str]]:
    found = [{"name": "workspace", "path": str(person.workspace)}]
    return found + [{"name": "models", "path": str(folder)} for folder in settings.models]


def installed() -> list[dict[str, str]]:
    """Read from the packages' metadata: nothing is imported."""
    found = []
    for name in PACKAGES:
        try:
            found.append({"name": name, "version": version(name)})
        except PackageNotFoundError:
            continue
    return found
