"""Finding rows once: the ids of a selection are kept until the dataset changes, and a newer search stops an older one."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path

from studio.data.selection import Selection
from studio.store.changes import Changes
from studio.store.selecting import Found, Selector

_KEPT_IDS = 2_000_000
"""16 MB: two searches that find a million rows each, or very many small ones."""


class RowFinder:
    """Thread-safe. The least recently used findings are let go first."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: OrderedDict[tuple, Found] = OrderedDict()
        self._searches: dict[tuple, threading.Event] = {}

    def find(self, path: Path, connection: sqlite3.Connection, selection: Selection, seeker: str | None) -> Found:
        """The rows of a selection in order. seeker: who asks; their earlier search of this file is stopped.

        Raises PatternTooSlow.
        """
        key = (path, selection, _stamp(path, connection))
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        stop = self._begin((path, seeker))
        try:
            found = Selector(connection, selection).find(is_stopped=stop.is_set)
        finally:
            self._end((path, seeker), stop)
        if found.complete:
            self._keep(key, found)
        return found

    def _begin(self, search: tuple) -> threading.Event:
        stop = threading.Event()
        with self._guard:
            if search[1] is not None:
                if older := self._searches.get(search):
                    older.set()
                self._searches[search] = stop
        return stop

    def _end(self, search: tuple, stop: threading.Event) -> None:
        with self._guard:
            if self._searches.get(search) is stop:
                del self._searches[search]

    def _keep(self, key: tuple, found: Found) -> None:
        with self._guard:
            for other in [other for other in self._kept if other[0] == key[0] and other[2] != key[2]]:
                del self._kept[other]
            self._kept[key] = found
            while len(self._kept) > 1 and sum(len(one.row_ids) for one in self._kept.values()) > _KEPT_IDS:
                self._kept.popitem(last=False)


def _stamp(path: Path, connection: sqlite3.Connection) -> tuple:
    """Differs after every commit: changes of rows have a number, and what checks write is seen by the file itself."""
    seen = [Changes(connection, "").last_id()]
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            status = file.stat()
        except FileNotFoundError:
            continue
        if status.st_size:
            seen += [status.st_mtime_ns, status.st_size]
    return tuple(seen)
