"""A look at a file before it is imported: asked of a short process, so that no file can hold up or end the page."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from studio.data.mapping import fits, read_mapping
from studio.errors import FileUnreadable
from studio.jobs.launchers.local import PROJECT, child_environment
from studio.people import Person
from studio.services.dataset_words import preview_words
from studio.store.catalogue import open_catalogue
from studio.store.mappings import open_mappings

MODULE = "studio.worker.preview"
LIMIT_S = 15.0
"""A look takes 0.1 s and its process 0.3 s to start; the process gives itself four seconds of the processor. One that
takes longer is given up; the import itself may still read the file."""

HASH_LIMIT_S = 120.0
"""For reading a whole file from a slow disk; nobody waits for it but the notice that the file was imported before."""

AT_ONCE = 4
"""So many looks run beside each other, and further ones wait: a class of thirty opens its dialogs at once."""


class Previews:
    """Looks into files. Thread-safe."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._guard = threading.Lock()
        self._spare: subprocess.Popen[bytes] | None = None
        self._is_closed = False

    def ensure_spare(self) -> None:
        """Have a process ready whose imports are done: they take longer than the look itself. It ends with the app."""
        with self._guard:
            if self._spare is not None and self._spare.poll() is not None:
                _end(self._spare)
                self._spare = None
            if self._spare is None and not self._is_closed:
                self._spare = _start()

    def close(self) -> None:
        """Start no more processes ahead, and end the one that waits."""
        with self._guard:
            self._is_closed = True
            spare, self._spare = self._spare, None
        if spare is not None:
            _end(spare)

    def look(self, person: Person, path: Path, file_name: str, choices: dict[str, Any]) -> dict[str, Any]:
        """What a file was taken for and why, its first rows, and what they become: see `preview_words`; and the names
        of the saved mappings that fit its columns, the last used first.

        choices: as an import takes them; a mapping may still lack roles, which then is the problem that is told.
        """
        asked = {"what": "look", "path": str(path), "file_name": file_name, "choices": choices}
        found = self._ask(asked, self._limit_s)
        with open_mappings(person.workspace) as mappings:
            saved = [(one.name, read_mapping(one.mapping)) for one in mappings.all()]
        fitting = [name for name, mapping in saved if found["columns"] and fits(mapping, found["columns"])]
        return preview_words(person.language, found) | {"fitting": fitting}

    def find_same(self, person: Person, path: Path, file_name: str) -> dict[str, Any] | None:
        """The newest dataset that was made of a file of exactly this content: {name, created}; None where there is none.

        Reads the whole file: a second for each gigabyte.
        """
        asked = {"what": "hash", "path": str(path), "file_name": file_name}
        found = self._ask(asked, HASH_LIMIT_S)["content_hash"]
        with open_catalogue(person.workspace) as catalogue:
            same = (entry for entry in catalogue.datasets() if entry.source.get("content_hash") == found)
            return next(({"name": entry.name, "created": entry.created} for entry in same), None)

    def _ask(self, asked: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """The answer of the process. Raises FileUnreadable where there is none within the time and memory it has."""
        with self._places, self._taken() as child:
            try:
                answer, _ = child.communicate(orjson.dumps(asked), timeout=limit_s)
            except subprocess.TimeoutExpired:
                raise _unreadable(asked, "preview_slow") from None
        self.ensure_spare()
        if child.returncode == -signal.SIGXCPU or child.returncode == -signal.SIGKILL:
            raise _unreadable(asked, "preview_slow")
        if child.returncode:
            raise _unreadable(asked, "preview_ended")
        return orjson.loads(answer)

    @contextmanager
    def _taken(self) -> Iterator[subprocess.Popen[bytes]]:
        """A process for one question: the spare, or a new one. It is gone afterwards, whatever it was doing."""
        with self._guard:
            child, self._spare = self._spare, None
        if child is not None and child.poll() is not None:
            _end(child)
            child = None
        child = child or _start()
        try:
            yield child
        finally:
            _end(child)


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(os.environ, online=False),
        cwd=PROJECT,
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.communicate()


def _unreadable(asked: dict[str, Any], cause: str) -> FileUnreadable:
    return FileUnreadable(file=asked["file_name"], row=None, cause=cause)
