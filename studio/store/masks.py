"""Which placeholder stands for which value of a dataset: kept outside of it, readable by its owner alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from studio.errors import ChangedMeanwhile, FileUnreadable

FORMAT = 1


class Masks:
    """Placeholders by kind and value; the same value gets the same one for good. A map in memory until it is saved."""

    def __init__(self, path: Path) -> None:
        """Raises FileUnreadable where the map is damaged: numbering anew would give one placeholder two meanings."""
        self._path = path
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
        return known.setdefault(value, f"⟨{kind.upper()}_{len(known) + 1}⟩")

    def iterate(self) -> Iterator[tuple[str, str, str]]:
        """(kind, value, placeholder), as they were given."""
        for kind, values in self._kinds.items():
            for value, placeholder in values.items():
                yield kind, value, placeholder

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
