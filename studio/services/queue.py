"""Jobs as a person sees them: submitted once per deed, found, listed, stopped, deleted."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from studio.errors import JobNotFound, RequestRefused
from studio.jobs.folder import JobFolder, JobState, create_job
from studio.jobs.lanes import Lanes
from studio.jobs.launchers import Launcher
from studio.jobs.launchers.local import LocalLauncher
from studio.jobspec import LANE_OF_KIND, JobSpec
from studio.people import Person
from studio.settings import Settings

JOBS = "jobs"
KEEPERS_LOG = "keepers.log"
SLUG_CHARACTERS = 40
TITLE_CHARACTERS = 200
DEED_CHARACTERS = 200
_ID = re.compile(r"\d{8}T\d{9}Z-[a-z_]+-[a-z0-9-]{1,48}", re.ASCII)
_WAIT_POLL_S = 0.01


class Queue:
    """The jobs of every workspace under a root. Thread-safe.

    launcher: how keepers are started; on this machine when not given.
    """

    def __init__(self, settings: Settings, launcher: Launcher | None = None) -> None:
        self._root = settings.root
        launcher = launcher or LocalLauncher(log=settings.root / KEEPERS_LOG)
        self._lanes = Lanes(launcher, settings.root / "devices")
        self._guard = threading.Lock()
        self._folders: dict[Path, JobFolder] = {}
        self._deeds: dict[tuple[Path, str], str] = {}
        self._latest = datetime(2000, 1, 1, tzinfo=UTC)

    @property
    def lease(self) -> Path:
        """The lock file that says who has the device: a job, or the model server."""
        return self._lanes.lease

    def before_device_jobs(self, tell: Callable[[JobFolder], None]) -> None:
        """Have `tell` called whenever a job that needs the device is started; it must not wait."""
        self._lanes.before_device_job = tell

    def give_environment(self, environment_of: Callable[[JobFolder], Mapping[str, str]]) -> None:
        """Have jobs find variables in their environment besides: secrets, which no spec may hold."""
        self._lanes.environment_of = environment_of

    def start(self) -> None:
        """Find the jobs of earlier apps: those that live go on being watched, those that never started start now."""
        for jobs in self._jobs_folders():
            for leftover in [*jobs.glob(".new-*"), *jobs.glob(".deleted-*")]:
                shutil.rmtree(leftover, ignore_errors=True)
        found = list(self.all_jobs())
        with self._guard:
            for folder in found:
                self._deeds[folder.workspace, folder.spec.deed] = folder.id
        self._lanes.start(found)

    def close(self) -> None:
        """Start no more jobs and end the spare. Running jobs go on."""
        self._lanes.close()

    def submit(self, person: Person, kind: str, title: str, options: dict[str, Any], deed: str) -> str:
        """Queue a job and return its id. The same deed in the same workspace gives the same id, and one job.

        Raises RequestRefused for a deed that is none, DiskFull.
        """
        if not isinstance(deed, str) or not 0 < len(deed) <= DEED_CHARACTERS:
            raise RequestRefused()
        with self._guard:
            if known := self._deeds.get((person.workspace, deed)):
                return known
            folder = self._create(person, kind, title, options, deed)
            self._deeds[person.workspace, deed] = folder.id
            self._folders[folder.path] = folder
        self._lanes.add(folder)
        return folder.id

    def find(self, person: Person, job_id: str) -> JobFolder:
        """Raises JobNotFound for an id that is unknown, another workspace's, or no id at all."""
        if not isinstance(job_id, str) or not _ID.fullmatch(job_id):
            raise JobNotFound(job=str(job_id)[:80])
        folder = self._folder(person.workspace / JOBS / job_id)
        if folder is None:
            raise JobNotFound(job=job_id)
        return folder

    def jobs(self, person: Person, kinds: Collection[str] | None = None) -> list[JobFolder]:
        """The person's jobs, newest first."""
        found = [f for f in self._folders_in(person.workspace / JOBS) if kinds is None or f.spec.kind in kinds]
        return sorted(found, key=lambda folder: folder.id, reverse=True)

    def stop(self, person: Person, job_id: str) -> None:
        """Ask a job to stop; one that waits is stopped at once. Raises JobNotFound."""
        self.find(person, job_id).ask_stop()

    def delete(self, person: Person, job_id: str) -> None:
        """Remove a job and all it made; its deed may then be done again. Raises JobNotFound, and JobRunning while it runs."""
        folder = self.find(person, job_id)
        folder.delete()
        with self._guard:
            self._folders.pop(folder.path, None)
            self._deeds.pop((person.workspace, folder.spec.deed), None)

    def forget(self, person: Person) -> None:
        """Drop what is known of a workspace that is gone."""
        with self._guard:
            self._folders = {path: f for path, f in self._folders.items() if not path.is_relative_to(person.workspace)}
            self._deeds = {key: job_id for key, job_id in self._deeds.items() if key[0] != person.workspace}

    def running(self) -> list[JobFolder]:
        """The jobs of all workspaces that have a keeper now."""
        return self._lanes.running()

    def ensure_spare(self) -> None:
        """Keep a worker ready whose imports are done. Safe to call for every page."""
        self._lanes.ensure_spare()

    def wait(self, job_id: str, timeout_s: float) -> JobState:
        """The state of a job once it has ended. Raises TimeoutError, JobNotFound."""
        found = [folder for folder in self.all_jobs() if folder.id == job_id]
        if not found:
            raise JobNotFound(job=job_id)
        deadline = time.monotonic() + timeout_s
        while not (state := found[0].state()).is_ended:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{job_id} is {state.status} after {timeout_s} s; last event: {state.last}")
            time.sleep(_WAIT_POLL_S)
        return state

    def _create(self, person: Person, kind: str, title: str, options: dict[str, Any], deed: str) -> JobFolder:
        # Ids sort by time, also within a millisecond and when the clock is set back.
        now = self._latest = max(datetime.now(UTC), self._latest + timedelta(milliseconds=1))
        stem = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z-{kind}-{slug(title)}"
        for suffix in ("", *(f"-{number}" for number in range(2, 100))):
            spec = JobSpec(
                id=stem + suffix,
                kind=kind,
                lane=LANE_OF_KIND[kind],
                owner=person.id,
                title=title[:TITLE_CHARACTERS],
                created=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                deed=deed,
                options=options,
            )
            try:
                return create_job(spec, person.workspace / JOBS)
            except FileExistsError:
                continue
        raise FileExistsError(stem)

    def _folder(self, path: Path) -> JobFolder | None:
        """The one object of a job's folder, or None when the folder is gone or has no readable spec."""
        if not path.is_dir():
            return None
        with self._guard:
            folder = self._folders.setdefault(path, JobFolder(path))
        try:
            folder.spec  # noqa: B018
        except JobNotFound:
            return None
        return folder

    def _folders_in(self, jobs: Path) -> Iterator[JobFolder]:
        if not jobs.is_dir():
            return
        for path in jobs.iterdir():
            if _ID.fullmatch(path.name) and (folder := self._folder(path)):
                yield folder

    def all_jobs(self) -> Iterator[JobFolder]:
        """The jobs of all workspaces, in no order."""
        for jobs in self._jobs_folders():
            yield from self._folders_in(jobs)

    def _jobs_folders(self) -> list[Path]:
        return [jobs for place in ("people", "teams") for jobs in (self._root / place).glob(f"*/{JOBS}")]


def slug(title: str) -> str:
    """Lower-case ASCII letters, digits and dashes of a title, or six random ones where it has none."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", plain)[:SLUG_CHARACTERS].strip("-")
    return made or secrets.token_hex(3)
