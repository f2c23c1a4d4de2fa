"""A job's folder: what is to be done, how far it is, how it ended."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from studio.errors import DiskFull, JobNotFound, JobRunning
from studio.events import Queued
from studio.jobs.ending import (
    EVENTS_NAME,
    LOCK_NAME,
    OUTPUT_NAME,
    STOP_NAME,
    failed_event,
    has_ended,
    started_event,
    write_lost,
    write_stopped,
)
from studio.jobs.lease import is_locked, take_lock
from studio.jobs.log import FULL_ERRORS, RESERVE_BYTES, RESERVE_NAME, LogWriter, read_last_event
from studio.jobs.tail import TAIL_BYTES, read_tail
from studio.jobspec import JobSpec

Status = Literal["queued", "starting", "running", "stopping", "stopped", "finished", "failed"]
SPEC_NAME = "job.json"
ENDING_WAIT_S = 2.0
"""How long a stop or a delete waits for a lock that is only held for a look or by a keeper about to exit."""


@dataclass(frozen=True)
class JobState:
    """last, started, ended: events of the log as dicts, or None where there is none yet."""

    status: Status
    last: dict[str, Any] | None
    started: dict[str, Any] | None
    ended: dict[str, Any] | None

    @property
    def is_ended(self) -> bool:
        return self.ended is not None

    @property
    def is_running(self) -> bool:
        return self.status in ("starting", "running", "stopping")


class JobFolder:
    """One job. Cheap to make; an ending, once seen, is remembered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self.events_path = path / EVENTS_NAME
        self.result_path = path / "result"
        self.output_path = path / OUTPUT_NAME
        self._ended: JobState | None = None

    @cached_property
    def spec(self) -> JobSpec:
        """Raises JobNotFound when there is no readable spec."""
        try:
            return JobSpec.model_validate_json((self.path / SPEC_NAME).read_bytes())
        except (OSError, ValidationError) as error:
            raise JobNotFound(job=self.id) from error

    @property
    def stop_path(self) -> Path:
        """The file whose being there asks the job to stop, also when no app runs."""
        return self.path / STOP_NAME

    @property
    def workspace(self) -> Path:
        return self.path.parent.parent

    def state(self) -> JobState:
        """How the job stands now. A job that started, has no ending and holds no lock is lost: that is written down."""
        if self._ended:
            return self._ended
        state = self._read_state()
        if state.status in ("running", "stopping") and self._close_if_lost():
            state = self._read_state()
            if not state.is_ended:  # the disk is too full for an ending: say so, and try again at the next look
                ended = failed_event(DiskFull(free_bytes=0)).to_fields()
                return JobState("failed", state.last, state.started, ended)
        if state.is_ended:
            self._ended = state
        return state

    def ask_stop(self) -> None:
        """Ask the job to stop. One that has not started is stopped here and now; an ended one stays as it is."""
        if self.state().is_ended:
            return
        self.stop_path.touch()
        if started_event(self.path):
            return
        lock = take_lock(self.path / LOCK_NAME)
        if lock is None:
            return  # a keeper has it and looks for the file before it starts the work
        try:
            if started_event(self.path) is None:
                write_stopped(self.path)
        finally:
            os.close(lock)

    def give_up(self) -> bool:
        """Write down that the job is lost, unless it has ended. False when a keeper has it."""
        return self._close_if_lost()

    def is_held(self) -> bool:
        """Whether a keeper or a worker is alive for this job. Takes the lock for a moment."""
        return is_locked(self.path / LOCK_NAME)

    def log_tail(self, limit_bytes: int = TAIL_BYTES) -> str:
        return read_tail(self.output_path, limit_bytes)

    def delete(self) -> None:
        """Remove the folder. Raises JobRunning while a keeper or a worker lives."""
        is_live = self.state().status in ("running", "stopping")
        lock = None if is_live else take_lock(self.path / LOCK_NAME, ENDING_WAIT_S)
        if lock is None:
            raise JobRunning(job=self.id)
        try:
            hidden = self.path.with_name(f".deleted-{self.id}")
            self.path.rename(hidden)
        finally:
            os.close(lock)
        shutil.rmtree(hidden, ignore_errors=True)

    def _read_state(self) -> JobState:
        started = started_event(self.path)
        last = read_last_event(self.events_path)
        if has_ended(last):
            return JobState(last["kind"], last, started, last)
        if started is None:
            return JobState("starting" if (self.path / LOCK_NAME).exists() else "queued", last, None, None)
        return JobState("stopping" if self.stop_path.exists() else "running", last, started, None)

    def _close_if_lost(self) -> bool:
        """Whether the job is over by now, after writing the ending that nobody else is left to write."""
        try:
            lock = take_lock(self.path / LOCK_NAME)
        except FileNotFoundError:
            return False
        if lock is None:
            return False
        try:
            write_lost(self.path)
        finally:
            os.close(lock)
        return True


def create_job(spec: JobSpec, jobs: Path) -> JobFolder:
    """A new folder under `jobs`, complete the moment it appears.

    Raises FileExistsError when the id is taken, and DiskFull.
    """
    target = jobs / spec.id
    hidden = jobs / f".new-{spec.id}"
    hidden.mkdir(parents=True)
    try:
        _fill(hidden, spec)
        hidden.rename(target)
    except OSError as error:
        shutil.rmtree(hidden, ignore_errors=True)
        if error.errno in FULL_ERRORS:
            raise DiskFull(free_bytes=shutil.disk_usage(jobs).free) from error
        if target.exists():
            raise FileExistsError(target) from error
        raise
    except DiskFull:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    return JobFolder(target)


def _fill(folder: Path, spec: JobSpec) -> None:
    (folder / SPEC_NAME).write_text(spec.model_dump_json(indent=1), "utf-8")
    (folder / RESERVE_NAME).write_bytes(os.urandom(RESERVE_BYTES))
    log = LogWriter(folder / EVENTS_NAME)
    try:
        log.write(Queued())
    finally:
        log.close()
