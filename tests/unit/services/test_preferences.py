"""Preference projects through their service: made of the sample and of datasets, compiled by a real job, deleted."""

from __future__ import annotations

import json
import secrets

import orjson
import pytest

from studio.errors import DatasetEmpty, ModelNotFound, NameTaken, NameUnsafe, NotYours, OptionsInvalid, RequestRefused
from studio.people import person_from
from studio.services.preferences import Preferences
from studio.services.voting import Voting
from tests.dataset_jobs import NoQueue, conversation, import_file
from tests.preference_projects import make_project, sent_undo, sent_vote

PATIENCE_S = 60.0


@pytest.fixture
def preferences() -> Preferences:
    return Preferences(NoQueue(), None, None)


def pair_row(number: int) -> dict:
    return {"prompt": f"Question {number}?", "chosen": f"Good {number}.", "rejected": f"Bad {number}."}


def dataset_of(person, tmp_path, rows: list[dict], **choices) -> str:
    path = tmp_path / f"{secrets.token_hex(4)}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return import_file(person.workspace, path, **choices).dataset_id


def vote_all(person, project: str, pressed: str) -> None:
    voting = Voting()
    pairs = voting.next_pairs(person, project, "page", [], 20)["pairs"]
    voting.vote(person, project, [sent_vote(pair, pressed) for pair in pairs])


def test_the_sample_project_has_pairs_a_guideline_and_held_out_pairs(preferences, person):
    project = preferences.create(person, "deed", {"kind": "sample"})
    (info,) = preferences.list(person)
    assert (info["id"], info["name"], info["pairs"], info["open"]) == (project, "Shop: polite or curt", 400, 400)
    assert 30 <= info["held_out"] <= 50
    assert info["guideline"]["prefer"].startswith("Prefer the reply")
    assert preferences.create(person, "deed", {"kind": "sample"}) == project, "the same click twice is one project"
    second = preferences.create(person, "another", {"kind": "sample"})
    assert {one["name"] for one in preferences.list(person)} == {"Shop: polite or curt", "Shop: polite or curt (2)"}
    assert second != project


def test_a_dataset_of_pairs_becomes_a_project_that_keeps_its_split(preferences, person, tmp_path):
    rows = [pair_row(n) for n in range(30)]
    dataset = dataset_of(person, tmp_path, [*rows, rows[3]], held_out_fraction=0.2)
    preferences.create(person, "deed", {"kind": "pairs", "dataset": dataset, "name": "Mine"})
    (info,) = preferences.list(person)
    assert (info["name"], info["pairs"], info["held_out"]) == ("Mine", 30, 6)
    assert info["source"]["left_out"] == {"repeated": 1}


def test_rows_that_are_no_pairs_are_counted_and_none_at_all_is_said(preferences, person, tmp_path):
    dataset = dataset_of(person, tmp_path, [conversation("Hello?", "Yes.")])
    with pytest.raises(DatasetEmpty):
        preferences.create(person, "deed", {"kind": "pairs", "dataset": dataset})
    assert preferences.list(person) == []


@pytest.mark.parametrize(
    ("file", "pairs"), [("pref_ja/preference_a.jsonl", 396), ("pref_en/gsm8k_solutions.preference.jsonl", 353)]
)
def test_real_pairs_become_a_project_without_a_loss(preferences, person, shared_data, file, pairs):
    """A tenth of them is held out; no two of their replies are the same."""
    dataset = import_file(person.workspace, shared_data / file).dataset_id
    preferences.create(person, "deed", {"kind": "pairs", "dataset": dataset})
    (info,) = preferences.list(person)
    assert (info["pairs"], info["open"], info["held_out"]) == (pairs, pairs, round(pairs / 10))
    assert (info["problems"], info["source"]["left_out"]) == ({}, {})


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"kind": "pairs", "dataset": "d-0000000000000000"}, NotYours),
        ({"kind": "pairs", "dataset": "../../etc/passwd"}, NotYours),
        ({"kind": "pairs"}, NotYours),
        ({"kind": "else"}, RequestRefused),
        ({}, RequestRefused),
        ({"kind": "sample", "name": "a/b"}, NameUnsafe),
        ({"kind": "sample", "name": "x" * 81}, NameUnsafe),
    ],
)
def test_what_cannot_be_made_is_refused(preferences, person, asked, error):
    with pytest.raises(error):
        preferences.create(person, "deed", asked)
    assert preferences.list(person) == []


