"""What a page may ask of an import: choices from our lists, and only files that were uploaded through the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.data.containers import CONTAINERS
from studio.data.formats import FORMATS
from studio.data.mapping import ROLES, Role
from studio.data.samples import find_sample
from studio.data.sources import CHOICES
from studio.data.splits import DEFAULT_HELD_OUT_FRACTION
from studio.errors import NotYours
from studio.people import Person
from studio.ui.uploads import sent_path
from studio.ui.widgets.arguments import find_text, number_of, object_of, text_of
from studio.words import Text


def import_options(studio, person: Person) -> dict[str, Any]:
    """What the import dialog offers: samples, the lists of its menus, the kinds of a mapping and the largest file."""
    studio.previews.ensure_spare()
    return {
        "samples": studio.datasets.samples(person),
        "limit_bytes": studio.settings.upload_limit_bytes,
        "held_out_fraction": DEFAULT_HELD_OUT_FRACTION,
        "reading": {name: list(values or ()) for name, values in CHOICES.items()},
        "containers": [_plug_choice(plug) for plug in CONTAINERS],
        "formats": [_plug_choice(plug) for plug in FORMATS],
        "kinds": {kind: [_role(role) for role in roles] for kind, roles in ROLES.items()},
        "mappings": studio.mappings.all(person),
    }


def _plug_choice(plug: Any) -> dict[str, Any]:
    return {"value": plug.name, "title": _both(plug.title)}


def _role(role: Role) -> dict[str, Any]:
    names = {"name": role.name, "title": _both(role.title)}
    return names | {"required": role.required, "instead_of": list(role.instead_of)}


def _both(title: Text) -> dict[str, str]:
    return {"en": title.en, "ja": title.ja}


def read_choices(argument: dict) -> dict[str, Any]:
    """How a file is to be read (None: found automatically), its format or mapping, and held_out_fraction."""
    chosen = object_of(argument, "choices")
    made: dict[str, Any] = {name: find_text(chosen, name) for name in (*CHOICES, "format", "mapping_name")}
    made["mapping"] = object_of(chosen, "mapping") if chosen.get("mapping") is not None else None
    if "held_out_fraction" in argument:
        made["held_out_fraction"] = number_of(argument, "held_out_fraction")
    return made


def preview_source(studio, person: Person, argument: dict) -> tuple[Path, str]:
    """The file that a preview is asked of, and its name: a sample, one from the Hub or of an earlier import, or an upload."""
    if sample := find_text(argument, "sample_id"):
        path = find_sample(sample)[1]
        return path, path.name
    if fetch := find_text(argument, "fetch_id"):
        return studio.hub_datasets.fetched(person, fetch)
    if job := find_text(argument, "job_id"):
        return studio.datasets.kept_file(person, job)
    return uploaded_path(person, text_of(argument, "path")), text_of(argument, "file_name")


def uploaded_path(person: Person, text: str) -> Path:
    """The file that the person's own page uploaded. Raises NotYours for every other path."""
    if (path := sent_path(person, text)) is None:
        raise NotYours(what="upload")
    return path
