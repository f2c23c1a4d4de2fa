"""Candidate replies of the pocket model through the real model server: as they come, stopped, gone on with."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from studio.errors import ModelNotFound, NotYours, OptionsInvalid, RequestRefused
from studio.models.catalogue import POCKET
from studio.people import person_from
from studio.services.candidates import KIND
from studio.store.preferences import open_preferences
from studio.worker.replies import seed_of
from tests.preference_projects import make_project, numbered_pair
from tests.process.serving_kills import kill_server
from tests.processes import wait_for

WAIT_S = 120.0
COLUMNS = [{"kind": "model", "id": POCKET, "temperature": temperature} for temperature in (0.7, 1.1)]
TEXT = "How much is a teapot?\n\n  Where is my order 12?  \nHow much is a teapot?\n茶碗はいくらですか。\n"


def pasted(studio, person, **changed) -> str:
    asked = {"kind": "pasted", "text": TEXT, "columns": COLUMNS, "max_tokens": 24, "name": "Pasted"} | changed
    return studio.preferences.create(person, "deed", asked)


def pairs_of(person, project) -> list:
    with open_preferences(person.workspace) as preferences:
        count = preferences.counts(project)["pairs"]
        rows = preferences._sql.execute("SELECT pair_id FROM pairs WHERE project_id = ?", (project,))
        pairs = [preferences.pair(project, row[0]) for row in rows]
    assert len(pairs) == count
    return pairs


def test_prompts_get_two_replies_each_and_a_stop_keeps_what_is_complete(studio, person):
    """Three prompts, one of them given twice. A second start has nothing to do."""
    project = pasted(studio, person)
    (info,) = studio.preferences.list(person)
    assert (info["pairs"], info["unfinished"], info["open"]) == (3, 3, 0)
    assert info["source"]["left_out"] == {"repeated": 1}
    studio.candidates.start(person, project)
    wait_for(lambda: not studio.candidates.state(person, project)["writing"], WAIT_S)
    assert studio.candidates.state(person, project) == {"writing": False, "trouble": None}
    pairs = pairs_of(person, project)
    assert [pair.prompt[0]["content"] for pair in pairs] == [
        "How much is a teapot?", "Where is my order 12?", "茶碗はいくらですか。",
    ]  # fmt: skip
    for pair in pairs:
        assert pair.a and pair.b
        assert (pair.origin_a["id"], pair.origin_a["temperature"], pair.origin_b["temperature"]) == (POCKET, 0.7, 1.1)
        assert pair.origin_a["seed"] == seed_of(_seed(person, project), pair.pair_id, "a")
        assert pair.origin_a["seed"] != pair.origin_b["seed"]
    studio.candidates.start(person, project)
    assert pairs_of(person, project) == pairs


def _seed(person, project) -> str:
    with open_preferences(person.workspace) as preferences:
        return preferences.project(project).seed


def test_writing_that_was_stopped_goes_on_where_it_was(studio, person):
    """Each reply has its own seed: what is written after a stop is what would have been written without it."""
    project = pasted(studio, person, text="\n".join(f"Question {n}?" for n in range(40)), max_tokens=48)
    studio.candidates.start(person, project)
    wait_for(lambda: any(pair.a for pair in pairs_of(person, project)), WAIT_S)
    studio.candidates.stop(person, project)
    wait_for(lambda: not studio.candidates.state(person, project)["writing"], WAIT_S)
    stopped = {pair.pair_id: (pair.a, pair.b) for pair in pairs_of(person, project)}
    assert any(None in sides for sides in stopped.values()), "forty prompts are not answered before the stop"
    studio.candidates.start(person, project)
    wait_for(lambda: not studio.candidates.state(person, project)["writing"], WAIT_S)
    for pair in pairs_of(person, project):
        assert pair.a is not None
        assert pair.b is not None
        assert all(before in (None, now) for before, now in zip(stopped[pair.pair_id], (pair.a, pair.b), strict=True))


def _writing(studio, person, project):
    """The project's job, once it has written a reply, with most of them still to come."""
    studio.candidates.start(person, project)
    wait_for(lambda: any(pair.a for pair in pairs_of(person, project)), WAIT_S)
    return studio.queue.jobs(person, [KIND])[0]


def _written(person, project) -> int:
    return sum((pair.a is not None) + (pair.b is not None) for pair in pairs_of(person, project))


def test_a_killed_writer_is_told_and_what_it_wrote_is_kept(studio, person):
    project = pasted(studio, person, text="\n".join(f"Question {n}?" for n in range(40)), max_tokens=48)
    job = _writing(studio, person, project)
    assert studio.candidates.start(person, project) == job.id, "a second click is the same job"
    os.kill(job.state().started["pid"], signal.SIGKILL)
    wait_for(lambda: not studio.candidates.state(person, project)["writing"], WAIT_S)
    state = studio.candidates.state(person, project)
    assert "SIGKILL" in state["trouble"]["message"]
    before = _written(person, project)
    assert 0 < before < 80
    assert studio.candidates.start(person, project) != job.id
    wait_for(lambda: _written(person, project) == 80, WAIT_S)


def test_writing_goes_on_with_the_server_that_came_after_a_crash(studio, person):
    project = pasted(studio, person, text="\n".join(f"Question {n}?" for n in range(24)), max_tokens=48)
    _writing(studio, person, project)
    kill_server(studio)
    wait_for(lambda: not studio.candidates.state(person, project)["writing"], WAIT_S)
    assert studio.candidates.state(person, project)["trouble"] is None
    assert _written(person, project) == 48


def test_the_token_of_a_job_lies_in_no_file(studio, person):
    project = pasted(studio, person)
    job = _writing(studio, person, project)
    environment = Path(f"/proc/{job.state().started['pid']}/environ").read_bytes()
    token = studio.server.token_for(person).encode()
    assert b"WHETSTONE_JOB_TOKEN=" + token in environment.split(b"\0")
    secret = studio.server.ensure().token.encode()
    assert secret not in environment, "the app's own token stays with the app"
    wait_for(lambda: not studio.candidates.state(person, project)["writing"], WAIT_S)
    files = [path for path in studio.settings.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files and not [path for path in files if token in path.read_bytes() or secret in path.read_bytes()]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"columns": COLUMNS[:1]}, RequestRefused),
        ({"columns": "both"}, RequestRefused),
        ({"columns": [{}, {}]}, (RequestRefused, OptionsInvalid, ModelNotFound)),
        ({"columns": [COLUMNS[0], {"kind": "model", "id": "bob/plain", "temperature": 1.0}]}, ModelNotFound),
        ({"columns": [COLUMNS[0] | {"temperature": 9}] * 2}, OptionsInvalid),
        ({"columns": [COLUMNS[0] | {"temperature": 0}] * 2}, OptionsInvalid),
        ({"max_tokens": 10**9}, OptionsInvalid),
        ({"text": None}, RequestRefused),
        ({"text": "x" * 200_001}, RequestRefused),
    ],
)
def test_what_nobody_could_write_is_refused(studio, person, changed, error):
    with pytest.raises(error):
        pasted(studio, person, **changed)
    assert studio.preferences.list(person) == []


def test_imported_pairs_have_nobody_to_write_them_and_strangers_start_nothing(studio, person):
    project = make_project(person, [numbered_pair(1, b=None)])
    with pytest.raises(RequestRefused):
        studio.candidates.start(person, project)
    with pytest.raises(NotYours):
        studio.candidates.start(person_from("eve", {}, {}, studio.settings), project)