def test_names_are_of_one_project_each(preferences, person):
    first, second = make_project(person, name="One"), make_project(person, name="Two")
    preferences.rename(person, first, "Three")
    assert {one["name"] for one in preferences.list(person)} == {"Two", "Three"}
    with pytest.raises(NameTaken):
        preferences.rename(person, second, "Three")
    with pytest.raises(NameTaken):
        preferences.create(person, "deed", {"kind": "sample", "name": "Two"})


def test_a_guideline_is_three_texts(preferences, person):
    project = make_project(person)
    hostile = {"prefer": "<img src=x onerror=alert(1)>", "good": "ありがとうございます。", "avoid": ""}
    preferences.set_guideline(person, project, hostile | {"more": "ignored"})
    assert preferences.list(person)[0]["guideline"] == hostile
    for wrong in ({"prefer": 7}, {"prefer": "x" * 4001}, {"good": None}):
        with pytest.raises(RequestRefused):
            preferences.set_guideline(person, project, wrong)


def test_every_vote_is_in_the_file_with_its_pair_and_who_wrote_what(preferences, person):
    project = make_project(person)
    voting = Voting()
    pair = voting.next_pairs(person, project, "page", [], 1)["pairs"][0]
    vote = sent_vote(pair, "left", edited="Better.")
    voting.vote(person, project, [vote, sent_undo(vote)])
    name, lines = preferences.votes_file(person, project)
    written = [orjson.loads(line) for line in b"".join(lines).splitlines()]
    assert name == "Polite"
    assert [(one["action"], one["event"] == vote["id"], one["undoes"]) for one in written] == [
        ("win", True, None), ("undo", False, vote["id"]),
    ]  # fmt: skip
    assert written[0]["winner"] == written[0]["left"]
    assert written[0]["edited"] == "Better."
    assert written[0]["replies"]["a"] == {
        "messages": [{"role": "assistant", "content": "Good 1."}],
        "origin": {"kind": "imported", "side": "chosen"},
    }


def test_kto_rows_are_written_as_the_table_says(preferences, person):
    project = make_project(person, 3)
    vote_all(person, project, "both_bad")
    _, lines = preferences.kto_file(person, project)
    rows = [orjson.loads(line) for line in lines]
    assert len(rows) == 6
    assert {row["label"] for row in rows} == {False}
    assert all(set(row) == {"prompt", "completion", "label"} for row in rows)


def test_a_stranger_sees_and_changes_nothing(preferences, person, settings):
    project = make_project(person)
    stranger = person_from("eve", {}, {}, settings)
    assert preferences.list(stranger) == []
    for call in (
        lambda: preferences.rename(stranger, project, "Mine"),
        lambda: preferences.set_guideline(stranger, project, {}),
        lambda: preferences.delete(stranger, project),
        lambda: preferences.depends(stranger, project),
        lambda: preferences.votes_file(stranger, project),
        lambda: preferences.kto_file(stranger, project),
        lambda: preferences.compile(stranger, "deed", project, "pocket", 100),
    ):
        with pytest.raises(NotYours):
            call()


def test_a_compile_is_a_job_whose_version_training_offers_and_deleting_takes_both_away(studio, person):
    """With a real worker. Every pair is voted on; the version appears in the project and in the list of versions."""
    project = make_project(person)
    vote_all(person, project, "left")
    job = studio.preferences.compile(person, "compile", project, "pocket", 512)
    state = studio.queue.wait(job, PATIENCE_S)
    assert state.status == "finished", state.ended
    (info,) = studio.preferences.list(person)
    assert [(v["number"], v["rows"], v["held_out"]) for v in info["versions"]] == [(1, 10, 1)]
    assert info["newer"] == 0
    (version,) = studio.datasets.versions(person)
    assert (version["dataset_name"], version["kind"]) == ("Polite", "preference")
    path = studio.datasets.version_path(person, version["fingerprint"])
    assert path.is_file()
    assert studio.preferences.depends(person, project) == [{"kind": "version", "number": 1}]
    studio.preferences.rename(person, project, "Renamed")
    assert studio.datasets.versions(person)[0]["dataset_name"] == "Renamed"
    studio.preferences.delete(person, project)
    assert (studio.preferences.list(person), studio.datasets.versions(person), path.exists()) == ([], [], False)


def test_a_compile_for_an_unknown_base_or_length_is_refused(studio, person):
    project = make_project(person)
    with pytest.raises(ModelNotFound):
        studio.preferences.compile(person, "deed", project, "folder:nowhere", 100)
    for length in (0, -1, 10**9):
        with pytest.raises(OptionsInvalid):
            studio.preferences.compile(person, "deed", project, "pocket", length)
