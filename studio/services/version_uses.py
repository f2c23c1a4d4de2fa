"""What was made from a version: for whoever shows it, and for whoever would delete what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from studio.people import Person
from studio.services.queue import Queue
from studio.store.adapters import open_adapters

Uses = dict[str, list[dict[str, Any]]]
"""By fingerprint, the newest first of each kind: {"kind" (adapter, run), "title", "id"}."""


def find_uses(person: Person, queue: Queue) -> Uses:
    """Every adapter and every run of a person. An adapter that outlives its run still needs what it learned from."""
    found: Uses = {}
    with open_adapters(person.workspace) as table:
        for adapter in table.adapters():
            use = {"kind": "adapter", "title": adapter.name, "id": adapter.adapter_id}
            found.setdefault(adapter.lineage.version or "", []).append(use)
    for job in queue.jobs(person, ["train"]):
        use = {"kind": "run", "title": job.spec.title, "id": job.id}
        found.setdefault(str(job.spec.options.get("version")), []).append(use)
    return found


def tell_depends(versions: Iterable[tuple[int, str]], uses: Uses) -> list[dict[str, Any]]:
    """What goes or is left without its data when a dataset or a project is deleted, worded under `data.depends.<kind>`.

    versions: (number, fingerprint). {"kind": "version", "number"}, then {"kind" (adapter, run), "title", "id"}.
    """
    held = list(versions)
    return [
        *({"kind": "version", "number": number} for number, _ in held),
        *(use for _, fingerprint in held for use in uses.get(fingerprint, [])),
    ]
