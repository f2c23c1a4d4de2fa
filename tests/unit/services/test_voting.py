"""Votes as a page sends them: counted once, undone to any depth, never on a pair that another page has."""

from __future__ import annotations

import secrets

import pytest

from studio.errors import NotYours, RequestRefused
from studio.people import person_from
from studio.preferences.order import left_reply
from studio.services.voting import Reservations, Voting
from studio.store.preferences import open_preferences
from tests.preference_projects import SEED, make_project, numbered_pair, sent_undo, sent_vote


@pytest.fixture
def voting() -> Voting:
    return Voting()


@pytest.fixture
def project(person) -> str:
    return make_project(person)


def given(voting, person, project, page="page-1", held=(), want=3) -> list[dict]:
    return voting.next_pairs(person, project, page, list(held), want)["pairs"]


def log_of(person, project) -> list[dict]:
    with open_preferences(person.workspace) as preferences:
        return preferences.votes.log(project, 0, 1000)


def counts_of(voting, person, project) -> dict:
    return voting.vote(person, project, [])["counts"]


def test_a_page_gets_pairs_in_order_without_a_word_on_where_a_reply_is_from(voting, person, project):
    pairs = given(voting, person, project)
    assert [pair["position"] for pair in pairs] == [1, 2, 3]
    assert set(pairs[0]) == {"pair_id", "position", "prompt", "left", "right", "held_out"}
    assert {pairs[1]["left"], pairs[1]["right"]} == {"Good 2.", "Bad 2."}
    assert [pair["held_out"] for pair in pairs] == [True, False, False]


def test_the_order_that_was_shown_is_in_the_vote(voting, person, project):
    for pair in given(voting, person, project, want=10):
        voting.vote(person, project, [sent_vote(pair, "left")])
    events = log_of(person, project)
    assert {event["left_reply"] for event in events} == {"a", "b"}, "both orders happen among ten pairs of this seed"
    for event in events:
        assert event["left_reply"] == event["winner"] == left_reply(SEED, event["pair_id"])


def test_a_vote_counts_and_the_pair_is_not_offered_again(voting, person, project):
    first, second, _ = given(voting, person, project)
    answer = voting.vote(person, project, [sent_vote(first, "left"), sent_vote(second, "both_good")])
    assert (answer["counts"]["votes"], answer["counts"]["dpo"], answer["counts"]["kto"]) == (2, 1, 4)
    assert [pair["position"] for pair in given(voting, person, project)] == [3, 4, 5]


def test_the_same_id_is_the_same_vote_however_often_it_comes(voting, person, project):
    pair = given(voting, person, project)[0]
    vote = sent_vote(pair, "right")
    answers = [voting.vote(person, project, [vote]) for _ in range(3)]
    assert all(answer["saved"] == [vote["id"]] for answer in answers)
    assert len(log_of(person, project)) == 1


def test_an_undo_is_an_event_of_its_own_and_any_depth_can_be_taken_back(voting, person, project):
    votes = []
    for pair in given(voting, person, project, want=5):
        votes.append(sent_vote(pair, "left"))
        voting.vote(person, project, votes[-1:])
    for left, vote in enumerate(reversed(votes), 1):
        answer = voting.vote(person, project, [sent_undo(vote)])
        assert answer["counts"]["votes"] == 5 - left
    assert [event["action"] for event in log_of(person, project)] == ["win"] * 5 + ["undo"] * 5
    assert [pair["position"] for pair in given(voting, person, project, want=5)] == [1, 2, 3, 4, 5]


def test_an_undo_that_comes_twice_takes_back_one_vote(voting, person, project):
    votes = [sent_vote(pair, "left") for pair in given(voting, person, project)]
    voting.vote(person, project, votes)
    undo = sent_undo(votes[2])
    for _ in range(3):
        answer = voting.vote(person, project, [undo])
        assert answer["saved"] == [undo["id"]]
    assert answer["counts"]["votes"] == 2
    assert len(log_of(person, project)) == 4


