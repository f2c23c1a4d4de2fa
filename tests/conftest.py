"""What many tests need: a root, settings, a person, the studio, and the real inputs that lie beside the project."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import Settings, read_settings
from tests.processes import MARK, marked_processes, wait_for

PROJECT = Path(__file__).resolve().parents[1]
SHARING = ("browser", "process", "contracts")
"""Folders whose tests share the machine with processes they start."""

LINES = 25
"""Of the first try's report."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In CI, where every test counts on the same two cores, these may try once more: what a first try failed at is told at the end."""
    if os.environ.get("CI") != "true":
        return
    for item in items:
        if any(PROJECT / "tests" / folder in item.path.parents for folder in SHARING):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a first try failed at: a test that passes at the second one still has something to be mended."""
    if tried := terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"RERUN: {len(tried)} first tries failed")
    for report in tried:
        terminalreporter.write_line(f"{report.nodeid} ({report.when})")
        terminalreporter.write_line("\n".join(report.longreprtext.splitlines()[-LINES:]))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def settings(root: Path) -> Settings:
    return read_settings(["--root", str(root), "--port", "0"], {})


@pytest.fixture
def person(settings: Settings) -> Person:
    return person_from(None, {}, {}, settings)


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mark that every process started by the test carries; none may be left at its end."""
    value = uuid.uuid4().hex
    monkeypatch.setenv(MARK, value)
    yield value
    try:
        wait_for(lambda: not marked_processes(value))
    finally:
        for process in (left := marked_processes(value)):
            process.kill()
    assert not left


@pytest.fixture
def studio(settings: Settings, mark: str) -> Iterator[Studio]:
    opened = Studio(settings)
    yield opened
    end_jobs(opened)
    opened.close()


def end_jobs(studio: Studio) -> None:
    """Stop what runs and what waits, and wait until no keeper is left."""
    for folder in [f for f in studio.queue.all_jobs() if not f.state().is_ended]:
        folder.ask_stop()
    wait_for(lambda: not studio.queue.running())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real inputs: WHETSTONE_DATA, or ../shared/data beside the project."""
    found = Path(os.environ.get("WHETSTONE_DATA") or PROJECT.parent / "shared" / "data")
    if not found.is_dir():
        pytest.skip(f"the real inputs are not here: {found} (set WHETSTONE_DATA)")
    return found
