"""Datasets through their service and real import jobs: what a person sees, edits, undoes and saves."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from studio.data.versions import read_version, version_info
from studio.errors import (
    FileTooLarge,
    FileUnreadable,
    JobNotFound,
    NameTaken,
    NameUnsafe,
    NotYours,
    OptionsInvalid,
)
from studio.people import Person, person_from
from studio.services.datasets import Datasets
from studio.services.refusals import Refusals
from studio.settings import read_settings
from studio.store.catalogue import DatasetEntry, open_catalogue
from studio.words import catalogue
from tests.dataset_jobs import NoQueue, conversation, import_file, write_rows
from tests.processes import wait_for

PATIENCE_S = 60.0


@pytest.fixture
def datasets(studio) -> Datasets:
    return studio.datasets


def imported(datasets: Datasets, studio, person: Person, path: Path, name: str = "tea", **choices) -> str:
    """The id of the dataset that a real import job makes of a file."""
    job_id = datasets.import_upload(person, f"import-{name}", path, path.name, name, choices)
    state = studio.queue.wait(job_id, PATIENCE_S)
    assert state.status == "finished", state.ended
    return datasets.report(person, job_id)["dataset_id"]


# Import ---------------------------------------------------------------------------------------------------------------


def test_an_upload_becomes_a_dataset_whose_report_tells_what_was_found_and_why(datasets, studio, person, tmp_path):
    path = write_rows(tmp_path / "tea.jsonl", 30, broken=2)
    dataset_id = imported(datasets, studio, person, path)
    info = datasets.info(person, dataset_id)
    assert (info["name"], info["rows"], info["held_out"], info["refused"]) == ("tea", 30, 3, 2)
    assert info["source"]["container"] == "jsonl" and info["source"]["format"] == "messages"
    assert not path.exists(), "the upload is moved under the workspace"
    report = datasets.report(person, info["job_id"])
    assert (report["rows_in"], report["understood"], report["refused"]) == (32, 30, 2)
    assert [(c["cause"], c["rows"]) for c in report["causes"]] == [("json_syntax", 2)]
    assert report["found"]["container"]["reason"] == "20 of the first 20 lines are each one JSON object."
    refused = studio.refusals.page(person, dataset_id, 1)
    assert [(row["number"], row["raw"].strip()) for row in refused["rows"]] == [(31, "{broken"), (32, "{broken")]
    assert refused["rows"][0]["words"] == "It is no JSON: it breaks at character 2."


def test_the_same_deed_imports_once(datasets, studio, person, tmp_path):
    path = write_rows(tmp_path / "tea.jsonl", 3)
    first = datasets.import_upload(person, "once", path, "tea.jsonl", "tea", {})
    assert datasets.import_upload(person, "once", path, "tea.jsonl", "tea", {}) == first
    studio.queue.wait(first, PATIENCE_S)
    assert datasets.import_upload(person, "once", path, "tea.jsonl", "tea", {}) == first
    assert len(datasets.list(person)) == 1


def test_a_failed_import_says_why_and_its_file_can_be_imported_again(datasets, studio, person, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("front,back\nsencha,tea\n", "utf-8")
    job_id = datasets.import_upload(person, "first", path, "rows.csv", None, {})
    assert studio.queue.wait(job_id, PATIENCE_S).status == "failed"
    report = datasets.report(person, job_id)
    assert report["problem"]["code"] == "FormatUnknown" and "front, back" in report["problem"]["message"]
    assert report["dataset_id"] is None and datasets.list(person) == []
    again = datasets.import_again(person, "second", job_id, None, report["again"]["choices"] | {"format": "alpaca"})
    assert studio.queue.wait(again, PATIENCE_S).status == "failed"
    told = datasets.report(person, again)
    assert told["problem"]["code"] == "DatasetEmpty"
    assert (told["rows_in"], told["refused"]) == (1, 1) and told["examples"][0]["cause"] == "content_empty"


def test_a_cancelled_import_leaves_nothing_behind(datasets, studio, person, tmp_path):
    job_id = datasets.import_upload(person, "big", write_rows(tmp_path / "big.jsonl", 200_000), "big.jsonl", None, {})
    wait_for(lambda: list(person.workspace.glob("datasets/*.part")), PATIENCE_S)
    studio.queue.stop(person, job_id)
    assert studio.queue.wait(job_id, PATIENCE_S).status == "stopped"
    assert datasets.list(person) == []
    for folder in (person.workspace / "datasets", person.workspace / "uploads"):
        assert not folder.exists() or list(folder.iterdir()) == [], folder


def test_a_killed_import_leaves_a_part_that_the_next_import_removes(datasets, studio, person, tmp_path):
    folder = person.workspace / "datasets"
    path = write_rows(tmp_path / "big.jsonl", 300_000)
    job_id = datasets.import_upload(person, "big", path, "big.jsonl", None, {})
    wait_for(lambda: list(folder.glob("*.part")), PATIENCE_S)
    os.kill(studio.queue.find(person, job_id).state().started["pid"], signal.SIGKILL)
    assert studio.queue.wait(job_id, PATIENCE_S).status == "failed"
    assert len(list(folder.glob("*.db.part"))) == 1 and datasets.list(person) == []
    dataset_id = import_file(person.workspace, write_rows(tmp_path / "tea.jsonl", 3)).dataset_id
    assert [path.name for path in folder.iterdir() if not path.name.startswith(dataset_id)] == []


def test_an_import_whose_name_was_taken_meanwhile_leaves_no_dataset(tea, person, tmp_path):
    datasets, dataset_id = tea
    datasets.rename(person, dataset_id, "tea")
    late = import_file(person.workspace, write_rows(tmp_path / "late.jsonl", 3), name="tea")
    assert isinstance(late.error, NameTaken)
    assert not late.path.exists() and late.report["dataset_id"] is None
    assert [one["id"] for one in datasets.list(person)] == [dataset_id]


@pytest.mark.parametrize("name", ["", "../x", "a\\b", "a\nb", "..", "x" * 300, "cod\u202elsx.exe", "\ud800"])
def test_a_hostile_file_name_is_refused_and_the_file_stays(name, tea, person, tmp_path):
    path = write_rows(tmp_path / "tea.jsonl", 1)
    with pytest.raises(NameUnsafe) as refused:
        tea[0].import_upload(person, "deed", path, name, None, {})
    assert refused.value.message("ja").encode()
    assert path.exists()


def test_a_file_over_the_limit_is_refused(root, person, tmp_path):
    small = read_settings(["--root", str(root), "--upload-limit-gib", "1e-8"], {})
    with pytest.raises(FileTooLarge):
        Datasets(small, NoQueue()).import_upload(person, "d", write_rows(tmp_path / "t.jsonl", 9), "t.jsonl", None, {})


def test_what_is_no_file_of_an_upload_is_refused(tea, person, tmp_path):
    (tmp_path / "link").symlink_to(write_rows(tmp_path / "t.jsonl", 1))
    for path in (tmp_path / "link", tmp_path / "missing", tmp_path):
        with pytest.raises(NotYours):
            tea[0].import_upload(person, "d", path, "t.jsonl", None, {})
    assert (tmp_path / "t.jsonl").exists()


def test_choices_that_do_not_exist_are_refused_all_at_once(tea, person, tmp_path):
    choices = {"container": "docx", "encoding": "ebcdic", "format": "csv", "held_out_fraction": 2}
    with pytest.raises(OptionsInvalid) as refused:
        tea[0].import_upload(person, "d", write_rows(tmp_path / "t.jsonl", 1), "t.jsonl", None, choices)
    assert [p["field"] for p in refused.value.problems] == ["container", "encoding", "format", "held_out_fraction"]
    assert all(f"problem.{p['code']}" in catalogue("ja") for p in refused.value.problems)


def test_every_sample_imports_whole(datasets, studio, person):
    samples = datasets.samples(person)
    assert len(samples) >= 3
    jobs = {s["id"]: datasets.import_sample(person, f"sample-{s['id']}", s["id"]) for s in samples}
    ended = {sample_id: studio.queue.wait(job_id, PATIENCE_S).status for sample_id, job_id in jobs.items()}
    reports = {sample_id: datasets.report(person, job_id) for sample_id, job_id in jobs.items()}
    assert {s["id"] for s in samples if ended[s["id"]] != "finished"} == set(), reports
    for sample in samples:
        report = reports[sample["id"]]
        if sample["kind"] == "dirty":  # its blank lines are lines, but no rows
            assert 0 < report["understood"] < report["rows_in"] <= sample["rows"]
        else:
            assert (report["understood"], report["refused"]) == (sample["rows"], 0), sample["id"]


def test_uploads_of_which_no_dataset_was_made_are_removed_after_a_week(tea, person, settings, tmp_path):
    uploads = person.workspace / "uploads"
    (made,) = uploads.iterdir()
    week_ago = made.stat().st_mtime - 8 * 24 * 3600
    for name in ("old", "new"):
        (uploads / name).write_bytes(b"x")
    for path in (made, uploads / "old"):
        os.utime(path, (week_ago, week_ago))
    Datasets(settings, NoQueue())
    assert {path.name for path in uploads.iterdir()} == {made.name, "new"}


# Whose it is ----------------------------------------------------------------------------------------------------------


def test_nobody_reaches_anothers_dataset(tea, person, settings):
    datasets, dataset_id = tea
    other = person_from("mori", {}, {}, settings)
    assert datasets.list(other) == []
    for call in (
        lambda: datasets.info(other, dataset_id),
        lambda: datasets.page(other, dataset_id, {}),
        lambda: datasets.row(other, dataset_id, 1),
        lambda: datasets.delete(other, dataset_id),
        lambda: Refusals(datasets).page(other, dataset_id, 1),
        lambda: datasets.version_path(other, "0" * 32),
    ):
        with pytest.raises(NotYours):
            call()
    assert datasets.info(person, dataset_id)["rows"] == 30


@pytest.mark.parametrize("bad", ["", "..", "../../people/x", "d-0000000000000000", "d-00000000000000000", None, 3])
def test_an_id_that_is_none_is_refused(bad, tea, person):
    with pytest.raises(NotYours) as refused:
        tea[0].info(person, bad)
    assert "データセット" in refused.value.message("ja")


def test_a_job_of_another_kind_has_no_import_report(datasets, person):
    with pytest.raises(JobNotFound):
        datasets.report(person, "20260101T000000000Z-import-none")


# Versions -------------------------------------------------------------------------------------------------------------


def test_a_saved_version_holds_the_rows_and_splits_of_its_moment(datasets, studio, person, tmp_path):
    dataset_id = import_file(person.workspace, write_rows(tmp_path / "tea.jsonl", 30)).dataset_id
    datasets.save_row(person, dataset_id, 2, 1, conversation("Edited?", "Yes."), "edit")
    datasets.delete_row(person, dataset_id, 3, "delete")
    assert datasets.info(person, dataset_id)["edits"] == 2
    jobs = [datasets.save_version(person, dataset_id, deed, f"as {deed}") for deed in ("v1", "v1", "v1 again")]
    assert jobs[0] == jobs[1] != jobs[2]
    assert {studio.queue.wait(job_id, PATIENCE_S).status for job_id in jobs} == {"finished"}
    (version,) = datasets.versions(person)
    assert (version["number"], version["rows"]) == (1, 29)
    assert version["message"] in ("as v1", "as v1 again"), "the two ran side by side, and one version came of them"
    assert datasets.info(person, dataset_id)["edits"] == 0
    path = datasets.version_path(person, version["fingerprint"])
    rows = list(read_version(path))
    assert [row.row_id for row in rows] == [1, 2, *range(4, 31)]
    assert rows[1].record == conversation("Edited?", "Yes.")
    splits = {row["row_id"]: row["split"] for row in datasets.page(person, dataset_id, {})["rows"]}
    assert {row.row_id: row.split for row in rows} == splits
    assert version_info(path).held_out == version["held_out"] == sum(row.split == "held_out" for row in rows)
    datasets.undo(person, dataset_id, "undo")
    studio.queue.wait(datasets.save_version(person, dataset_id, "v2", ""), PATIENCE_S)
    assert [v["number"] for v in datasets.versions(person, dataset_id)] == [2, 1]
    assert list(read_version(path)) == rows, "a version never changes"


# The dataset as a whole -----------------------------------------------------------------------------------------------


def test_names_are_unique_and_safe(tea, person, tmp_path):
    datasets, dataset_id = tea
    datasets.rename(person, dataset_id, "tea 茶")
    other = import_file(person.workspace, write_rows(tmp_path / "b.jsonl", 2)).dataset_id
    with pytest.raises(NameTaken):
        datasets.rename(person, other, "tea 茶")
    for bad in ("", " a", "a/b", "a\u0000", "x" * 81):
        with pytest.raises(NameUnsafe):
            datasets.rename(person, other, bad)
    assert datasets.info(person, dataset_id)["name"] == "tea 茶"


def test_a_deleted_dataset_leaves_no_file_but_versions_that_runs_were_trained_on(datasets, studio, person, tmp_path):
    dataset_id = imported(datasets, studio, person, write_rows(tmp_path / "tea.jsonl", 30))
    studio.queue.wait(datasets.save_version(person, dataset_id, "v1", ""), PATIENCE_S)
    assert datasets.depends(person, dataset_id) == [{"kind": "version", "number": 1}]
    datasets.delete(person, dataset_id)
    assert datasets.list(person) == datasets.versions(person) == []
    for folder in ("datasets", "uploads", "versions"):
        assert list((person.workspace / folder).iterdir()) == [], folder


def test_a_dataset_that_a_killed_import_left_half_made_is_removed_at_the_next_start(tea, person, settings):
    datasets, dataset_id = tea
    folder = person.workspace / "datasets"
    for name in ("d-00000000000000aa.db.part", "d-00000000000000aa.lock", "d-00000000000000bb.db"):
        (folder / name).write_bytes(b"half")
    Datasets(settings, NoQueue())
    assert [path.name for path in folder.iterdir() if not path.name.startswith(dataset_id)] == []
    assert datasets.info(person, dataset_id)["rows"] == 30


def test_a_dataset_whose_file_is_gone_or_damaged_is_listed_with_its_problem(tea, person, settings, tmp_path):
    datasets, dataset_id = tea
    other = import_file(person.workspace, write_rows(tmp_path / "b.jsonl", 2))
    for damage in (other.path.unlink, lambda: other.path.write_bytes(b"no database " * 1000)):
        damage()
        listed = {one["id"]: one["problem"] for one in Datasets(settings, NoQueue()).list(person)}
        assert listed[dataset_id] is None and listed[other.dataset_id]["code"] == "FileUnreadable"
        assert "unreadable" not in listed[other.dataset_id]["message"]
        with pytest.raises(FileUnreadable):
            datasets.page(person, other.dataset_id, {})


def test_a_catalogue_keeps_two_datasets_of_one_name_apart(person):
    with open_catalogue(person.workspace) as found:
        entry = DatasetEntry("d-0000000000000001", "tea", "conversation", {"source": "sample:x"}, "j", "2026")
        found.insert_dataset(entry)
        with pytest.raises(NameTaken):
            found.insert_dataset(DatasetEntry("d-0000000000000002", "tea", "conversation", {}, "j", "2026"))
        assert found.datasets() == [entry]
