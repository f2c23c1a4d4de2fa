"""The guide: where a person is in the loop and what is next, computed from what their workspace holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.services.adapters import Adapters
from studio.services.conversation import column_key
from studio.services.datasets import Datasets
from studio.services.exports import Exports
from studio.services.guide_lineage import trace_newest
from studio.services.guide_steps import Workspace, list_steps
from studio.services.pair_labels import count_labels, take_labels
from studio.services.preferences import Preferences
from studio.services.queue import Queue
from studio.store.conversations import open_conversations
from studio.store.guide import GuideNotes, open_guide

SAMPLE = "shop_sft"
HIDDEN = "hidden"
_COMPARED = "compared:"
_KINDS = ("import", "save_version", "train", "compile_pairs", "export")


class Guide:
    """The guides of every workspace. Thread-safe: each call reads what is there."""

    def __init__(
        self, queue: Queue, datasets: Datasets, preferences: Preferences, adapters: Adapters, exports: Exports
    ) -> None:
        self._queue = queue
        self._datasets = datasets
        self._preferences = preferences
        self._adapters = adapters
        self._exports = exports

    def look(self, person: Person) -> dict[str, Any]:
        """{"steps": as `list_steps` gives them, "lineage": as `trace_newest` does, "hidden": the steps are put away,
        "is_new": nothing is there yet}.
        """
        exports = self._exports.list(person)
        with open_guide(person.workspace) as notes:
            found = self._read(person, notes, exports)
            hidden = HIDDEN in notes.names()
        return {
            "steps": list_steps(found),
            "lineage": trace_newest(found, exports),
            "hidden": hidden,
            "is_new": not (found.datasets or found.versions or found.projects or found.adapters),
        }

    def load_sample(self, person: Person, deed: str) -> str:
        """Import the sample conversations and make a project of the sample pairs; the id of the import's job.

        The same deed does both once. Raises RequestRefused.
        """
        job_id = self._datasets.import_sample(person, deed, SAMPLE)
        self._preferences.create(person, deed, {"kind": "sample"})
        return job_id

    def save_version(self, person: Person, deed: str, dataset_id: str) -> str:
        """Queue the job that saves a version; its id. Raises NotYours, RequestRefused."""
        return self._datasets.save_version(person, dataset_id, deed, "")

    def take_labels(self, person: Person, project_id: str) -> int:
        """Accept what came with the pairs of a project as the vote on every pair that nobody has voted on; how many.

        Raises NotYours.
        """
        return take_labels(person, project_id)

    def hide(self, person: Person, hidden: bool) -> None:
        """Put the steps away, or bring them back."""
        with open_guide(person.workspace) as notes:
            if hidden:
                notes.add(HIDDEN)
            else:
                notes.remove(HIDDEN)

    # Inside -----------------------------------------------------------------------------------------------------------

    def _read(self, person: Person, notes: GuideNotes, exports: Sequence[dict[str, Any]]) -> Workspace:
        adapters = self._adapters.list(person)
        projects = self._preferences.list(person)
        return Workspace(
            datasets=self._datasets.list(person),
            versions=self._datasets.versions(person),
            projects=projects,
            adapters=adapters,
            compared=_compared(person, notes, [one["id"] for one in adapters]),
            exported={one["adapter_id"] for one in exports if one["status"] == "finished"},
            jobs=self._jobs(person),
            labels={one["id"]: count_labels(person, one["id"]) for one in projects if not one["versions"]},
        )

    def _jobs(self, person: Person) -> list[JobFolder]:
        return self._queue.jobs(person, _KINDS)


def _compared(person: Person, notes: GuideNotes, adapter_ids: Sequence[str]) -> set[str]:
    """The adapters that have replied in a conversation, now or before it was cleared away: that is noted."""
    with open_conversations(person.workspace) as conversations:
        replied = conversations.models_that_replied()
    known = notes.names()
    found = set()
    for adapter_id in adapter_ids:
        key = column_key({"kind": "model", "id": f"{person.workspace.name}/{adapter_id}"})
        if key in replied and _COMPARED + adapter_id not in known:
            notes.add(_COMPARED + adapter_id)
        if key in replied or _COMPARED + adapter_id in known:
            found.add(adapter_id)
    return found
