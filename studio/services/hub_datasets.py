"""Datasets of the Hugging Face Hub as the import dialog uses them: looked at, fetched by a click, then imported."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import orjson

from studio.data.hub_access import is_dataset_name
from studio.data.hub_datasets import HubDataset
from studio.errors import FileTooLarge, NameUnsafe, NotYours
from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.settings import Settings

LOOK, FETCH = "look_dataset", "fetch_dataset"
_FOUND_NAME = "found.json"
_UNUSUAL = re.compile(r"[^\w.-]+")
LONGEST_PART = 24
"""Three of them make the name of a dataset."""


class HubDatasets:
    """The hub is asked by jobs of their own, and never without a click."""

    def __init__(self, settings: Settings, queue: Queue, datasets: Datasets) -> None:
        self._settings = settings
        self._queue = queue
        self._datasets = datasets

    def look(self, person: Person, deed: str, repo: str) -> str:
        """Queue a look at what a dataset holds; the job's id. Raises NameUnsafe."""
        if not is_dataset_name(repo):
            raise NameUnsafe(name=str(repo)[:80])
        # The operator's token opens private datasets: it is used only where nobody else is served.
        options = {"repo": repo, "with_account": self._settings.is_alone}
        return self._queue.submit(person, LOOK, repo, options, deed)

    def found(self, person: Person, look_id: str) -> dict[str, Any]:
        """{"repo", "licence", "is_cached", "configs_left_out", "splits": [{"config", "name", "rows", "bytes"}]}."""
        found = self._found(person, look_id)
        return {
            "repo": found.repo,
            "licence": found.licence,
            "is_cached": found.is_cached,
            "configs_left_out": found.configs_left_out,
            "splits": [
                {name: getattr(split, name) for name in ("config", "name", "rows", "bytes")} for split in found.splits
            ],
        }

    def fetch(self, person: Person, deed: str, look_id: str, config: str, split_name: str) -> str:
        """Queue the download of one split that was shown; the job's id. Raises NotYours, FileTooLarge."""
        found = self._found(person, look_id)
        split = found.find(config, split_name)
        if split is None:
            raise NotYours(what="upload")
        limit = self._settings.upload_limit_bytes
        if split.bytes > limit:
            raise FileTooLarge(file=f"{found.repo} ({split_name})", bytes=split.bytes, limit_bytes=limit)
        wanted = HubDataset(found.repo, found.revision, found.licence, (split,))
        upload = hashlib.blake2b(f"{FETCH}|{deed}".encode(), digest_size=16).hexdigest()
        options = {"found": wanted.to_json(), "upload": upload, "with_account": self._settings.is_alone}
        return self._queue.submit(person, FETCH, found.repo, options, deed)

    def fetched(self, person: Person, fetch_id: str) -> tuple[Path, str]:
        """The file of a fetch that has ended well, and the name it is shown under. Raises NotYours where there is none."""
        upload, file_name = self._kept(person, fetch_id)
        path = person.workspace / "uploads" / upload
        if not path.is_file():
            raise NotYours(what="upload")
        return path, file_name

    def start_import(self, person: Person, deed: str, fetch_id: str, name: str | None, choices: dict[str, Any]) -> str:
        """Queue the import of what was fetched; the job's id. Raises as `Imports.import_fetched` does."""
        return self._datasets.import_fetched(person, deed, self._kept(person, fetch_id), name, choices)

    def _kept(self, person: Person, fetch_id: str) -> tuple[str, str]:
        options = self._job(person, fetch_id, FETCH).spec.options
        found = HubDataset.from_json(options["found"])
        (split,) = found.splits
        name, config, split_name = (
            _UNUSUAL.sub("_", part)[:LONGEST_PART] for part in (found.repo.split("/")[-1], split.config, split.name)
        )
        of = ", ".join(part for part in (config, split_name) if part != "default")
        return options["upload"], f"{name} ({of}).parquet"

    def _found(self, person: Person, look_id: str) -> HubDataset:
        folder = self._job(person, look_id, LOOK)
        try:
            return HubDataset.from_json(orjson.loads((folder.result_path / _FOUND_NAME).read_bytes()))
        except FileNotFoundError:
            raise NotYours(what="upload") from None

    def _job(self, person: Person, job_id: str, kind: str) -> JobFolder:
        folder = self._queue.find(person, job_id)
        if folder.spec.kind != kind:
            raise NotYours(what="upload")
        return folder
