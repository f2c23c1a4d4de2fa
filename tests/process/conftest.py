"""A studio whose jobs do what their options say, in real processes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from studio.jobs.folder import JobFolder, JobState, create_job
from studio.jobs.launchers.local import LocalLauncher
from studio.jobspec import LANE_OF_KIND, JobSpec
from studio.people import Person
from studio.services.studio import Studio
from studio.settings import Settings
from tests.conftest import end_jobs
from tests.process.served import Served, serve
from tests.process.worker_kinds import MODULE
from tests.processes import wait_for


@pytest.fixture
def launcher(settings: Settings) -> LocalLauncher:
    settings.root.mkdir(parents=True, exist_ok=True)
    return LocalLauncher(MODULE, settings.root / "keepers.log")


@pytest.fixture
def open_studio(settings: Settings, launcher: LocalLauncher, mark: str) -> Iterator[Callable[[], Studio]]:
    """Opens the app's services on the test's root; what it opened is closed, with its jobs ended, after the test."""
    opened: list[Studio] = []

    def build() -> Studio:
        opened.append(Studio(settings, launcher))
        return opened[-1]

    yield build
    if opened:
        end_jobs(opened[-1])
        opened[-1].close()


class Jobs:
    """Submits jobs of one person and waits for them."""

    def __init__(self, studio: Studio, person: Person) -> None:
        self.studio = studio
        self.person = person

    def submit(self, kind: str = "train", **options: Any) -> JobFolder:
        job_id = self.studio.queue.submit(self.person, kind, "A test", options, secrets.token_hex(8))
        return self.studio.queue.find(self.person, job_id)

    def running(self, kind: str = "train", **options: Any) -> JobFolder:
        """A job that has begun its work."""
        folder = self.submit(kind, **{"steps": 4000, **options})
        wait_for(lambda: (folder.state().last or {}).get("kind") in ("step", "checkpoint"))
        return folder

    def ended(self, kind: str = "train", **options: Any) -> JobState:
        return self.wait(self.submit(kind, **options))

    def wait(self, folder: JobFolder) -> JobState:
        return self.studio.queue.wait(folder.id, 60.0)


@pytest.fixture
def jobs(open_studio: Callable[[], Studio], person: Person) -> Jobs:
    return Jobs(open_studio(), person)


@pytest.fixture
def new_job(person: Person) -> Callable[..., JobFolder]:
    """Makes job folders that no scheduler knows of, for tests that start a keeper themselves."""

    def make(kind: str = "train", **options: Any) -> JobFolder:
        spec = JobSpec(
            id=f"20260101T000000000Z-{kind}-{secrets.token_hex(4)}",
            kind=kind,
            lane=LANE_OF_KIND[kind],
            owner=person.id,
            title="A test",
            created="2026-01-01T00:00:00.000Z",
            deed=secrets.token_hex(8),
            options=options,
        )
        return create_job(spec, person.workspace / "jobs")

    return make


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One model server for all tests of a file: loading torch takes longer than any of them."""
    with serve(tmp_path_factory.mktemp("served") / "root") as opened:
        yield opened
