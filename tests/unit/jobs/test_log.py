"""The log of a job: whole lines, numbered on, whatever happens to the file."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from studio.errors import DiskFull
from studio.events import Notice, Phase, Progress, Queued, Step
from studio.jobs.log import LogWriter, read_events, read_first_events, read_last_event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def step(number: int, loss: float | None, **extra: float) -> Step:
    return Step(number, 9, 0.5, loss, 1e-4, None, 10, None, None, extra)


def test_events_come_back_with_number_and_time(path: Path):
    log = LogWriter(path)
    log.write(Queued())
    log.write(Phase("training", 5, "steps"))
    events, offset = read_events(path)
    assert [(e["seq"], e["kind"]) for e in events] == [(1, "queued"), (2, "phase")]
    assert events[1]["name"] == "training"
    assert all(e["time"].endswith("Z") for e in events)
    assert offset == path.stat().st_size
    assert read_events(path, offset) == ([], offset)


def test_a_second_writer_numbers_on(path: Path):
    for _ in range(3):
        log = LogWriter(path)
        log.write(Queued())
        log.close()
    assert [e["seq"] for e in read_events(path)[0]] == [1, 2, 3]


def test_an_unfinished_last_line_is_left_for_next_time(path: Path):
    LogWriter(path).write(Queued())
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"seq":2,"kind":"ph')
    events, offset = read_events(path)
    assert (len(events), offset) == (1, len(whole))
    path.write_bytes(whole + b'{"seq":2,"kind":"phase"}\n')
    assert read_events(path, offset)[0] == [{"seq": 2, "kind": "phase"}]


def test_a_torn_line_is_closed_skipped_and_counted(path: Path):
    LogWriter(path).write(Queued())
    with path.open("ab") as log:
        log.write(b'{"seq":2,"kind":"st')
    LogWriter(path).write(Phase("saving"))
    events, offset = read_events(path)
    assert [e["kind"] for e in events] == ["queued", "phase", "notice"]
    assert events[1]["seq"] == 2
    assert (events[2]["code"], events[2]["values"]) == ("log_lines_skipped", {"count": 1})
    assert offset == path.stat().st_size


def test_numbers_that_are_not_finite_become_null_and_are_told_once(path: Path):
    log = LogWriter(path)
    log.write(step(1, float("nan"), margin=float("inf")))
    log.write(step(2, float("nan")))
    events, _ = read_events(path)
    assert [e["kind"] for e in events] == ["step", "notice", "step"]
    assert (events[0]["loss"], events[0]["extra"]) == (None, {"margin": None})
    assert events[1]["values"] == {"kind": "step", "fields": "loss, extra.margin"}
    assert b"NaN" not in path.read_bytes()


def test_numbers_of_other_libraries_are_written_as_numbers(path: Path):
    log = LogWriter(path)
    log.write(step(1, numpy.float32(0.5), count=numpy.int64(3)))
    log.write(step(2, numpy.float32("nan")))
    events, _ = read_events(path)
    assert (events[0]["loss"], events[0]["extra"]) == (0.5, {"count": 3})
    assert (events[1]["loss"], events[2]["code"]) == (None, "nonfinite")


def test_text_of_any_kind_stays_on_its_line(path: Path):
    log = LogWriter(path)
    text = "改行\n\u2028\r\x00 \ud800 終わり"
    log.write(Notice("info", "x", {"text": text}))
    assert read_events(path)[0][0]["values"]["text"] == text.replace("\ud800", "?")


def test_lines_of_several_threads_stay_whole_and_in_order(path: Path):
    log = LogWriter(path)

    def write() -> None:
        for number in range(200):
            log.write(Progress(number, None, "rows"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [e["seq"] for e in read_events(path)[0]] == list(range(1, 801))


def test_a_full_disk_is_an_error_of_its_own(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    path.symlink_to("/dev/full")
    log = LogWriter(path)
    with pytest.raises(DiskFull) as caught:
        log.write(Queued())
    assert caught.value.values["free_bytes"] > 0


def test_the_last_event_is_found_behind_long_lines_and_garbage(path: Path):
    log = LogWriter(path)
    log.write(Phase("training"))
    log.write(Notice("info", "long", {"text": "x" * 300_000}))
    assert read_last_event(path)["code"] == "long"
    with path.open("ab") as file:
        file.write(b"no json\n" + b"{" * 50_000 + b"\n" + b'{"seq":9,"kind":"torn"')
    assert read_last_event(path)["code"] == "long"


def test_a_log_that_is_not_there_is_empty(path: Path):
    assert read_events(path, 7) == ([], 7)
    assert read_last_event(path) is None
    assert read_first_events(path) == []


@settings(max_examples=200, deadline=None)
@given(data=some.binary(max_size=300), cut=some.integers(0, 300))
def test_reading_in_pieces_gives_what_reading_at_once_gives(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int
):
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    whole = b'{"kind":"a"}\n' + data + b'\n{"kind":"b"}\n'
    path.write_bytes(whole[:cut])
    first, offset = read_events(path)
    path.write_bytes(whole)
    second, end = read_events(path, offset)
    at_once, same_end = read_events(path)
    assert end == same_end == len(whole)

    def told(events: list[dict]) -> tuple[list[str], int]:
        skipped = sum(e["values"]["count"] for e in events if e.get("code") == "log_lines_skipped")
        return [json.dumps(e) for e in events if e.get("code") != "log_lines_skipped"], skipped

    together = told(first)[0] + told(second)[0], told(first)[1] + told(second)[1]
    assert together == told(at_once)
