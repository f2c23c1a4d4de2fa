"""What a job's function is given: its folder, its options, a way to tell and a way to be stopped."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.events import TERMINAL_KINDS, Event, Progress, Started
from studio.jobs.ending import EVENTS_NAME, STOP_NAME
from studio.jobs.log import RESERVE_NAME, LogWriter
from studio.jobspec import LANE_OF_KIND, JobSpec

PROGRESS_INTERVAL_S = 0.5
STOP_LOOK_S = 0.02


class JobLog:
    """The log of a running job: `started` first, one ending last, nothing after it.

    `guard` keeps the other threads from writing. Progress is written at most twice a second; the latest one kept back goes out before the next other event.
    """

    def __init__(self, folder: Path, versions: Mapping[str, str]) -> None:
        self.folder = folder
        self.spec = JobSpec.model_validate_json((folder / "job.json").read_bytes())
        self.last_kind = "queued"
        self.last_step = 0
        self.last_checkpoint: str | None = None
        self._writer = LogWriter(folder / EVENTS_NAME)
        self.guard = threading.RLock()
        self._ended = threading.Event()
        self._kept_back: Progress | None = None
        self._progress_written_s = 0.0
        device = "device-0" if LANE_OF_KIND[self.spec.kind] == "device" else "cpu"
        self.write(Started(os.getpid(), process_started_s(), device, dict(versions)))

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def write(self, event: Event) -> None:
        """Raises DiskFull. An event after the ending is a mistake of the job's function and raises RuntimeError."""
        with self.guard:
            if self.has_ended:
                raise RuntimeError(f"{event.kind} after the ending")
            if event.kind in TERMINAL_KINDS:
                self.end(event)
                return
            if isinstance(event, Progress) and self._is_too_soon(event):
                self._kept_back = event
                return
            self._flush_progress()
            self._write(event)

    def end(self, event: Event) -> None:
        """Write the ending, unless there is one."""
        with self.guard:
            if self.has_ended:
                return
            self._flush_progress()
            self._write(event)
            self._ended.set()
            (self.folder / RESERVE_NAME).unlink(missing_ok=True)

    def _is_too_soon(self, event: Progress) -> bool:
        if event.done == event.total:
            self._kept_back = None
            return False
        now_s = time.monotonic()
        if now_s - self._progress_written_s < PROGRESS_INTERVAL_S:
            return True
        self._progress_written_s = now_s
        self._kept_back = None
        return False

    def _flush_progress(self) -> None:
        kept, self._kept_back = self._kept_back, None
        if kept:
            self._write(kept)

    def _write(self, event: Event) -> None:
        self._writer.write(event)
        self.last_kind = event.kind
        if event.kind == "step":
            self.last_step = event.step
        elif event.kind == "checkpoint":
            self.last_checkpoint = event.path


class StoppedByPerson(Exception):
    """Somebody asked the job to stop: the transaction it is raised in leaves nothing behind."""


class WorkerJob:
    """One job as its function sees it.

    options: the spec's, to be checked by the model of the kind. workspace: the folder that holds `jobs/`.
    """

    def __init__(self, log: JobLog) -> None:
        self._log = log
        self._looked_s = 0.0
        self._stop = False
        self.folder = log.folder
        self.spec = log.spec
        self.options: dict[str, Any] = log.spec.options
        self.workspace = log.folder.parent.parent
        self.root = self.workspace.parent.parent

    def emit(self, event: Event) -> None:
        """Write an event now, from code that is called back; a generator yields instead."""
        self._log.write(event)

    def should_stop(self) -> bool:
        """Whether somebody asked the job to stop. Cheap enough for every step: looks fifty times a second at most."""
        now_s = time.monotonic()
        if not self._stop and now_s - self._looked_s >= STOP_LOOK_S:
            self._looked_s = now_s
            self._stop = (self.folder / STOP_NAME).exists()
        return self._stop

    def heed_stop(self) -> None:
        """Raises StoppedByPerson once somebody asked the job to stop; for code that is called back."""
        if self.should_stop():
            raise StoppedByPerson


def process_started_s() -> float:
    """When this process started, in seconds of the system's clock since boot; tells a reused pid from the worker."""
    try:
        fields = Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.time()