def test_a_page_that_knows_no_vote_undoes_the_newest_one(voting, person, project):
    pairs = given(voting, person, project)
    voting.vote(person, project, [sent_vote(pair, "left") for pair in pairs])
    event = secrets.token_hex(8)
    answer = voting.undo_last(person, project, "page-2", event)
    assert answer["pair"] == pairs[2]
    assert voting.undo_last(person, project, "page-2", event)["pair"] == pairs[2], "the same undo, not another one"
    assert voting.undo_last(person, project, "page-2", secrets.token_hex(8))["pair"] == pairs[1]
    assert voting.undo_last(person, project, "page-2", secrets.token_hex(8))["pair"] == pairs[0]
    assert voting.undo_last(person, project, "page-2", secrets.token_hex(8))["pair"] is None


def test_after_an_undo_the_pair_can_be_voted_on_anew(voting, person, project):
    pair = given(voting, person, project)[0]
    vote = sent_vote(pair, "left")
    voting.vote(person, project, [vote])
    answer = voting.vote(person, project, [sent_undo(vote), sent_vote(pair, "both_bad")])
    assert (answer["counts"]["votes"], answer["counts"]["dpo"], answer["counts"]["kto"]) == (1, 0, 2)


def test_of_two_votes_on_one_pair_the_newer_stands_and_undoing_it_brings_the_older_back(voting, person, project):
    pair = given(voting, person, project)[0]
    voting.vote(person, project, [sent_vote(pair, "left")])
    newer = sent_vote(pair, "both_good")
    assert voting.vote(person, project, [newer])["counts"]["dpo"] == 0
    assert voting.vote(person, project, [sent_undo(newer)])["counts"]["dpo"] == 1


def test_two_pages_of_one_person_get_different_pairs(voting, person, project):
    first = given(voting, person, project, "page-1")
    second = given(voting, person, project, "page-2")
    assert not {pair["pair_id"] for pair in first} & {pair["pair_id"] for pair in second}
    assert given(voting, person, project, "page-1") == first, "a page that is loaded anew finds its pairs again"


def test_a_reservation_ends_after_its_time_and_each_call_renews_it(person, project):
    """A limit of no time at all: what the first page was given goes to the second at once."""
    lost = Voting(Reservations(reserved_s=0.0))
    first = given(lost, person, project, "page-1")
    assert given(lost, person, project, "page-2") == first
    kept = Voting()
    held = [pair["pair_id"] for pair in given(kept, person, project, "page-1")]
    assert [pair["position"] for pair in given(kept, person, project, "page-1", held, 2)] == [4, 5]
    assert [pair["position"] for pair in given(kept, person, project, "page-2")] == [6, 7, 8]


def test_a_page_is_told_which_of_its_pairs_were_lost_while_it_was_silent(voting, person, project):
    """Page 1 holds pairs 1 to 3; the first is voted on elsewhere, the second is given to page 2."""
    held = [pair["pair_id"] for pair in given(voting, person, project)]
    voting.vote(person, project, [sent_vote({"pair_id": held[0]}, "left")])
    voting.reservations.release((person.workspace, project), held[1])
    assert [pair["position"] for pair in given(voting, person, project, "page-2", want=1)] == [2]
    assert voting.next_pairs(person, project, "page-1", held, 0)["lost"] == held[:2]
    assert voting.next_pairs(person, project, "page-1", held[2:], 0)["lost"] == []


def test_skipped_pairs_come_again_only_when_asked_for(voting, person, project):
    first, second, _ = given(voting, person, project)
    answer = voting.vote(person, project, [sent_vote(first, "skip"), sent_vote(second, "left")])
    assert (answer["counts"]["votes"], answer["counts"]["skipped"]) == (1, 1)
    assert [pair["position"] for pair in given(voting, person, project)] == [3, 4, 5]
    deed = secrets.token_hex(8)
    assert voting.offer_skipped(person, project, deed) == 1
    assert voting.offer_skipped(person, project, deed) == 0
    assert [pair["position"] for pair in given(voting, person, project)] == [1, 3, 4]


