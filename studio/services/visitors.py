"""Visitors of a Space: when each was last here, and the removal of what they left once that is long ago."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from studio.people import VISITOR, Person
from studio.services.queue import Queue
from studio.settings import Settings

FORMAT = 1
FILE_NAME = "visitor.json"
NOTED_EVERY_S = 60.0
LOOK_S = 600.0
_HOUR_S = 3600.0
_FOLDER = re.compile(rf"{VISITOR}-[0-9a-f]{{32}}", re.ASCII)
_LEFTOVER = ".visitor-"


class Visitors:
    """Nothing happens where the app is not open to visitors. Thread-safe.

    forget: drops what is known of a person in memory. clock: seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        queue: Queue,
        forget: Iterable[Callable[[Person], None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._forget = tuple(forget)
        self._clock = clock
        self._guard = threading.Lock()
        self._seen: dict[str, float] = {}
        self._written: dict[str, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="visitors", daemon=True)

    @property
    def kept_s(self) -> float:
        """How long a workspace is kept after its visitor was last here."""
        return self._settings.visitor_hours * _HOUR_S

    def start(self) -> None:
        if not self._settings.is_public:
            return
        for leftover in self._settings.root.glob(f"{_LEFTOVER}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def note(self, visitor: str) -> None:
        """The visitor is here now. Written down at most once a minute, and only where they made something."""
        with self._guard:
            now = self._seen[visitor] = self._clock()
            workspace = self._people / visitor
            if now - self._written.get(visitor, 0.0) >= NOTED_EVERY_S and workspace.is_dir():
                _write_seen(workspace, now)
                self._written[visitor] = now

    def clean_up(self) -> list[str]:
        """Remove the workspaces of visitors who were last here too long ago, unless something of theirs still runs.

        Returns the ids of those that were removed.
        """
        due = [folder for folder in self._folders() if self._is_over(folder)]
        removed = [folder.name for folder in due if self._remove(folder)]
        with self._guard:
            for visitor in [v for v, seen in self._seen.items() if self._clock() - seen > self.kept_s]:
                self._seen.pop(visitor)
                self._written.pop(visitor, None)
        return removed

    @property
    def _people(self) -> Path:
        return self._settings.root / "people"

    def _folders(self) -> list[Path]:
        there = self._people.iterdir() if self._people.is_dir() else ()
        return sorted(path for path in there if _FOLDER.fullmatch(path.name) and path.is_dir())

    def _is_over(self, workspace: Path) -> bool:
        """Before it first wrote a visit down, a workspace is as old as its folder."""
        seen = max(self._seen.get(workspace.name, 0.0), _read_seen(workspace) or workspace.stat().st_mtime)
        return self._clock() - seen > self.kept_s

    def _remove(self, workspace: Path) -> bool:
        person = Person(workspace.name, VISITOR, "en", workspace)
        if any(not job.state().is_ended for job in self._queue.jobs(person)):
            return False
        hidden = self._settings.root / f"{_LEFTOVER}{secrets.token_hex(8)}"
        with self._guard:  # a visitor who comes back in this very moment keeps everything
            if not self._is_over(workspace):
                return False
            workspace.rename(hidden)
        for forget in self._forget:
            forget(person)
        shutil.rmtree(hidden, ignore_errors=True)
        return True

    def _run(self) -> None:
        while not self._ended.wait(min(LOOK_S, self.kept_s / 4)):
            try:
                self.clean_up()
            except OSError:
                continue  # a folder that changed under our eyes: the next look does better


def _read_seen(workspace: Path) -> float | None:
    try:
        told = json.loads((workspace / FILE_NAME).read_text("utf-8"))
        return float(told["seen"]) if told["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_seen(workspace: Path, seen: float) -> None:
    part = workspace / f".{FILE_NAME}.part"
    try:
        part.write_text(json.dumps({"format": FORMAT, "seen": round(seen)}), "utf-8")
        part.replace(workspace / FILE_NAME)
    except OSError:
        return  # a full disk must not keep a visitor out; the folder's own time stands in
