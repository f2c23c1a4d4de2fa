"""The scheduler: which job starts when, in three lanes: one at a time on the device, two light ones, two that ask models."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.jobs.folder import JobFolder
from studio.jobs.launchers import KeeperProcess, Launcher
from studio.jobs.spare import Spare
from studio.jobspec import Lane

PLACES: dict[Lane, int] = {"device": 1, "light": 2, "asking": 2}
STOP_GRACE_S: dict[Lane, float] = {"device": 120.0, "light": 15.0, "asking": 15.0}
"""How long a job may take to stop by itself: a device job saves its adapter first."""

ONLINE_KINDS = frozenset({"download", "look_dataset", "fetch_dataset"})
ATTEMPTS = 3
"""A job whose keeper dies before the work started is started again, this often at most."""

LOOK_S = 0.2
"""How often jobs are looked at whose end no thread waits for: those of an earlier app."""

DEVICE_NAME = "device-0"


@dataclass
class _Place:
    """A taken place in a lane. is_ours: a keeper started by this scheduler, whose end a thread waits for."""

    folder: JobFolder
    lane: Lane
    is_ours: bool


class Lanes:
    """Starts waiting jobs as places become free. Jobs outlive it; those of an earlier one are adopted.

    lease: the lock file of the device. before_device_job: called, without waiting for anything, when one is started.
    environment_of: what a job finds in its environment besides; for jobs that no spare takes.
    """

    def __init__(self, launcher: Launcher, devices: Path) -> None:
        self._launcher = launcher
        self.lease = devices / DEVICE_NAME
        self.before_device_job: Callable[[JobFolder], None] = lambda folder: None
        self.environment_of: Callable[[JobFolder], Mapping[str, str]] = lambda folder: {}
        self._spare = Spare(launcher)
        self._wants_spare = False
        self._waiting: dict[Lane, deque[JobFolder]] = {lane: deque() for lane in PLACES}
        self._places: dict[Path, _Place] = {}
        self._attempts: dict[Path, int] = {}
        self._keepers_ended: deque[Path] = deque()
        self._wake = threading.Condition()
        self._is_woken = False
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="lanes", daemon=True)

    def start(self, found: Iterable[JobFolder]) -> None:
        """Adopt the jobs of earlier apps that still live, queue those that never started, oldest first."""
        for folder in sorted(found, key=lambda folder: folder.id):
            state = folder.state()
            if state.is_ended:
                continue
            if state.status != "queued" and folder.is_held():
                self._places[folder.path] = _Place(folder, folder.spec.lane, is_ours=False)
            else:
                self._waiting[folder.spec.lane].append(folder)
        self._thread.start()

    def add(self, folder: JobFolder) -> None:
        with self._wake:
            self._waiting[folder.spec.lane].append(folder)
        self._rouse()

    def ensure_spare(self) -> None:
        """Have a spare from now on, made anew whenever a device job has used it and ended."""
        self._wants_spare = True
        self._rouse()

    def running(self) -> list[JobFolder]:
        with self._wake:
            return [place.folder for place in self._places.values()]

    def close(self) -> None:
        """Stop starting jobs and end the spare. Running jobs go on."""
        self._is_closed = True
        self._rouse()
        if self._thread.is_alive():
            self._thread.join()
        self._spare.dismiss()

    def _rouse(self) -> None:
        with self._wake:
            self._is_woken = True
            self._wake.notify()

    def _run(self) -> None:
        while not self._is_closed:
            has_failed = False
            try:
                self._settle_ended()
                self._start_waiting()
                self._refill_spare()
            except OSError as error:  # no memory, no process or no open file left: the next look may do better
                logging.getLogger(__name__).warning("the jobs could not all be looked after: %s", error)
                has_failed = True
            with self._wake:
                must_look = has_failed or any(not place.is_ours for place in self._places.values())
                self._wake.wait_for(lambda: self._is_woken, LOOK_S if must_look else None)
                self._is_woken = False

    def _settle_ended(self) -> None:
        while self._keepers_ended:
            place = self._places[self._keepers_ended.popleft()]
            place.is_ours = False
        for place in [place for place in self._places.values() if not place.is_ours]:
            self._settle(place)

    def _settle(self, place: _Place) -> None:
        """Free the place of a job that is over; start one again whose keeper died before the work began."""
        folder = place.folder
        state = folder.state()
        if not state.is_ended and folder.is_held():
            return
        with self._wake:
            del self._places[folder.path]
            # Looked at again: the ending may have been written between the two looks.
            if folder.path.exists() and not folder.state().is_ended:
                self._waiting[place.lane].appendleft(folder)
            else:
                self._attempts.pop(folder.path, None)

    def _start_waiting(self) -> None:
        for lane, waiting in self._waiting.items():
            while waiting and self._taken(lane) < PLACES[lane]:
                folder = waiting[0]
                is_wanted = folder.path.exists() and not folder.state().is_ended
                waiting.popleft()
                if is_wanted:
                    self._start_job(folder, lane)

    def _taken(self, lane: Lane) -> int:
        return sum(place.lane == lane for place in self._places.values())

    def _start_job(self, folder: JobFolder, lane: Lane) -> None:
        attempts = self._attempts[folder.path] = self._attempts.get(folder.path, 0) + 1
        if attempts > ATTEMPTS and folder.give_up():
            return
        place = _Place(folder, lane, is_ours=False)
        with self._wake:
            self._places[folder.path] = place
        if lane == "device":
            self.before_device_job(folder)
        keeper = self._hand_over(folder, lane)
        place.is_ours = True
        threading.Thread(target=self._await_keeper, args=(keeper, folder.path), daemon=True).start()

    def _hand_over(self, folder: JobFolder, lane: Lane) -> KeeperProcess:
        """A keeper that was given the job: the spare for a device job if it lives, else a new one."""
        lease = self.lease if lane == "device" else None
        keeper = self._spare.take() if lane == "device" else None
        if keeper:
            if keeper.give(folder.path, lease, STOP_GRACE_S[lane]):
                return keeper
            keeper.wait()
        online = folder.spec.kind in ONLINE_KINDS
        keeper = self._launcher.launch(preload=False, online=online, environment=self.environment_of(folder))
        keeper.give(folder.path, lease, STOP_GRACE_S[lane])
        return keeper

    def _await_keeper(self, keeper: KeeperProcess, path: Path) -> None:
        keeper.wait()
        self._keepers_ended.append(path)
        self._rouse()

    def _refill_spare(self) -> None:
        if self._wants_spare and not self._taken("device") and not self._is_closed:
            self._spare.ensure()
