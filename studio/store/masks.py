"""Which placeholder stands for which value of a dataset: kept outside of it, readable by its owner alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from studio.errors import ChangedMeanwhile, FileUnreadable
from studio.store.placeholders import COUNTED_DIGITS, highest_numbers

FORMAT = 1


class Masks:
    """Placeholders by kind and value; the same value gets the same one for good. A map in memory until it is saved."""

    def __init__(self, path: Path, find_standing: Callable[[], Mapping[str, int]] = dict) -> None:
        """find_standing: the highest number of each kind, in capitals, that stands in rows; asked when a new one is given.

        Raises FileUnreadable where the map is damaged: numbering anew would give one placeholder two meanings.
        """
        self._path = path
        self._find_standing = find_standing
        self._highest: dict[str, int] | None = None
        self._first_new: dict[str, int] = {}
        self._kinds: dict[str, dict[str, str]] = {}
        self._on_disk = _read(path)
        try:
            if self._on_disk is not None:
                read = json.loads(self._on_disk)
                self._kinds = {kind: dict(values) for kind, values in read["kinds"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise FileUnreadable(file=path.name, row=None, cause="masks_damaged") from problem
        self._saved = self._count()

    def placeholder(self, kind: str, value: str) -> str:
        known = self._kinds.setdefault(kind, {})
        if value not in known:
            known[value] = f"⟨{kind.upper()}_{self._next_number(kind.upper())}⟩"
        return known[value]

    def iterate(self) -> Iterator[tuple[str, str, str]]:
        """(kind, value, placeholder), as they were given."""
        for kind, values in self._kinds.items():
            for value, placeholder in values.items():
                yield kind, value, placeholder

    def check_new(self) -> None:
        """Raises ChangedMeanwhile where a number that was given as new has come to stand in rows since.

        Stands inside the transaction that writes the rows, before it does.
        """
        standing = self._find_standing() if self._first_new else {}
        if any(standing.get(kind, 0) >= first for kind, first in self._first_new.items()):
            raise ChangedMeanwhile()

    def save(self) -> None:
        """Whole or not at all, on the disk before it returns. Nothing is written where nothing is new.

        Stands inside the transaction that writes the rows: it is what keeps others from saving at the same time. Raises
        ChangedMeanwhile where somebody has saved since this map was read: one placeholder would get two meanings.
        """
        if self._count() == self._saved:
            return
        if _read(self._path) != self._on_disk:
            raise ChangedMeanwhile()
        content = json.dumps({"format": FORMAT, "kinds": self._kinds}, ensure_ascii=False).encode()
        _write(self._path, content)
        self._saved, self._on_disk = self._count(), content

    def _next_number(self, kind: str) -> int:
        """Above all that stands in the map or in rows: those of other maps, or of an import, mean something else."""
        if self._highest is None:
            given = (placeholder for _, _, placeholder in self.iterate())
            self._highest = highest_numbers(given, most_digits=COUNTED_DIGITS)
            for name, number in self._find_standing().items():
                self._highest[name] = max(self._highest.get(name, 0), number)
        number = self._highest[kind] = self._highest.get(kind, 0) + 1
        self._first_new.setdefault(kind, number)
        return number

    def _count(self) -> int:
        return sum(map(len, self._kinds.values()))


def masks_path(workspace: Path, dataset_id: str) -> Path:
    return workspace / "masks" / f"{dataset_id}.json"


def copy_masks(workspace: Path, source_id: str, target_id: str) -> None:
    """The map as it stands, for a copy of the dataset. Called once the rows are copied: then it holds all of theirs."""
    path = masks_path(workspace, source_id)
    if path.exists():
        _write(masks_path(workspace, target_id), path.read_bytes())


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(path.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
