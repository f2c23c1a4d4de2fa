"""Where a root lies: on its own disk, or, where that can hold neither databases nor locks, on the local one with a copy."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

COPIED_EVERY_S = 60.0
_MARK = "copy.mark"
_OWN = frozenset({"app.lock", "gradio", "devices", _MARK})
"""What belongs to the running app alone."""
_PASSING = ("-wal", "-shm", ".part")

Signature = tuple[int, ...]


def can_hold_databases(folder: Path) -> bool:
    """Whether SQLite's write-ahead log and file locks work on the disk of a folder. Takes some milliseconds.

    Storage that is reached over a network often has neither, or locks that let everybody in.
    """
    probe = folder / f".probe-{secrets.token_hex(4)}"
    try:
        probe.mkdir()
        return _locks_hold(probe / "lock") and _log_works(probe / "probe.db")
    except (OSError, sqlite3.Error):
        return False
    finally:
        shutil.rmtree(probe, ignore_errors=True)


def _locks_hold(path: Path) -> bool:
    first, second = (os.open(path, os.O_RDWR | os.O_CREAT, 0o600) for _ in range(2))
    try:
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
    finally:
        os.close(first)
        os.close(second)


def _log_works(path: Path) -> bool:
    writer, reader = sqlite3.connect(path), sqlite3.connect(path)
    try:
        writer.execute("PRAGMA synchronous = OFF")  # what is written need not last: 5 ms instead of 50
        (mode,) = writer.execute("PRAGMA journal_mode = WAL").fetchone()
        with writer:
            writer.execute("CREATE TABLE probe (number INTEGER)")
            writer.execute("INSERT INTO probe VALUES (7)")
        return mode == "wal" and reader.execute("SELECT number FROM probe").fetchall() == [(7,)]
    finally:
        reader.close()
        writer.close()


class Storage:
    """A root that is used as it is, or worked on at `root` and copied back to `kept` every minute and at the end.

    Databases are copied by SQLite's own backup, so that each copy is whole. A crash loses what came after the last one.
    """

    def __init__(self, kept: Path, local: Path | None = None) -> None:
        """local: where stand-ins lie; the system's folder for temporary files when not given."""
        kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.kept = kept
        self.is_copied = not can_hold_databases(kept)
        name = f"whetstone-{hashlib.sha256(str(kept).encode()).hexdigest()[:16]}"
        self.root = (local or Path(tempfile.gettempdir())) / name if self.is_copied else kept
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.is_copied and self.root.stat().st_uid != os.getuid():
            raise PermissionError(f"{self.root} belongs to somebody else")  # its name can be guessed
        self.problem: str | None = None
        self._copied: dict[Path, Signature] = {}
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)

    def open(self) -> None:
        """Bring back what was kept, and copy from now on. Call it once the root is locked. Raises OSError.

        A stand-in that this storage was copied from last is newer than its copy, and stays.
        """
        if not self.is_copied:
            return
        kept = _read(self.kept / _MARK)
        if kept is None or kept != _read(self.root / _MARK):
            self._restore()
        else:  # what was removed since the last copy has to go there too
            self._copied = {path.relative_to(self.kept): () for path in _iterate_files(self.kept)}
        mark = secrets.token_hex(8)
        for folder in (self.root, self.kept):
            (folder / _MARK).write_text(mark, "utf-8")
        self._thread.start()

    def save(self) -> None:
        """Copy what has changed, remove what is gone. Raises OSError, sqlite3.Error."""
        with self._guard:
            there = {path.relative_to(self.root): _signature(path) for path in _iterate_files(self.root)}
            for path, signature in there.items():
                if signature and self._copied.get(path) != signature:
                    _copy(self.root / path, self.kept / path)
                    self._copied[path] = signature
            for path in [path for path in self._copied if path not in there]:
                (self.kept / path).unlink(missing_ok=True)
                del self._copied[path]
                _remove_empty((self.kept / path).parent, self.kept)

    def close(self) -> None:
        """Copy for the last time."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
            self._try_save()

    def _restore(self) -> None:
        for path in self.root.iterdir():
            if path.name not in _OWN:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in _iterate_files(self.kept):
            here = self.root / path.relative_to(self.kept)
            here.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(path, here)
            self._copied[path.relative_to(self.kept)] = _signature(here)

    def _run(self) -> None:
        while not self._ended.wait(COPIED_EVERY_S):
            self._try_save()

    def _try_save(self) -> None:
        try:
            self.save()
            self.problem = None
        except (OSError, sqlite3.Error) as error:
            logging.getLogger(__name__).warning("%s could not be copied to %s: %s", self.root, self.kept, error)
            self.problem = str(error)


def _iterate_files(root: Path) -> Iterator[Path]:
    """What is worth keeping, in a stable order."""
    for folder, names, files in os.walk(root):
        if Path(folder) == root:
            names[:], files = [n for n in names if n not in _OWN], [f for f in files if f not in _OWN]
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, file) for file in sorted(files) if file[0] != "." and not file.endswith(_PASSING))


def _signature(path: Path) -> Signature:
    """Changes with the file; of a database also with its log. Empty where it is gone."""
    found: list[int] = []
    for part in (path, path.with_name(f"{path.name}-wal")) if path.suffix == ".db" else (path,):
        try:
            about = part.stat()
        except FileNotFoundError:
            continue
        found += [about.st_mtime_ns, about.st_size]
    return tuple(found)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(f"{target.name}.part")
    try:
        if source.suffix == ".db":
            _back_up(source, part)
        else:
            shutil.copy2(source, part)
        part.replace(target)
    except FileNotFoundError:
        return  # gone since it was seen: the next look removes its copy


def _back_up(source: Path, target: Path) -> None:
    """A whole copy of a database that is in use: made on the local disk, for the other cannot hold one."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / source.name
        reading, writing = sqlite3.connect(source), sqlite3.connect(whole)
        try:
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")
        finally:
            writing.close()
            reading.close()
        shutil.copyfile(whole, target)


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None


def is_fleeting(root: Path) -> bool:
    """Whether a root lies on the disk that the system itself lies on, which a Space empties at each restart."""
    return root.stat().st_dev == Path("/").stat().st_dev
