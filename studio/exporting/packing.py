"""Copying, packing and unpacking exports, and the check that nothing in them can run code."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from studio.exporting.errors import ExportMismatch

CHUNK_BYTES = 8 * 1024**2
RUNS_CODE = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".npy", ".npz", ".joblib", ".py", ".so"})
"""Endings of files that are unpickled or executed when somebody loads them."""

_WITHOUT_GAIN = frozenset({".safetensors", ".gguf"})
_TIME = (2026, 1, 1, 0, 0, 0)
"""One time for all files: the same adapter packs to the same bytes."""


def iterate_copied(source: Path, target: Path) -> Iterator[int]:
    """Copy a file, yielding the bytes of each piece once it is written."""
    with source.open("rb") as reader, target.open("wb") as writer:
        while piece := reader.read(CHUNK_BYTES):
            writer.write(piece)
            yield len(piece)


def iterate_packed(folder: Path, target: Path) -> Iterator[int]:
    """Pack a folder under its own name into a zip that is on the disk when this ends; the bytes read, piece by piece."""
    with target.open("wb") as file:
        with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield from _iterate_added(archive, path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
        file.flush()
        os.fsync(file.fileno())


def _iterate_added(archive: zipfile.ZipFile, path: Path, name: str) -> Iterator[int]:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_STORED if path.suffix in _WITHOUT_GAIN else zipfile.ZIP_DEFLATED
    entry.file_size = path.stat().st_size
    with path.open("rb") as reader, archive.open(entry, "w", force_zip64=entry.file_size >= 2**31) as writer:
        while piece := reader.read(CHUNK_BYTES):
            writer.write(piece)
            yield len(piece)


def unpack(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)


def check_plain(folder: Path, name: str) -> None:
    """Raises ExportMismatch for a file that runs code when it is loaded."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in RUNS_CODE or path.name == "training_args.bin":
            raise ExportMismatch(name=name, cause="pickled", file=path.name)


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