def test_an_edit_is_kept_with_the_vote_and_no_change_is_no_edit(voting, person, project):
    first, second, _ = given(voting, person, project)
    voting.vote(
        person,
        project,
        [sent_vote(first, "left", edited="Better."), sent_vote(second, "right", edited=second["right"])],
    )
    assert [event["edited"] for event in log_of(person, project)] == ["Better.", None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"pressed": "left", "edited": "  "},
        {"pressed": "left", "edited": "x" * 100_001},
        {"pressed": "both_good", "edited": "text"},
        {"pressed": "left", "edited": 7},
        {"pressed": "constructor"},
        {"pressed": None},
        {"pressed": "left", "pair_id": 10**30},
        {"pressed": "left", "pair_id": "1"},
        {"pressed": "left", "pair_id": True},
        {"pressed": "undo", "undoes": "unknown-event"},
        {"pressed": "undo", "undoes": "'; DROP TABLE votes"},
    ],
)
def test_what_is_no_vote_is_refused_and_the_others_of_the_same_call_are_saved(voting, person, project, wrong):
    first, second, _ = given(voting, person, project)
    good = sent_vote(second, "left")
    answer = voting.vote(person, project, [sent_vote(first, "left") | wrong, good])
    assert answer["saved"] == [good["id"]]
    assert [one["code"] for one in answer["refused"]] in (["RequestRefused"], ["NotYours"])
    assert [event["event"] for event in log_of(person, project)] == [good["id"]]


@pytest.mark.parametrize("event", [None, "", 7, "short", "x" * 65, "has space", "ünïcödé-id"])
def test_a_vote_without_a_proper_id_is_refused_whole(voting, person, project, event):
    pair = given(voting, person, project)[0]
    with pytest.raises(RequestRefused):
        voting.vote(person, project, [sent_vote(pair, "left") | {"id": event}])
    assert log_of(person, project) == []


def test_another_person_has_neither_the_project_nor_its_votes(voting, person, project, settings):
    stranger = person_from("eve", {}, {}, settings)
    pair = given(voting, person, project)[0]
    for call in (
        lambda: voting.vote(stranger, project, [sent_vote(pair, "left")]),
        lambda: voting.next_pairs(stranger, project, "page", [], 3),
        lambda: voting.undo_last(stranger, project, "page", secrets.token_hex(8)),
        lambda: voting.offer_skipped(stranger, project, secrets.token_hex(8)),
    ):
        with pytest.raises(NotYours):
            call()
    assert log_of(person, project) == []


def test_a_vote_of_somebody_else_in_the_workspace_cannot_be_undone(voting, person, project, settings):
    pair = given(voting, person, project)[0]
    vote = sent_vote(pair, "left")
    voting.vote(person, project, [vote])
    colleague = person_from("bob", {}, {}, settings)
    colleague = type(person)(colleague.id, colleague.name, colleague.language, person.workspace)
    assert voting.vote(colleague, project, [sent_undo(vote)])["refused"][0]["code"] == "NotYours"


def test_pairs_that_cannot_be_judged_are_counted_and_never_shown(voting, person):
    pairs = [numbered_pair(1), numbered_pair(2, a="Same.", b="Same."), numbered_pair(3, b=""), numbered_pair(4, b=None)]
    project = make_project(person, pairs)
    assert [pair["position"] for pair in given(voting, person, project)] == [1]
    with open_preferences(person.workspace) as preferences:
        counts = preferences.counts(project)
    assert counts["problems"] == {"replies_same": 1, "reply_empty": 1}
    assert (counts["pairs"], counts["open"], counts["unfinished"]) == (4, 1, 1)


def test_the_pace_is_that_of_the_latest_looks_and_a_coffee_counts_as_two_minutes(voting, person, project):
    """4, 4 and 120 (of 4,000) seconds for three votes: 3,600 · 3 ÷ 128 = 84.4 an hour."""
    pairs = given(voting, person, project)
    votes = [sent_vote(pair, "left", seconds=seconds) for pair, seconds in zip(pairs, (4, 4, 4000), strict=True)]
    assert voting.vote(person, project, votes[:2])["counts"]["pace"] is None
    assert voting.vote(person, project, votes[2:])["counts"]["pace"] == pytest.approx(84.375)


def test_the_left_share_counts_the_side_that_was_pressed(voting, person, project):
    pressed = ["left", "left", "right", "both_good", "skip"]
    pairs = given(voting, person, project, want=5)
    voting.vote(person, project, [sent_vote(pair, side) for pair, side in zip(pairs, pressed, strict=True)])
    counts = counts_of(voting, person, project)
    assert (counts["left"], counts["right"]) == (2, 1)
