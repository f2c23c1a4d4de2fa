"""The ending of a job, written under its lock by whoever is there to write it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from studio.errors import DiskFull, JobLost, StudioError, WorkerLost
from studio.events import TERMINAL_KINDS, Event, Failed, Notice, Stopped
from studio.jobs.log import RESERVE_NAME, LogWriter, read_events, read_first_events, read_last_event
from studio.jobs.tail import read_tail

EVENTS_NAME = "events.jsonl"
OUTPUT_NAME = "output.log"
LOCK_NAME = "lock"
STOP_NAME = "stop"


def failed_event(error: StudioError) -> Failed:
    """The event of an error, in English for the log; a page words it again from the code."""
    return Failed(error.code, error.message("en"), error.hint("en"), error.values)


def has_ended(event: dict[str, Any] | None) -> bool:
    return event is not None and event["kind"] in TERMINAL_KINDS


def started_event(folder: Path) -> dict[str, Any] | None:
    """The `started` of a job's log, or None. Only `queued` and a keeper's notices stand before it."""
    return next((event for event in read_first_events(folder / EVENTS_NAME) if event["kind"] == "started"), None)


def write_ending_of_worker(folder: Path, exit_code: int | None, signal_number: int | None, forced: bool) -> None:
    """Say how the worker ended, unless it said so itself. The caller holds the job's lock.

    forced: the worker was ended on purpose because it did not stop within its grace.
    """
    last = read_last_event(folder / EVENTS_NAME)
    if has_ended(last):
        return
    signal_name = name_of_signal(signal_number)
    if forced:
        write_stopped(folder, Notice("warning", "stop_forced", {"signal": signal_name}))
        return
    values = {"exit_code": exit_code, "signal": signal_name, **_traces(folder, last)}
    _write(folder, failed_event(WorkerLost(**values)))


def write_lost(folder: Path) -> None:
    """Say that worker and keeper are both gone and nobody saw how. The caller holds the job's lock."""
    last = read_last_event(folder / EVENTS_NAME)
    if not has_ended(last):
        _write(folder, failed_event(JobLost(**_traces(folder, last))))


def write_stopped(folder: Path, *before: Event) -> None:
    """Say that the job was stopped, with the last step and checkpoint it wrote. The caller holds the job's lock."""
    events, _ = read_events(folder / EVENTS_NAME)
    step = next((e["step"] for e in reversed(events) if e["kind"] == "step"), 0)
    checkpoint = next((e["path"] for e in reversed(events) if e["kind"] == "checkpoint"), None)
    _write(folder, *before, Stopped(step, checkpoint))


def name_of_signal(number: int | None) -> str | None:
    """9 → SIGKILL; a number without a name is shown as it is."""
    if number is None:
        return None
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _traces(folder: Path, last: dict[str, Any] | None) -> dict[str, Any]:
    return {"last_event": last["kind"] if last else None, "log_tail": read_tail(folder / OUTPUT_NAME)}


def _write(folder: Path, *events: Event) -> None:
    log = LogWriter(folder / EVENTS_NAME)
    try:
        for event in events:
            log.write(event)
    except DiskFull:
        # Nothing more can be said here. The log stays without an ending, and the next look tries again.
        return
    finally:
        log.close()
    (folder / RESERVE_NAME).unlink(missing_ok=True)
