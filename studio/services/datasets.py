"""Datasets as the pages use them: imported, listed, edited, saved as versions; every call is one person's."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from studio.data.versions import is_fingerprint, version_path
from studio.errors import FileUnreadable, NotYours
from studio.people import Person
from studio.services.dataset_imports import Imports, check_name, remove_old_uploads
from studio.services.dataset_rows import DatasetRows
from studio.services.dataset_words import found_words, problem_words
from studio.services.queue import Queue
from studio.services.row_finder import RowFinder
from studio.services.version_uses import find_uses, tell_depends
from studio.settings import Settings
from studio.store.catalogue import DatasetEntry, VersionEntry, open_catalogue
from studio.store.changes import Changes
from studio.store.dataset_file import SUFFIX, is_dataset_id, open_dataset, remove_abandoned, remove_dataset
from studio.store.refused import OPEN, RefusedRows
from studio.store.table import Table

_log = logging.getLogger("whetstone")
LONGEST_MESSAGE = 1000


class Datasets(Imports):
    """The datasets of every workspace. Thread-safe: each call opens what it needs and closes it."""

    def __init__(self, settings: Settings, queue: Queue) -> None:
        super().__init__(settings, queue)
        self._finder = RowFinder()
        for workspace in [w for place in ("people", "teams") for w in (settings.root / place).glob("*/")]:
            try:
                _clean(workspace)
            except FileUnreadable as damaged:  # one workspace's damage must not keep everybody out
                _log.warning("%s: %s", workspace, damaged)

    # Datasets ---------------------------------------------------------------------------------------------------------

    def list(self, person: Person) -> list[dict[str, Any]]:
        """Newest first; each as `info` gives it, with its `problem` in words where its file cannot be read."""
        with open_catalogue(person.workspace) as catalogue:
            entries = [(entry, catalogue.versions(entry.dataset_id)) for entry in catalogue.datasets()]
        return [self._info(person, entry, versions) for entry, versions in entries]

    def info(self, person: Person, dataset_id: str) -> dict[str, Any]:
        """rows, held_out, refused: numbers of rows. edits: changes since the newest version. Raises NotYours."""
        entry = self._entry(person, dataset_id)
        with open_catalogue(person.workspace) as catalogue:
            return self._info(person, entry, catalogue.versions(dataset_id))

    def rename(self, person: Person, dataset_id: str, name: str) -> None:
        """Raises NotYours, NameUnsafe, NameTaken."""
        self._entry(person, dataset_id)
        with open_catalogue(person.workspace) as catalogue:
            catalogue.rename(dataset_id, check_name(name))

    def depends(self, person: Person, dataset_id: str) -> list[dict[str, Any]]:
        """What was made from a dataset, as `tell_depends` has it. Raises NotYours."""
        entry = self._entry(person, dataset_id)
        with open_catalogue(person.workspace) as catalogue:
            versions = catalogue.versions(entry.dataset_id)
        return tell_depends([(one.number, one.fingerprint) for one in versions], find_uses(person, self._queue))

    def delete(self, person: Person, dataset_id: str) -> None:
        """Remove a dataset, its edits, its kept upload and its versions, except versions that something was made from."""
        entry = self._entry(person, dataset_id)
        with open_catalogue(person.workspace) as catalogue:
            needless = catalogue.delete_dataset(dataset_id, set(find_uses(person, self._queue)))
            sources = {other.source["source"] for other in catalogue.datasets()}
        for fingerprint in needless:
            version_path(person.workspace, fingerprint).unlink(missing_ok=True)
        kind, name = entry.source["source"].split(":")
        if kind == "upload" and entry.source["source"] not in sources:
            (person.workspace / "uploads" / name).unlink(missing_ok=True)
        remove_dataset(self._path(person, dataset_id))

    # Rows -------------------------------------------------------------------------------------------------------------

    def page(self, person: Person, dataset_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        """asked: page, page_size ≤ 200, and the fields of a Selection; seeker: whose older search is then stopped.

        Returns rows, columns, total, page, pages, complete, last_change.
        """
        kind, path = self._entry(person, dataset_id).kind, self._path(person, dataset_id)
        wanted = {name: value for name, value in asked.items() if name != "seeker"}
        with self.rows(person, dataset_id) as rows:
            return rows.page(kind, wanted, lambda s: self._finder.find(path, rows.connection, s, asked.get("seeker")))

    def page_of(self, person: Person, dataset_id: str, row_id: int, page_size: int) -> int:
        """The page of the whole table on which a row stands. Raises NotYours."""
        with self.rows(person, dataset_id) as rows:
            return (rows.row(row_id)["position"] - 1) // max(page_size, 1) + 1

    def row(self, person: Person, dataset_id: str, row_id: int) -> dict[str, Any]:
        with self.rows(person, dataset_id) as rows:
            return rows.row(row_id)

    def save_row(
        self, person: Person, dataset_id: str, row_id: int, revision: int, record: dict[str, Any], deed: str
    ) -> dict[str, Any]:
        """The row as it then stands. Raises RecordInvalid, EditConflict, NotYours."""
        with self.rows(person, dataset_id) as rows:
            return rows.save(row_id, revision, record, deed)

    def add_row(self, person: Person, dataset_id: str, record: dict[str, Any], deed: str) -> dict[str, Any]:
        with self.rows(person, dataset_id) as rows:
            return rows.add(record, deed)

    def delete_row(self, person: Person, dataset_id: str, row_id: int, deed: str, revision: int | None = None) -> None:
        """As `DatasetRows.delete`."""
        with self.rows(person, dataset_id) as rows:
            rows.delete(row_id, deed, revision)

    def undo(self, person: Person, dataset_id: str, deed: str) -> dict[str, Any]:
        """What was undone: {kind: edit, add, delete or held_out, row_id, position}. Raises NothingToUndo."""
        with self.rows(person, dataset_id) as rows:
            return rows.undo(deed)

    def set_held_out(self, person: Person, dataset_id: str, fraction: float, deed: str) -> None:
        """fraction: 0..0.9 of the rows. Raises OptionsInvalid."""
        with self.rows(person, dataset_id) as rows:
            rows.set_held_out(fraction, deed)

    # Versions ---------------------------------------------------------------------------------------------------------

    def save_version(self, person: Person, dataset_id: str, deed: str, message: str) -> str:
        """Queue the job that freezes rows and splits as they then stand; the job's id."""
        entry = self._entry(person, dataset_id)
        options = {"dataset_id": dataset_id, "message": message[:LONGEST_MESSAGE]}
        return self._queue.submit(person, "save_version", entry.name, options, deed)

    def versions(self, person: Person, dataset_id: str | None = None) -> list[dict[str, Any]]:
        """Newest first; of one dataset, or all of the workspace, those of deleted datasets that runs need included."""
        if dataset_id is not None:
            self._entry(person, dataset_id)
        with open_catalogue(person.workspace) as catalogue:
            return [_version(entry) for entry in catalogue.versions(dataset_id)]

    def version(self, person: Person, fingerprint: str) -> dict[str, Any]:
        """Raises NotYours."""
        if not is_fingerprint(fingerprint):
            raise NotYours(what="version")
        with open_catalogue(person.workspace) as catalogue:
            return _version(catalogue.version(fingerprint))

    def version_path(self, person: Person, fingerprint: str) -> Path:
        """The file of a version, for a job that reads it. Raises NotYours."""
        self.version(person, fingerprint)
        return version_path(person.workspace, fingerprint)

    # Inside -----------------------------------------------------------------------------------------------------------

    def _entry(self, person: Person, dataset_id: str) -> DatasetEntry:
        """Raises NotYours for an id that is unknown, another workspace's, or no id at all."""
        if not is_dataset_id(dataset_id):
            raise NotYours(what="dataset")
        with open_catalogue(person.workspace) as catalogue:
            return catalogue.dataset(dataset_id)

    def _path(self, person: Person, dataset_id: str) -> Path:
        return person.workspace / "datasets" / f"{dataset_id}{SUFFIX}"

    @contextmanager
    def rows(self, person: Person, dataset_id: str) -> Iterator[DatasetRows]:
        """What is done with single rows, for whoever needs more than a page does. Raises NotYours."""
        self._entry(person, dataset_id)
        with open_dataset(self._path(person, dataset_id)) as connection:
            yield DatasetRows(connection, person.id)

    def _info(self, person: Person, entry: DatasetEntry, versions: list[VersionEntry]) -> dict[str, Any]:
        saved = max((version.last_change for version in versions), default=0)
        try:
            with open_dataset(self._path(person, entry.dataset_id)) as connection:
                facts = _facts(connection, saved) | {"problem": None}
        except FileUnreadable as damaged:
            facts = dict(_NO_FACTS) | {
                "problem": problem_words(person.language, vars(damaged) | {"code": damaged.code})
            }
        return facts | {
            "id": entry.dataset_id,
            "name": entry.name,
            "kind": entry.kind,
            "latest_version": versions[0].number if versions else None,
            "created": entry.created,
            "job_id": entry.job_id,
            "source": _source(person.language, entry.source),
        }


