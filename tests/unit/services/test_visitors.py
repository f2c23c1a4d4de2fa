"""What a visitor of a Space left goes once they have been away long enough, and nothing else does."""

from __future__ import annotations

import json

import pytest

from studio.events import Finished
from studio.people import Person, person_from, visitor_identity
from studio.services.studio import Studio
from studio.services.visitors import Visitors
from studio.settings import read_settings
from tests.written_runs import WrittenRun

HOUR_S = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def space(root, mark):
    settings = read_settings(["--root", str(root), "--port", "0", "--host", "127.0.0.1"], {"SPACE_ID": "a/b"})
    opened = Studio(settings)
    yield opened
    opened.close()


@pytest.fixture
def visitors(space, clock) -> Visitors:
    """Driven by the test: its own clock, no thread."""
    forget = (space.queue.forget, space.compare.forget)
    return Visitors(space.settings, space.queue, forget, clock)


def make_visitor(space, number: int) -> Person:
    person = person_from(None, {}, {}, space.settings, visitor_identity(f"{number:032x}"))
    run = WrittenRun(person.workspace, number)
    run.write(Finished(None, 3.0, {}))
    run.close()
    return person


def test_a_workspace_goes_hours_after_its_visitor_was_last_here(space, visitors, clock):
    old, new = make_visitor(space, 1), make_visitor(space, 2)
    for person in (old, new):
        visitors.note(person.id)
    clock.now += 5 * HOUR_S
    visitors.note(new.id)
    assert visitors.clean_up() == []
    clock.now += 1 * HOUR_S + 1
    assert visitors.clean_up() == [old.id]
    assert not old.workspace.exists() and new.workspace.exists()
    assert space.queue.jobs(old) == [] and len(space.queue.jobs(new)) == 1


def test_nothing_but_a_visitors_workspace_is_touched(space, visitors, clock):
    """Accounts, logins of an earlier life of the root, and folders that only look like a visitor's."""
    visitor = make_visitor(space, 1)
    people = space.settings.root / "people"
    others = [
        "ann",
        "hf-65b2",
        "local",
        "visitor-ann",
        f"visitor-{'0' * 31}",
        f"visitor-{'G' * 32}",
        f"visitor-{'0' * 33}",
    ]
    for name in others:
        (people / name).mkdir()
        (people / name / "studio.db").write_text("kept")
    clock.now += 1000 * HOUR_S
    assert visitors.clean_up() == [visitor.id]
    assert sorted(path.name for path in people.iterdir()) == sorted(others)
    assert all((people / name / "studio.db").read_text() == "kept" for name in others)
    assert not list(space.settings.root.glob(".visitor-*"))


def test_what_still_runs_keeps_its_visitors_workspace(space, visitors, clock):
    person = person_from(None, {}, {}, space.settings, visitor_identity("a" * 32))
    run = WrittenRun(person.workspace)
    visitors.note(person.id)
    clock.now += 100 * HOUR_S
    assert visitors.clean_up() == []
    run.write(Finished(None, 3.0, {}))
    run.close()
    assert visitors.clean_up() == [person.id]


def test_the_last_visit_outlives_the_app(space, visitors, clock):
    person = make_visitor(space, 1)
    visitors.note(person.id)
    assert json.loads((person.workspace / "visitor.json").read_text()) == {"format": 1, "seen": round(clock.now)}
    forget = (space.queue.forget,)
    again = Visitors(space.settings, space.queue, forget, clock)
    clock.now += 5 * HOUR_S
    assert again.clean_up() == []
    clock.now += 2 * HOUR_S
    assert again.clean_up() == [person.id]


def test_who_comes_back_after_the_removal_finds_an_empty_workspace(space, visitors, clock):
    person = make_visitor(space, 1)
    space.compare.set_settings(person, {"max_tokens": 7})
    visitors.note(person.id)
    clock.now += 7 * HOUR_S
    assert visitors.clean_up() == [person.id]
    assert space.queue.jobs(person) == [] and space.datasets.list(person) == []
    assert space.compare.snapshot(person)["setup"]["settings"]["max_tokens"] != 7


def test_where_no_visitors_come_nothing_looks_for_them(settings, mark):
    opened = Studio(settings)
    try:
        assert not opened.visitors._thread.is_alive()
    finally:
        opened.close()
