"""What many tests need: a root, settings, a person, the studio, and the real inputs that lie beside the project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import Settings, read_settings

PROJECT = Path(__file__).resolve().parents[1]


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
def studio(settings: Settings) -> Iterator[Studio]:
    opened = Studio(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real inputs: WHETSTONE_DATA, or ../shared/data beside the project."""
    found = Path(os.environ.get("WHETSTONE_DATA") or PROJECT.parent / "shared" / "data")
    if not found.is_dir():
        pytest.skip(f"the real inputs are not here: {found} (set WHETSTONE_DATA)")
    return found