_NO_FACTS = MappingProxyType(
    {"rows": 0, "held_out": 0, "held_out_fraction": 0, "refused": 0, "edits": 0, "can_undo": False}
)


def _facts(connection: sqlite3.Connection, saved: int) -> dict[str, Any]:
    """saved: the newest change that a version holds."""
    table, changes = Table(connection), Changes(connection, "")
    rows, held_out = table.counts()
    return {
        "rows": rows,
        "held_out": held_out,
        "held_out_fraction": table.fact("held_out_fraction"),
        "refused": RefusedRows(connection).counts()[OPEN],
        "edits": changes.count_after(saved),
        "can_undo": changes.last_standing() is not None,
    }


def _clean(workspace: Path) -> None:
    """Remove what killed imports and forgotten uploads left."""
    with open_catalogue(workspace) as catalogue:
        remove_abandoned(workspace / "datasets", catalogue.has_dataset)
        needed = {entry.source["source"] for entry in catalogue.datasets()}
    remove_old_uploads(workspace / "uploads", needed)


def _source(language: str, source: dict[str, Any]) -> dict[str, Any]:
    """Where a dataset came from: file, what it was read as, and the reasons in words."""
    guesses = source["guesses"]
    values = {name: guesses[name]["value"] if name in guesses else None for name in _READ_AS}
    return values | {"file": source["file"], "reasons": found_words(language, guesses)}


_READ_AS = ("container", "encoding", "delimiter", "format")


def _version(entry: VersionEntry) -> dict[str, Any]:
    return {name: value for name, value in vars(entry).items() if name not in ("last_change", "about")}
