"""The guide says what is done and what is next from what a workspace really holds."""

from __future__ import annotations

import secrets
import time

import orjson
import pytest

from studio.errors import NotYours
from studio.people import person_from
from studio.services.adapters import Adapters
from studio.services.bases import Bases
from studio.services.datasets import Datasets
from studio.services.exports import Exports
from studio.services.glossary import list_terms
from studio.services.guide import Guide
from studio.services.guide_lineage import LONGEST_CHAIN
from studio.services.guide_steps import VOTES_ASKED
from studio.services.pair_labels import LABELLER, take_labels
from studio.services.preferences import Preferences
from studio.services.queue import Queue
from studio.services.voting import Voting
from studio.store.conversations import StoredReply, StoredTurn, open_conversations
from studio.store.preferences import open_preferences
from studio.words import LANGUAGES
from tests.adapter_runs import ended_run
from tests.dataset_jobs import import_file, write_rows
from tests.preference_projects import make_project, numbered_pair, sent_vote
from tests.written_runs import WrittenRun

STEPS = ["data", "train", "compare", "label", "train_pairs", "compare_again", "export"]


@pytest.fixture
def parts(settings, person):
    """The services on a queue that starts nothing."""
    person.workspace.mkdir(parents=True)
    queue = Queue(settings)
    bases = Bases(settings, queue)
    adapters = Adapters(settings, queue, bases)
    datasets, preferences = Datasets(settings, queue), Preferences(queue, bases, None)
    return Guide(queue, datasets, preferences, adapters, Exports(settings, queue, adapters, bases))


def step(guide: Guide, person, name: str) -> dict:
    return next(one for one in guide.look(person)["steps"] if one["name"] == name)


def states(guide: Guide, person) -> dict[str, str]:
    return {one["name"]: one["state"] for one in guide.look(person)["steps"]}


def vote(person, project: str, count: int) -> None:
    voting = Voting()
    pairs = voting.next_pairs(person, project, "page", [], count)["pairs"]
    voting.vote(person, project, [sent_vote(pair, "left") for pair in pairs])


def note_reply(person, model: str) -> None:
    """A whole reply of a model, as the Compare tab leaves it."""
    with open_conversations(person.workspace) as conversations:
        conversations.save_setup("talk", [], {})
        conversations.clear("talk")
        conversations.insert_turn("talk", StoredTurn(1, "How much is the mug?", "deed"))
        conversations.save_reply("talk", StoredReply(1, f"model:{model}", "deed", "done", "500 yen.", {}))


def test_an_empty_workspace_begins_with_the_sample(parts, person):
    found = parts.look(person)
    assert found["is_new"] and found["lineage"] is None and not found["hidden"]
    assert [one["name"] for one in found["steps"]] == STEPS
    assert states(parts, person) == dict.fromkeys(STEPS, "later") | {"data": "now"}
    assert step(parts, person, "data")["action"]["name"] == "load_sample"
    assert step(parts, person, "train")["action"] is None, "there is nothing to train on"


def test_a_dataset_without_a_version_asks_for_one(parts, person, tmp_path):
    made = import_file(person.workspace, write_rows(tmp_path / "tea.jsonl", 30))
    data = step(parts, person, "data")
    assert data["state"] == "now" and data["detail"]["code"] == "unsaved" and data["detail"]["values"]["rows"] == 30
    assert data["action"] == {"name": "save_version", "asked": {"dataset": made.dataset_id}}
    assert not parts.look(person)["is_new"]


def test_a_run_at_work_is_watched_and_its_adapter_ends_the_step(parts, person):
    running = WrittenRun(person.workspace, 1)
    train = step(parts, person, "train")
    assert (train["state"], train["action"]) == ("running", {"name": "watch", "asked": {"run": running.id}})
    running.close()
    ended = ended_run(person.workspace, 2)
    train = step(parts, person, "train")
    assert train["state"] == "done"
    assert train["detail"]["values"] == {"name": "shop", "before": "0.600", "after": "0.200"}
    assert step(parts, person, "compare")["action"] == {"name": "compare", "asked": {"run": ended.id}}


def test_a_comparison_counts_also_after_the_conversation_was_cleared(parts, person):
    ended_run(person.workspace)
    assert states(parts, person)["compare"] == "later"
    note_reply(person, "pocket")
    assert states(parts, person)["compare"] == "later", "the base alone is no comparison"
    note_reply(person, f"{person.workspace.name}/shop")
    assert states(parts, person)["compare"] == "done"
    with open_conversations(person.workspace) as conversations:
        conversations.clear("talk")
    assert states(parts, person)["compare"] == "done"
    assert states(parts, person)["compare_again"] == "later", "it was no adapter that learned from pairs"


