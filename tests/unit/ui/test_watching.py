"""What a page that watches a run is told, as the stream says it."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from studio.events import Finished, Phase
from studio.people import person_from
from studio.ui.watching import PACE_S, QUIET_LOOKS, follow_run
from tests.loops import run_apart
from tests.written_runs import WrittenRun


@pytest.fixture
def run(studio, person):
    made = WrittenRun(person.workspace)
    yield made
    made.close()


def read_stream(studio, person, run, cursor=None, after=lambda number: None) -> list[str]:
    """Everything the stream says until it ends; `after` is called with the number of messages so far."""

    async def follow() -> list[str]:
        said = []
        async for message in follow_run(studio, person, run.id, run.folder.events_path, cursor):
            said.append(message)
            after(len(said))
        return said

    return run_apart(asyncio.wait_for(follow(), 60))


def news(message: str) -> dict:
    assert message.startswith("data: ") and message.endswith("\n\n")
    return json.loads(message.removeprefix("data: "))


def test_new_steps_are_told_once_and_the_ending_last(studio, person, run):
    run.step(1)

    def go_on(number: int) -> None:
        if number == 1:
            run.step(2, loss=0.5)
        elif number == 2:
            run.write(Finished(None, 3.0, {}))
            run.close()

    first, second, last, end = read_stream(studio, person, run, after=go_on)
    assert news(first)["points"]["reset"] and news(first)["first"]
    assert news(second)["points"]["lines"]["loss"]["y"] == [0.5]
    assert news(last)["status"] == "finished" and news(last)["points"] is None
    assert end == "event: end\ndata: {}\n\n"


def test_a_phase_is_told_although_no_point_is_new(studio, person, run):
    def go_on(number: int) -> None:
        if number == 1:
            run.write(Phase("saving"))
        else:
            studio.prepare_close()

    messages = read_stream(studio, person, run, after=go_on)
    assert news(messages[1])["facts"]["phase"] == "saving"


def test_a_reader_goes_on_at_its_cursor(studio, person, run):
    run.step(1)
    cursor = studio.live.open(person, run.id)["cursor"]
    run.step(2, loss=0.25)
    run.write(Finished(None, 3.0, {}))
    run.close()
    first = news(read_stream(studio, person, run, cursor)[0])
    assert not first["first"] and first["points"]["lines"]["loss"]["y"] == [0.25]


def test_somebody_elses_run_is_not_there(studio, run):
    other = person_from("bob", {}, {}, studio.settings)
    assert read_stream(studio, other, run) == ["event: gone\ndata: {}\n\n"]


def test_the_app_that_closes_leaves_no_stream_open(studio, person, run):
    assert read_stream(studio, person, run, after=lambda number: studio.prepare_close())[-1].startswith("event: end")


def test_what_did_not_change_is_not_told_again(studio, person, run):
    """The state is read anew every two seconds though the log is quiet; the app closes after that."""
    run.step(1)
    closing = threading.Timer(QUIET_LOOKS * PACE_S + 1.0, studio.prepare_close)
    messages = read_stream(studio, person, run, after=lambda number: number == 1 and closing.start())
    assert len(messages) == 2 and messages[-1].startswith("event: end")
