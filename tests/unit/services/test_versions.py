"""Versions of a dataset: compared, restored as one change, deleted where nothing was made from them."""

from __future__ import annotations

import orjson
import pytest

from studio.errors import JobNotFound, NotYours, RequestRefused, VersionUsed
from studio.people import Person
from studio.services.studio import Studio
from studio.store.dataset_file import open_dataset
from studio.store.table import Table
from tests.dataset_jobs import conversation, import_file

PATIENCE_S = 60.0


@pytest.fixture
def stranger(settings) -> Person:
    workspace = settings.root / "people" / "stranger"
    workspace.mkdir(parents=True)
    return Person("stranger", "Stranger", "en", workspace)


@pytest.fixture
def dataset(studio: Studio, person: Person, tmp_path) -> str:
    """30 rows and version 1 of them; then row 2 rewritten, row 5 deleted, row 31 added."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(conversation(f"Question {n}?", f"Reply {n}.")) for n in range(1, 31)))
    made = import_file(person.workspace, path).dataset_id
    save(studio, person, made, "first")
    datasets = studio.datasets
    datasets.save_row(person, made, 2, 1, conversation("Question 2?", "A blue reply."), "edit")
    datasets.delete_row(person, made, 5, "delete")
    datasets.add_row(person, made, conversation("More?", "Yes."), "add")
    return made


def finish(studio: Studio, job: str) -> dict:
    state = studio.queue.wait(job, PATIENCE_S)
    assert state.status == "finished", state.last
    return state.ended["summary"]


def save(studio: Studio, person: Person, dataset_id: str, message: str) -> None:
    finish(studio, studio.datasets.save_version(person, dataset_id, message, message))


def rows_of(person: Person, dataset_id: str) -> list[tuple]:
    with open_dataset(person.workspace / "datasets" / f"{dataset_id}.db") as connection:
        return [(row.row_id, row.record, row.split_key) for row in Table(connection).iterate()]


def test_a_version_says_who_saved_it_and_what_was_made_from_it(studio, person, dataset):
    (version,) = studio.diffs.list(person, dataset)
    assert (version["number"], version["message"], version["is_own"], version["uses"]) == (1, "first", True, [])
    assert "about" not in version
    job = studio.queue.submit(person, "train", "a run", {"version": version["fingerprint"]}, "run")
    assert studio.diffs.list(person, dataset)[0]["uses"] == [{"kind": "run", "title": "a run", "id": job}]
    with pytest.raises(VersionUsed) as refused:
        studio.diffs.delete(person, dataset, 1)
    assert refused.value.values == {"number": 1, "name": "a run"}


def test_what_differs_is_counted_first_and_then_told_row_by_row(studio, person, stranger, dataset):
    job = studio.diffs.compare(person, dataset, 1, None)
    counts = finish(studio, job)
    assert counts == {"added": 1, "removed": 1, "changed": 1, "moved": 0, "same": 28}
    assert studio.diffs.compare(person, dataset, 1, None) == job, "nothing changed: the same comparison"
    found = studio.diffs.differences(person, job, None, 1)
    assert [(row["row_id"], row["what"], row["position"]) for row in found["rows"]] == [
        (2, "changed", 2),
        (5, "removed", None),
        (31, "added", 30),
    ]
    assert found["rows"][0]["parts"][1] == {
        "section": "messages",
        "role": "assistant",
        "before": "Reply 2.",
        "after": "A blue reply.",
    }
    only = studio.diffs.differences(person, job, "removed", 9)
    assert (only["total"], only["page"], [row["row_id"] for row in only["rows"]]) == (1, 1, [5])
    assert studio.diffs.different_rows(person, job, None) == [2, 5, 31]
    for call in (
        lambda: studio.diffs.differences(stranger, job, None, 1),
        lambda: studio.diffs.compare(stranger, dataset, 1, None),
        lambda: studio.diffs.compare(person, dataset, 7, None),
        lambda: studio.diffs.restore(stranger, dataset, 1, "x"),
        lambda: studio.diffs.delete(stranger, dataset, 1),
    ):
        with pytest.raises((JobNotFound, NotYours)):
            call()
    with pytest.raises(RequestRefused):
        studio.diffs.differences(person, job, "everything", 1)
    studio.datasets.delete_row(person, dataset, 1, "another")
    assert finish(studio, studio.diffs.compare(person, dataset, 1, None))["removed"] == 2


def test_a_restored_version_is_what_was_saved_and_one_undo_takes_it_back(studio, person, dataset):
    """Also the splits: the held-out share was changed, and a row was put on the other side by hand."""
    fingerprint = studio.diffs.list(person, dataset)[0]["fingerprint"]
    studio.datasets.set_held_out(person, dataset, 0.5, "half")
    before = rows_of(person, dataset)
    summary = finish(studio, studio.diffs.restore(person, dataset, 1, "restore"))
    assert summary["skipped"] == {} and summary["rows"] >= 3
    save(studio, person, dataset, "again")
    assert [(v["number"], v["fingerprint"]) for v in studio.diffs.list(person, dataset)] == [(1, fingerprint)]
    assert finish(studio, studio.diffs.compare(person, dataset, 1, None))["same"] == 30
    studio.datasets.undo(person, dataset, "undo")
    assert rows_of(person, dataset) == before
    assert finish(studio, studio.diffs.restore(person, dataset, 1, "restore")) == summary, "the same deed, once"
    assert rows_of(person, dataset) == before


def test_restoring_what_is_there_changes_nothing(studio, person, dataset):
    save(studio, person, dataset, "second")
    edits = studio.datasets.info(person, dataset)["edits"]
    assert finish(studio, studio.diffs.restore(person, dataset, 2, "nothing"))["rows"] == 0
    assert studio.datasets.info(person, dataset)["edits"] == edits == 0


def test_a_version_that_nothing_was_made_from_is_deleted_with_its_file(studio, person, dataset):
    save(studio, person, dataset, "second")
    newest = studio.diffs.list(person, dataset)[0]
    path = person.workspace / "versions" / f"{newest['fingerprint']}.parquet"
    assert path.is_file()
    studio.diffs.delete(person, dataset, 2)
    assert not path.exists() and [v["number"] for v in studio.diffs.list(person, dataset)] == [1]
    with pytest.raises(NotYours):
        studio.diffs.delete(person, dataset, 2)
    save(studio, person, dataset, "third")
    assert [v["number"] for v in studio.diffs.list(person, dataset)] == [3, 1]


def test_a_restore_that_is_stopped_leaves_every_row_as_it_was(studio, person, dataset):
    from studio.events import Finished
    from studio.worker import restore
    from tests.dataset_jobs import make_job

    before, edits = rows_of(person, dataset), studio.datasets.info(person, dataset)["edits"]
    fingerprint = studio.diffs.list(person, dataset)[0]["fingerprint"]
    job = make_job(person.workspace, "restore", {"dataset_id": dataset, "version": fingerprint, "number": 1})
    (job.folder / "stop").touch()
    assert not any(isinstance(event, Finished) for event in restore.run(job))
    assert rows_of(person, dataset) == before
    assert studio.datasets.info(person, dataset)["edits"] == edits


def test_a_row_that_is_edited_while_a_restore_is_planned_is_restored_too(studio, person, dataset):
    from studio.events import Phase
    from studio.worker import restore
    from tests.dataset_jobs import make_job

    fingerprint = studio.diffs.list(person, dataset)[0]["fingerprint"]
    job = make_job(person.workspace, "restore", {"dataset_id": dataset, "version": fingerprint, "number": 1})
    for event in restore.run(job):
        if isinstance(event, Phase) and event.name == "restoring":
            studio.datasets.save_row(person, dataset, 7, 1, conversation("Question 7?", "No."), "meanwhile")
    assert (event.summary["rows"], event.summary["skipped"]) == (4, {})
    assert finish(studio, studio.diffs.compare(person, dataset, 1, None))["same"] == 30
    assert not list(job.folder.glob("*.part"))


def test_what_was_true_of_the_dataset_is_kept_with_the_version(studio, person, dataset):
    from studio.data.versions import read_about, version_path
    from studio.store.catalogue import open_catalogue

    fingerprint = studio.diffs.list(person, dataset)[0]["fingerprint"]
    about = read_about(version_path(person.workspace, fingerprint))
    assert about["facts"]["held_out_fraction"] == 0.1 and "lengths" not in about["facts"]
    assert about["source"]["file"] == "rows.jsonl"
    with open_catalogue(person.workspace) as catalogue:
        assert catalogue.version(fingerprint).about == about
    details = studio.diffs.details(person, dataset, 1)
    assert (details["file"], details["held_out_fraction"], details["purpose"]) == ("rows.jsonl", 0.1, None)
    with pytest.raises(NotYours):
        studio.diffs.details(person, dataset, 9)


def test_the_same_rows_under_other_ids_are_compared_and_restored_by_their_own(studio, person, tmp_path):
    """Both datasets say the same four things; the second one's first row was refused, so that its ids are 2 to 5."""
    good = [orjson.dumps(conversation(f"Question {n}?", f"Reply {n}.")) for n in range(1, 5)]
    made = []
    for name, lines in (("plain", good), ("late", [b'{"messages": []}', *good])):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(b"\n".join(lines))
        made.append(import_file(person.workspace, path, name=name).dataset_id)
        save(studio, person, made[-1], name)
    first, second = made
    assert [[row[0] for row in rows_of(person, one)] for one in made] == [[1, 2, 3, 4], [2, 3, 4, 5]]
    assert finish(studio, studio.diffs.compare(person, second, 1, None))["same"] == 4
    before = rows_of(person, second)
    assert finish(studio, studio.diffs.restore(person, second, 1, "restore"))["rows"] == 0
    studio.datasets.delete_row(person, second, 3, "delete")
    assert finish(studio, studio.diffs.restore(person, second, 1, "again"))["rows"] == 1
    assert rows_of(person, second) == before
    studio.diffs.delete(person, first, 1)
    assert finish(studio, studio.diffs.compare(person, second, 1, None))["same"] == 4, "its file is its own"
