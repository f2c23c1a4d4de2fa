"""Votes become a version: every row accounted for, held-out pairs apart, the same votes the same version."""

from __future__ import annotations

import pytest

from studio.data.versions import read_version, version_path
from studio.errors import VotesMissing
from studio.events import Finished, Rows
from studio.models.catalogue import POCKET, POCKET_FOLDER
from studio.preferences.pairs import as_reply
from studio.services.voting import Voting
from studio.store.catalogue import open_catalogue
from studio.worker import compile as compile_job
from tests.dataset_jobs import make_job
from tests.preference_projects import make_project, numbered_pair, sent_undo, sent_vote


def run_compile(person, project: str, max_length_tokens: int = 1024) -> tuple[Finished, Rows]:
    options = {"project_id": project, "base": POCKET, "base_folder": str(POCKET_FOLDER)}
    job = make_job(person.workspace, "compile_pairs", options | {"max_length_tokens": max_length_tokens})
    events = list(compile_job.run(job))
    return events[-1], next(event for event in events if isinstance(event, Rows))


def vote(person, project: str, *pressed: str, **more) -> list[dict]:
    """Votes on the next pairs, in order."""
    voting = Voting()
    pairs = voting.next_pairs(person, project, "page", [], 20)["pairs"]
    votes = [sent_vote(pair, side, **more) for pair, side in zip(pairs, pressed, strict=False)]
    assert len(voting.vote(person, project, votes)["saved"]) == len(pressed)
    return votes


def test_votes_become_a_version_with_held_out_pairs_apart(person):
    """Ten pairs of which the first is held out; six votes: left, right, both good, both bad, skip, left."""
    project = make_project(person)
    vote(person, project, "left", "right", "both_good", "both_bad", "skip", "left")
    finished, rows = run_compile(person, project)
    assert finished.summary == {
        "number": 1, "rows": 3, "held_out": 1, "votes": 6, "dropped": {"no_preference": 3}, "is_new": True,
    }  # fmt: skip
    assert (rows.read, rows.kept, rows.dropped) == (6, 3, {"no_preference": 3})
    made = list(read_version(version_path(person.workspace, finished.result)))
    assert [(row.split, row.kind, row.record["prompt"][0]["content"]) for row in made] == [
        ("held_out", "preference", "Question 1?"),
        ("train", "preference", "Question 2?"),
        ("train", "preference", "Question 6?"),
    ]
    assert all(set(row.record) == {"prompt", "chosen", "rejected"} for row in made)


def test_chosen_is_the_reply_that_stood_on_the_side_that_was_pressed(person):
    project = make_project(person)
    voting = Voting()
    pairs = voting.next_pairs(person, project, "page", [], 10)["pairs"]
    voting.vote(person, project, [sent_vote(pair, "right") for pair in pairs])
    finished, _ = run_compile(person, project)
    made = read_version(version_path(person.workspace, finished.result))
    assert [row.record["chosen"] for row in made] == [as_reply(pair["right"]) for pair in pairs]


def test_an_edit_stands_against_the_reply_it_was_made_from(person):
    project = make_project(person)
    pair = Voting().next_pairs(person, project, "page", [], 1)["pairs"][0]
    vote(person, project, "left", edited="I am sorry. Better.")
    finished, _ = run_compile(person, project)
    (row,) = read_version(version_path(person.workspace, finished.result))
    assert (row.record["chosen"], row.record["rejected"]) == (as_reply("I am sorry. Better."), as_reply(pair["left"]))


def test_rows_that_nothing_can_be_learned_from_are_counted_by_what_is_wrong(person):
    same = "We are sorry for the wait. " * 20
    pairs = [numbered_pair(1), numbered_pair(2, a=same + "Good bye.", b=same + "Thank you.")]
    project = make_project(person, pairs)
    vote(person, project, "left", "left")
    finished, rows = run_compile(person, project, max_length_tokens=60)
    assert (rows.read, rows.kept, rows.dropped) == (2, 1, {"same_when_cut": 1})
    assert finished.summary["rows"] == 1


def test_undone_votes_are_not_in_the_version(person):
    project = make_project(person)
    votes = vote(person, project, "left", "left", "left")
    Voting().vote(person, project, [sent_undo(votes[1])])
    finished, _ = run_compile(person, project)
    assert [row.row_id for row in read_version(version_path(person.workspace, finished.result))] == [
        votes[0]["pair_id"], votes[2]["pair_id"],
    ]  # fmt: skip


def test_the_same_votes_again_are_the_same_version_and_more_votes_another(person):
    project = make_project(person)
    vote(person, project, "left", "left")
    first, _ = run_compile(person, project)
    again, _ = run_compile(person, project)
    assert again.result == first.result
    assert (again.summary["number"], again.summary["is_new"]) == (1, False)
    vote(person, project, "left")
    more, _ = run_compile(person, project)
    assert more.result != first.result
    assert more.summary["number"] == 2
    with open_catalogue(person.workspace) as catalogue:
        assert [(v.dataset_name, v.number, v.kind, v.rows) for v in catalogue.versions()] == [
            ("Polite", 2, "preference", 3), ("Polite", 1, "preference", 2),
        ]  # fmt: skip


@pytest.mark.parametrize("pressed", [(), ("both_good", "skip")])
def test_votes_that_make_no_row_say_so_and_leave_nothing_behind(person, pressed):
    project = make_project(person)
    vote(person, project, *pressed)
    with pytest.raises(VotesMissing):
        run_compile(person, project)
    assert not list((person.workspace / "versions").glob("*")) if (person.workspace / "versions").exists() else True
    assert not list(person.workspace.glob("jobs/*/version.part"))
