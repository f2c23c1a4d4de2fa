"""The download job: a base model from the Hugging Face Hub, only the files that training needs."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from studio.errors import DiskFull, StudioError
from studio.events import Event, Finished, Phase, Progress, Stopped
from studio.models.catalogue import hub_folder, read_base_folder
from studio.models.hub import HubFiles, fetch_file, read_hub_files
from studio.worker.context import WorkerJob

LOOK_S = 0.5


class DownloadSpec(BaseModel):
    """repo: "organisation/name" on the hub."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    repo: Annotated[str, StringConstraints(max_length=140)]


def run(job: WorkerJob) -> Iterator[Event]:
    """Fetches into a part folder that takes its name when all files are there and can be read as a base.

    A stop keeps what was fetched; the next download of the same name goes on from there. Raises RemoteError,
    WeightsUnsafe, DiskFull.
    """
    began = time.perf_counter()
    repo = DownloadSpec.model_validate(job.options).repo
    found = read_hub_files(repo)
    final = hub_folder(job.root / "hub", repo)
    part = final.with_name(f".{final.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(part).free
    if found.bytes > free + _size(part):
        raise DiskFull(free_bytes=free)
    yield Phase("downloading", found.bytes, "bytes")
    fetching = _Fetching(found, part)
    fetching.start()
    while fetching.is_alive():
        fetching.join(LOOK_S)
        if job.should_stop():
            yield Stopped(0)
            return
        yield Progress(min(_size(part), found.bytes), found.bytes, "bytes")
    if fetching.error:
        raise fetching.error
    shutil.rmtree(part / ".cache", ignore_errors=True)
    base = read_base_folder(f"hub:{repo}", part)
    shutil.rmtree(final, ignore_errors=True)
    part.rename(final)
    yield Finished(base.id, time.perf_counter() - began, {"bytes": found.bytes, "parameters": base.parameters})


class _Fetching(threading.Thread):
    """Fetches the files one after the other. A daemon: the worker's end does not wait for it."""

    def __init__(self, found: HubFiles, folder: Path) -> None:
        super().__init__(daemon=True)
        self.found, self.folder = found, folder
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            for name in self.found.names:
                fetch_file(self.found, name, self.folder)
        except (OSError, ValueError, RuntimeError, StudioError) as error:
            self.error = error


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
