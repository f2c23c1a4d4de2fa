"""The Preferences tab over real HTTP: every function and file of it belongs to one person and checks what it is sent."""

from __future__ import annotations

import json

import pytest

from studio.people import person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from studio.ui.app import build_app, serve
from studio.ui.login import Logins
from tests.preference_projects import make_project, sent_vote
from tests.unit.ui.test_downloads import PASSWORD, session

PAIRS, PROJECTS = "preference-pairs", "preference-projects"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """An app with two people; ann has a project."""
    folder = tmp_path_factory.mktemp("preferences")
    for name in ("ann", "bob"):
        Logins(folder / "logins.json").write(name, PASSWORD)
    settings = read_settings(
        ["--root", str(folder / "root"), "--port", "0", "--login", str(folder / "logins.json")], {}
    )
    project = make_project(person_from("ann", {}, {}, settings), name='お店 "1"')
    studio = Studio(settings)
    demo = build_app(studio)
    yield serve(demo, studio), demo, project
    demo.close(verbose=False)
    studio.close()


def call(client, demo, elem_id: str, name: str, argument: dict, origin: str | None = None) -> dict:
    component = next(block._id for block in demo.blocks.values() if block.elem_id == elem_id)
    body = {"data": {"name": name, "argument": argument}, "component_id": component, "fn_name": "ws_call"}
    headers = {"origin": origin} if origin else {}
    return client.post("gradio_api/component_server/", json=body | {"session_hash": "test"}, headers=headers).json()


def calls_on(project: str) -> list[tuple[str, str, dict]]:
    """Every function that names a project, as a page would call it."""
    given = {"project": project}
    return [
        (PAIRS, "next", given | {"page": "p", "held": [], "want": 3}),
        (PAIRS, "vote", given | {"votes": [sent_vote({"pair_id": 1}, "left")]}),
        (PAIRS, "undo_last", given | {"page": "p", "id": "0123456789abcdef"}),
        (PAIRS, "guideline", given | {"guideline": {"prefer": "mine"}}),
        (PAIRS, "offer_skipped", given | {"deed": "0123456789abcdef"}),
        (PROJECTS, "rename", given | {"name": "mine"}),
        (PROJECTS, "depends", given),
        (PROJECTS, "compile", given | {"base": "pocket", "max_length": 100, "deed": "d"}),
        (PROJECTS, "write", given),
        (PROJECTS, "stop", given),
        (PROJECTS, "remove", given),
    ]


def test_another_person_reaches_nothing_of_a_project(guarded):
    address, demo, project = guarded
    with session(address, "bob") as bob:
        assert call(bob, demo, PROJECTS, "list", {})["value"]["projects"] == []
        for elem_id, name, argument in calls_on(project):
            reply = call(bob, demo, elem_id, name, argument, address.rstrip("/"))
            assert (reply["ok"], reply["code"]) == (False, "NotYours"), name
        for what in ("votes", "kto"):
            assert bob.get(f"whetstone/preferences/{project}/{what}.jsonl").status_code == 404
    with session(address, "ann") as ann:
        (info,) = call(ann, demo, PROJECTS, "list", {})["value"]["projects"]
        assert (info["name"], info["counts"]["votes"], info["guideline"]["prefer"]) == (
            'お店 "1"', 0, "Prefer the polite one.",
        )  # fmt: skip


def test_what_changes_something_is_refused_without_a_page_of_ours(guarded):
    address, demo, project = guarded
    with session(address, "ann") as ann:
        for elem_id, name, argument in calls_on(project):
            if name not in ("next", "depends"):
                reply = call(ann, demo, elem_id, name, argument)
                assert (reply["ok"], reply["code"]) == (False, "RequestRefused"), name
        assert len(call(ann, demo, PROJECTS, "list", {})["value"]["projects"]) == 1


@pytest.mark.parametrize("project", ["", "p-", "../../bob", "p-0000000000000000", 7, None, ["p"], "p-" + "0" * 10**5])
def test_a_project_that_is_none_is_refused(guarded, project):
    address, demo, _ = guarded
    with session(address, "ann") as ann:
        for elem_id, name, argument in calls_on("x"):
            reply = call(ann, demo, elem_id, name, argument | {"project": project}, address.rstrip("/"))
            assert not reply["ok"], name
            assert reply["code"] in ("RequestRefused", "NotYours"), name


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("next", {"held": "all"}),
        ("next", {"held": [1.5]}),
        ("next", {"held": list(range(10_000))}),
        ("next", {"want": "3"}),
        ("next", {"page": None}),
        ("vote", {"votes": {}}),
        ("vote", {"votes": [[]]}),
        ("vote", {"votes": [None]}),
        ("vote", {"votes": [{}] * 1000}),
        ("guideline", {"guideline": []}),
    ],
)
def test_arguments_of_another_kind_are_refused(guarded, name, changed):
    address, demo, project = guarded
    argument = next(argument for _, found, argument in calls_on(project) if found == name) | changed
    with session(address, "ann") as ann:
        assert call(ann, demo, PAIRS, name, argument, address.rstrip("/"))["code"] == "RequestRefused"


def test_votes_come_as_a_file_under_the_projects_name(guarded):
    address, demo, project = guarded
    with session(address, "ann") as ann:
        asked = {"project": project, "page": "p", "held": [], "want": 2}
        pairs = call(ann, demo, PAIRS, "next", asked)["value"]["pairs"]
        votes = [sent_vote(pair, "left") for pair in pairs]
        saved = call(ann, demo, PAIRS, "vote", {"project": project, "votes": votes}, address.rstrip("/"))
        assert len(saved["value"]["saved"]) == 2
        reply = ann.get(f"whetstone/preferences/{project}/votes.jsonl")
        assert [json.loads(line)["event"] for line in reply.text.splitlines()] == [vote["id"] for vote in votes]
        assert reply.headers["content-disposition"].startswith("attachment; filename=")
        assert "%E3%81%8A%E5%BA%97" in reply.headers["content-disposition"]
        assert len(ann.get(f"whetstone/preferences/{project}/kto.jsonl").text.splitlines()) == 4
        assert ann.get(f"whetstone/preferences/{project}/others.jsonl").status_code == 404
