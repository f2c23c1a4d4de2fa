"""A root with a version to train on, made through the services as the page makes it, and runs in it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from tests.bench.application import wait_until

SAMPLE_ROWS = 1200


@contextmanager
def prepared_root() -> Iterator[Path]:
    """A root whose workspace `local` holds one saved version of the shipped sample of 1,200 rows."""
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch:
        root = Path(scratch) / "root"
        with opened(root) as (studio, person):
            sample = next(s for s in studio.datasets.samples(person) if s["rows"] == SAMPLE_ROWS)
            finish(studio, studio.datasets.import_sample(person, deed(), sample["id"]))
            dataset = studio.datasets.list(person)[0]["id"]
            finish(studio, studio.datasets.save_version(person, dataset, deed(), ""))
        yield root


@contextmanager
def opened(root: Path) -> Iterator[tuple[Studio, Person]]:
    """The services on a root, without a page. Closed before an app may open the same root."""
    settings = read_settings(["--root", str(root), "--lang", "en"], {})
    studio = Studio(settings)
    try:
        yield studio, person_from(None, {}, {}, settings)
    finally:
        studio.close()


def finish(studio: Studio, job_id: str, limit_s: float = 120) -> Any:
    """Wait for a job; raises RuntimeError with its last event unless it finished."""
    state = studio.queue.wait(job_id, limit_s)
    if state.status != "finished":
        raise RuntimeError(f"{job_id}: {state.last}")
    return state


def deed() -> str:
    return secrets.token_hex(8)


@contextmanager
def long_run(root: Path, epochs: int = 100) -> Iterator[Path]:
    """The folder of a run of the pocket model that trains for minutes; stopped when the block is left.

    Started without a page and left running, as when the app is stopped: an app that opens the root finds it live.
    """
    with opened(root) as (studio, person):
        chosen = choices(studio, person, epochs)
        wait_until(lambda: studio.runs.preview(person, chosen)["status"] == "ready", 120, every_s=0.2)
        job = studio.runs.start(person, deed(), chosen)
        folder = studio.queue.find(person, job)
    try:
        yield folder.path
    finally:
        folder.ask_stop()


def choices(studio: Studio, person: Person, epochs: int) -> dict[str, Any]:
    """What the form sends for the first version and the pocket model: its own defaults but for the epochs."""
    version = studio.datasets.versions(person)[0]["fingerprint"]
    chosen = {"base": "pocket", "version": version, "method": "sft", "adapter": "lora"}
    return chosen | {"settings": {"epochs": epochs}, "prompts": [], "title": "bench"}
