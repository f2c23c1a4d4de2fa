"""What was made from a version keeps it: one answer, whoever asks before something is deleted."""

from __future__ import annotations

import pytest

from studio.errors import VersionUsed
from studio.models.lineage import Lineage
from studio.people import Person
from studio.services.studio import Studio
from studio.store.adapters import AdapterEntry, open_adapters
from studio.store.catalogue import VersionEntry
from studio.store.preferences import open_preferences
from tests.dataset_jobs import import_file, write_rows
from tests.preference_projects import make_project

PATIENCE_S = 60.0


def register(person: Person, version: str) -> None:
    """An adapter whose run was deleted since."""
    lineage = Lineage(base="pocket", run="20260101T000000000Z-train-polite", version=version)
    with open_adapters(person.workspace) as table, table.registering():
        table.insert(AdapterEntry("polite", "Polite", "", lineage.run or "", lineage, 1, "2026-01-01T00:00:00.000Z"))


ADAPTER = {"kind": "adapter", "title": "Polite", "id": "polite"}


def test_an_adapter_keeps_its_version_where_its_run_was_deleted_and_then_its_dataset(
    studio: Studio, person: Person, tmp_path
):
    """Two versions; the adapter learned from the first. Once it is deleted nothing needs the version."""
    made = import_file(person.workspace, write_rows(tmp_path / "tea.jsonl", 30)).dataset_id
    for row_id, deed in enumerate(("one", "two"), 1):
        job = studio.datasets.save_version(person, made, deed, deed)
        assert studio.queue.wait(job, PATIENCE_S).status == "finished"
        studio.datasets.delete_row(person, made, row_id, f"delete {deed}")
    first = studio.datasets.versions(person, made)[-1]["fingerprint"]
    register(person, first)
    numbers = [{"kind": "version", "number": number} for number in (2, 1)]
    assert studio.datasets.depends(person, made) == [*numbers, ADAPTER]
    assert [version["uses"] for version in studio.diffs.list(person, made)] == [[], [ADAPTER]]
    with pytest.raises(VersionUsed):
        studio.diffs.delete(person, made, 1)
    studio.datasets.delete(person, made)
    assert [path.stem for path in (person.workspace / "versions").iterdir()] == [first]
    assert studio.datasets.version(person, first)["number"] == 1


def test_an_adapter_keeps_the_version_of_a_project_too(studio: Studio, person: Person):
    project, fingerprint = make_project(person), "7" * 32
    entry = VersionEntry(project, 0, fingerprint, "Polite", "preference", 10, 1, "", "2026-01-01", 1)
    with open_preferences(person.workspace) as preferences:
        preferences.insert_version(entry)
    register(person, fingerprint)
    assert studio.preferences.depends(person, project) == [{"kind": "version", "number": 1}, ADAPTER]
    studio.preferences.delete(person, project)
    assert [version["fingerprint"] for version in studio.datasets.versions(person)] == [fingerprint]
