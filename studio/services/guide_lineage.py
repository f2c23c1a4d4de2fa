"""Where the newest adapter comes from, as a chain: data → version → run → adapter, for each adapter it continues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studio.services.guide_steps import Workspace
from studio.store.preferences import is_project_id

LONGEST_CHAIN = 4
"""Adapters in a row; of a longer ancestry the newest are shown, and that there are more is told."""


def trace_newest(found: Workspace, exports: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """{"lines": [[part]], "more": adapters left out}, the oldest adapter first; None while there is no adapter.

    A part: {"kind" (dataset, project, version, run, adapter, export), "title", "number", "id"}; id None where it is gone.
    """
    if not found.adapters:
        return None
    by_id = {one["id"]: one for one in found.adapters}
    line: list[Mapping[str, Any]] = []
    one: Mapping[str, Any] | None = found.adapters[0]
    while one is not None and one not in line:
        line.insert(0, one)
        one = by_id.get(one["parent"] or "")
    shown = line[-LONGEST_CHAIN:]
    lines = [list(_parts(found, adapter)) for adapter in shown]
    lines[-1] += _exports(exports, shown[-1]["id"])
    return {"lines": lines, "more": len(line) - len(shown)}


def _parts(found: Workspace, adapter: Mapping[str, Any]) -> list[dict[str, Any]]:
    version = next((one for one in found.versions if one["fingerprint"] == adapter["version"]), None)
    source = version["dataset_id"] if version else ""
    places = found.projects if is_project_id(source) else found.datasets
    source_id = next((place["id"] for place in places if place["id"] == source), None)
    runs = {job.id for job in found.jobs}
    number = version["number"] if version else adapter["version_number"]
    return [
        _part("project" if is_project_id(source) else "dataset", adapter["dataset_name"], source_id),
        _part("version", adapter["dataset_name"], source_id, number),
        _part("run", adapter["title"], adapter["run"] if adapter["run"] in runs else None) | {"how": adapter["how"]},
        _part("adapter", adapter["name"], adapter["id"]),
    ]


def _exports(exports: Sequence[Mapping[str, Any]], adapter_id: str) -> list[dict[str, Any]]:
    done = [one for one in exports if one["adapter_id"] == adapter_id and one["status"] == "finished"]
    return [_part("export", one["file"] or one["name"], adapter_id) for one in done[:1]]


def _part(kind: str, title: str | None, part_id: str | None, number: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "title": title, "id": part_id, "number": number}
