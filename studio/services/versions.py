"""Versions as the panel uses them: who needs them, what differs between two, restored, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.data.version_diff import DIFFERENCES, compare_records
from studio.data.versions import version_path
from studio.errors import JobNotFound, NotYours, RequestRefused, VersionUsed
from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.services.version_uses import find_uses
from studio.store.catalogue import open_catalogue
from studio.store.changes import Changes
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.differences import FILE_NAME, list_different, read_differences
from studio.store.table import Table

PAGE_ROWS = 20
KEPT_COMPARISONS = 6
"""Comparisons of a workspace whose files are kept; an older one is made again when it is asked for."""

LISTED_ROWS = 10_000


class Versions:
    """Thread-safe: each call opens what it needs and closes it."""

    def __init__(self, queue: Queue, datasets: Datasets) -> None:
        self._queue = queue
        self._datasets = datasets

    def list(self, person: Person, dataset_id: str) -> list[dict[str, Any]]:
        """Newest first, each as `Datasets.versions` has it, with "is_own" and "uses" as `find_uses` has them."""
        versions = self._datasets.versions(person, dataset_id)
        uses = find_uses(person, self._queue)
        return [
            version | {"uses": uses.get(version["fingerprint"], []), "is_own": version["person"] == person.id}
            for version in versions
        ]

    def details(self, person: Person, dataset_id: str, number: int) -> dict[str, Any]:
        """What was kept with a version: {"fingerprint", "held_out_fraction", "purpose", "licence", "file", "read_as", "mapping"}.

        What an older version did not keep, or its dataset did not have, is None. Raises NotYours.
        """
        fingerprint = find_version(self._datasets.versions(person, dataset_id), number)["fingerprint"]
        with open_catalogue(person.workspace) as catalogue:
            entries = catalogue.versions(dataset_id)
        about = next(entry.about for entry in entries if entry.number == number)
        facts, source = about.get("facts", {}), about.get("source", {})
        card, guesses = facts.get("card") or {}, source.get("guesses") or {}
        read_as = [guesses[name]["value"] for name in ("container", "format") if name in guesses]
        return {
            "fingerprint": fingerprint,
            "held_out_fraction": facts.get("held_out_fraction"),
            "purpose": card.get("purpose") or None,
            "licence": card.get("licence") or None,
            "file": source.get("file"),
            "read_as": " · ".join(str(value) for value in read_as if value) or None,
            "mapping": source.get("mapping_name"),
        }

    def compare(self, person: Person, dataset_id: str, before: int | None, after: int | None) -> str:
        """Queue the comparison of two versions, None for the rows as they stand; the job's id, the same while nothing changed.

        Raises NotYours.
        """
        title = self._datasets.info(person, dataset_id)["name"]
        versions = self._datasets.versions(person, dataset_id)
        sides = {
            name: None if number is None else find_version(versions, number)["fingerprint"]
            for name, number in (("before", before), ("after", after))
        }
        stand = "" if None not in sides.values() else f"|{self._last_change(person, dataset_id)}"
        deed = f"differences|{dataset_id}|{sides['before']}|{sides['after']}{stand}"
        job_id = self._queue.submit(person, "differences", title, {"dataset_id": dataset_id, **sides}, deed)
        self._forget_old(person, job_id)
        return job_id

    def differences(self, person: Person, job_id: str, what: str | None, page: int) -> dict[str, Any]:
        """A page of a comparison: {"rows", "page", "pages", "total"}.

        what: one of DIFFERENCES, or None for all. Each row {"row_id", "position": None where it is not there now,
        "what", "kind", "split": [before, after], "parts" as `compare_records` has them}. Raises JobNotFound.
        """
        folder, counts = self._compared(person, job_id)
        if what not in (None, *DIFFERENCES):
            raise RequestRefused()
        total = counts[what] if what else sum(counts[name] for name in DIFFERENCES)
        pages = max(-(-total // PAGE_ROWS), 1)
        page = min(max(page, 1), pages)
        found = read_differences(_file(folder), what, (page - 1) * PAGE_ROWS, PAGE_ROWS)
        places = self._places(person, folder.spec.options["dataset_id"], [row["row_id"] for row in found])
        rows = [_shown(row) | {"position": places.get(row["row_id"])} for row in found]
        return {"rows": rows, "page": page, "pages": pages, "total": total}

    def different_rows(self, person: Person, job_id: str, what: str | None) -> list[int]:
        """Ids of the rows of a comparison, for the table; at most LISTED_ROWS. Raises JobNotFound."""
        folder, _ = self._compared(person, job_id)
        return list_different(_file(folder), what if what in DIFFERENCES else None, LISTED_ROWS)

    def restore(self, person: Person, dataset_id: str, number: int, deed: str) -> str:
        """Queue the change that makes the rows what a version holds, as one that can be undone; the job's id.

        Raises NotYours.
        """
        info = self._datasets.info(person, dataset_id)
        version = find_version(self._datasets.versions(person, dataset_id), number)
        options = {"dataset_id": dataset_id, "version": version["fingerprint"], "number": number}
        return self._queue.submit(person, "restore", info["name"], options, deed)

    def delete(self, person: Person, dataset_id: str, number: int) -> None:
        """Forget a version that nothing was made from, and its file. Raises NotYours, VersionUsed."""
        found = find_version(self.list(person, dataset_id), number)
        if found["uses"]:
            raise VersionUsed(number=number, name=found["uses"][0]["title"])
        with open_catalogue(person.workspace) as catalogue:
            needless = catalogue.delete_version(dataset_id, number)
        if needless:
            version_path(person.workspace, needless).unlink(missing_ok=True)

    # Inside -----------------------------------------------------------------------------------------------------------

    def _compared(self, person: Person, job_id: str) -> tuple[JobFolder, Mapping[str, int]]:
        folder = self._queue.find(person, job_id)
        ended = folder.state().ended or {}
        if folder.spec.kind != "differences" or not _file(folder).is_file() or not ended.get("summary"):
            raise JobNotFound(job=job_id)
        return folder, ended["summary"]

    def _last_change(self, person: Person, dataset_id: str) -> int:
        with open_dataset(dataset_path(person, dataset_id)) as connection:
            return Changes(connection, person.id).last_id()

    def _places(self, person: Person, dataset_id: str, row_ids: list[int]) -> dict[int, int]:
        try:
            self._datasets.info(person, dataset_id)
        except NotYours:  # the dataset was deleted meanwhile; what differed can still be read
            return {}
        with open_dataset(dataset_path(person, dataset_id)) as connection:
            table = Table(connection)
            return {row.row_id: table.position(row.row_id) for row in table.rows_by_id(row_ids) if not row.deleted}

    def _forget_old(self, person: Person, kept: str) -> None:
        ended = [job for job in self._queue.jobs(person, ["differences"]) if job.id != kept and job.state().is_ended]
        for job in ended[KEPT_COMPARISONS:]:
            self._queue.delete(person, job.id)


def find_version(versions: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """Raises NotYours."""
    found = next((version for version in versions if version["number"] == number), None)
    if found is None:
        raise NotYours(what="version")
    return found


def dataset_path(person: Person, dataset_id: str) -> Path:
    """The file of a dataset that was found to be the person's."""
    return person.workspace / "datasets" / (dataset_id + SUFFIX)


def _file(folder: JobFolder) -> Path:
    return folder.result_path / FILE_NAME


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    before, after = row["before"], row["after"]
    sides = [side and side["record"] for side in (before, after)]
    return {
        "row_id": row["row_id"],
        "what": row["what"],
        "kind": (after or before)["kind"],
        "split": [side and side["split"] for side in (before, after)],
        "parts": compare_records(*sides),
    }
