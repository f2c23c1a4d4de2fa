"""The jobs that ask the Hub for a dataset: what it holds, and one split of it as a file that can be imported."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from studio.data.hub_datasets import HubDataset, HubSplit, cached_bytes
from studio.data.hub_datasets import fetch as fetch_split
from studio.data.hub_datasets import look as look_at
from studio.errors import DiskFull, StudioError
from studio.events import Event, Finished, Phase, Progress, Stopped
from studio.worker.context import WorkerJob

FOUND_NAME = "found.json"
LOOK_S = 0.5
CACHE_NAME = "dataset_cache"
_CACHES = {
    "HF_HOME": "",
    "HF_HUB_CACHE": "hub",
    "HF_XET_CACHE": "xet",
    "HF_DATASETS_CACHE": "datasets",
    "HF_DATASETS_DOWNLOADED_DATASETS_PATH": "downloads",
}


class LookSpec(BaseModel):
    """repo: "organisation/name". with_account: the token of whoever runs the app may be used."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    repo: str = Field(max_length=200)
    with_account: bool


class FetchSpec(BaseModel):
    """found: what a look found, with the one split that is wanted. upload: the file's name under uploads/."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    found: dict[str, Any]
    upload: str = Field(pattern=r"^[0-9a-f]{32}$")
    with_account: bool


def look(job: WorkerJob) -> Iterator[Event]:
    """Leaves what was found in the result folder. Raises NameUnsafe, HubRefused, HubDatasetUnfit, HubUnreachable."""
    began_s = time.monotonic()
    spec = LookSpec.model_validate(job.options)
    choose_cache(job, spec.with_account)
    yield Phase("asking_hub")
    found = look_at(spec.repo, spec.with_account)
    folder = job.folder / "result"
    folder.mkdir(exist_ok=True)
    part = folder / f"{FOUND_NAME}.part"
    part.write_bytes(orjson.dumps(found.to_json()))
    part.replace(folder / FOUND_NAME)
    yield Finished(FOUND_NAME, time.monotonic() - began_s, {"splits": len(found.splits)})


def fetch(job: WorkerJob) -> Iterator[Event]:
    """The rows of the split as Parquet under uploads/. A stop keeps what the cache has; asked again it goes on there.

    Raises what `look` raises, and DiskFull.
    """
    began_s = time.monotonic()
    spec = FetchSpec.model_validate(job.options)
    found = HubDataset.from_json(spec.found)
    (split,) = found.splits
    choose_cache(job, spec.with_account)
    uploads = job.workspace / "uploads"
    uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Once as it comes, once as Arrow in the cache, once as the file that is imported.
    if 3 * split.bytes > (free := shutil.disk_usage(uploads).free):
        raise DiskFull(free_bytes=free)
    yield Phase("downloading", split.bytes, "bytes")
    part = uploads / f"{spec.upload}.part"
    fetching = _Fetching(found, split, part, spec.with_account)
    before = cached_bytes(found.repo)
    fetching.start()
    try:
        while fetching.is_alive():
            fetching.join(LOOK_S)
            if job.should_stop():
                yield Stopped(0)
                return
            yield Progress(min(max(cached_bytes(found.repo) - before, 0), split.bytes), split.bytes, "bytes")
        if fetching.error:
            raise fetching.error
        part.replace(uploads / spec.upload)
    finally:
        part.unlink(missing_ok=True)
    yield Finished(spec.upload, time.monotonic() - began_s, {"rows": fetching.rows})


def choose_cache(job: WorkerJob, with_account: bool) -> None:
    """Whoever may not use the account may not read what was once fetched with it: they share a cache of the app's own.

    Called before the first import of the hub's libraries, which read these variables once. A file that lies in a cache
    is handed out by them without asking the hub whether this person may have it.
    """
    if not with_account:
        os.environ.update({name: str(job.root / CACHE_NAME / folder) for name, folder in _CACHES.items()})


class _Fetching(threading.Thread):
    """Fetches beside the loop that tells how far it is. A daemon: the worker's end does not wait for it."""

    def __init__(self, found: HubDataset, split: HubSplit, target: Path, with_account: bool) -> None:
        super().__init__(daemon=True)
        self._asked = (found, split, target, with_account)
        self.rows = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.rows = fetch_split(*self._asked)
        except (StudioError, OSError, ValueError, RuntimeError, LookupError, TypeError) as error:
            self.error = error