def test_votes_come_first_then_the_labels_of_the_rest_then_their_rows(parts, person):
    """12 pairs, 6 votes asked: after them 6 labels are left, and all 12 become DPO rows."""
    project = make_project(person, 12)
    assert step(parts, person, "label")["action"]["name"] == "vote"
    vote(person, project, VOTES_ASKED - 1)
    label = step(parts, person, "label")
    assert (label["action"]["name"], label["detail"]["values"]["votes"]) == ("vote", VOTES_ASKED - 1)
    vote(person, project, 1)
    label = step(parts, person, "label")
    assert label["action"] == {"name": "take_labels", "asked": {"project": project, "count": 12 - VOTES_ASKED}}
    assert parts.take_labels(person, project) == 12 - VOTES_ASKED
    assert parts.take_labels(person, project) == 0, "the same click twice takes them once"
    assert step(parts, person, "label")["action"] == {"name": "compile", "asked": {"project": project, "count": 12}}


def test_a_project_of_fewer_pairs_than_votes_are_asked_goes_on(parts, person):
    project = make_project(person, 2)
    vote(person, project, 2)
    assert step(parts, person, "label")["action"]["name"] == "compile"


def test_labels_are_told_apart_from_votes_and_count_for_no_side(parts, person):
    """Reply a of a numbered pair came as the chosen one, reply b as the rejected one."""
    project = make_project(person, 4)
    vote(person, project, 1)
    take_labels(person, project)
    with open_preferences(person.workspace) as preferences:
        events = preferences.votes.log(project, 0, 10)
        counts = preferences.votes.counts(project, person.id)
    assert [event["person"] for event in events] == [person.id, *[LABELLER] * 3]
    assert {event["winner"] for event in events[1:]} == {"a"}
    assert parts._preferences.list(person)[0]["counts"]["labels"] == 3
    assert counts["left"] + counts["right"] == 1 and counts["outcomes"] == {"win": 4}
    assert [line["left"] for line in _log(parts, person, project)][1:] == [None] * 3


def _log(guide: Guide, person, project: str) -> list[dict]:
    _, lines = guide._preferences.votes_file(person, project)
    return [orjson.loads(line) for line in b"".join(lines).splitlines()]


def test_pairs_without_labels_of_their_own_are_left_to_votes(parts, person):
    pair = numbered_pair(1)
    pair = type(pair)(pair.prompt, pair.a, pair.b, {}, {}, split_key=0.9, held_out=False)
    project = make_project(person, [pair])
    assert parts.take_labels(person, project) == 0
    assert step(parts, person, "label")["action"]["name"] == "vote"


def test_nobody_takes_the_labels_of_another(parts, person, settings):
    project = make_project(person, 3)
    other = person_from("another", {}, {}, settings)
    with pytest.raises(NotYours):
        parts.take_labels(other, project)
    assert parts.look(other)["is_new"]


def test_the_chain_leads_from_the_data_to_the_newest_adapter(parts, person):
    run = ended_run(person.workspace)
    (line,) = parts.look(person)["lineage"]["lines"]
    assert [part["kind"] for part in line] == ["dataset", "version", "run", "adapter"]
    assert [part["id"] for part in line] == [None, None, run.id, "shop"], "data that is not there cannot be opened"
    assert LONGEST_CHAIN > 1 and parts.look(person)["lineage"]["more"] == 0


def test_steps_that_are_put_away_stay_so(parts, person):
    parts.hide(person, True)
    parts.hide(person, True)
    assert parts.look(person)["hidden"]
    parts.hide(person, False)
    assert not parts.look(person)["hidden"]


def test_the_sample_is_loaded_once_for_a_deed_and_saved_as_a_version(studio, person):
    """By the app's own jobs: 1,200 conversations as a version, 400 pairs as a project."""
    deed = secrets.token_hex(8)
    job = studio.guide.load_sample(person, deed)
    assert studio.guide.load_sample(person, deed) == job
    assert studio.queue.wait(job, 60).status == "finished"
    dataset = studio.datasets.list(person)[0]["id"]
    saved = studio.guide.save_version(person, secrets.token_hex(8), dataset)
    assert studio.queue.wait(saved, 60).status == "finished"
    assert len(studio.datasets.list(person)) == len(studio.preferences.list(person)) == 1
    data, train = (step(studio.guide, person, name) for name in ("data", "train"))
    assert data["detail"]["values"] == {"name": "Shop conversations", "number": 1, "rows": 1200}
    version = studio.datasets.versions(person)[0]["fingerprint"]
    assert train["state"] == "now" and train["action"]["asked"] == {"version": version, "method": "sft"}
    began = time.monotonic()
    studio.guide.look(person)
    assert time.monotonic() - began < 1.0


def test_the_glossary_explains_each_word_once_in_both_languages():
    terms = list_terms()
    titles = [term["title"]["en"].lower() for term in terms]
    assert len(titles) == len(set(titles))
    wanted = {"loss", "held-out loss", "epochs", "rank", "adapter", "base model", "margin", "reward", "beta", "batch"}
    wanted |= {"learning rate", "token", "chat template", "lora", "qlora", "sft", "dpo", "checkpoint", "export"}
    assert wanted <= set(titles)
    assert all(term["text"][language] for term in terms for language in LANGUAGES)
