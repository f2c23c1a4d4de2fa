"""Everything the page works with, built in one place for one root."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

from studio.errors import RootTaken
from studio.jobs.launchers import Launcher
from studio.jobs.lease import take_lock
from studio.services.adapters import Adapters
from studio.services.bases import Bases
from studio.services.candidates import Candidates
from studio.services.checks import Checks
from studio.services.compare import Compare
from studio.services.compare_choices import Choices
from studio.services.compare_source import Models
from studio.services.dataset_bulk import Bulk
from studio.services.dataset_card import Cards
from studio.services.dataset_deeds import Deeds
from studio.services.dataset_previews import Previews
from studio.services.datasets import Datasets
from studio.services.endpoints import Endpoints
from studio.services.exports import Exports
from studio.services.guide import Guide
from studio.services.hub_datasets import HubDatasets
from studio.services.live import Live
from studio.services.making import Making
from studio.services.mappings import SavedMappings
from studio.services.mending import Mending
from studio.services.model_server import ModelServer
from studio.services.preferences import Preferences
from studio.services.queue import Queue
from studio.services.refusals import Refusals
from studio.services.row_hints import RowHints
from studio.services.runs import Runs
from studio.services.versions import Versions
from studio.services.visitors import Visitors
from studio.services.voting import Voting
from studio.services.xray import Xray
from studio.settings import Settings
from studio.store.storage import Storage

LOCK_NAME = "app.lock"


class Studio:
    """The services of one app. Raises RootTaken when another app works in the root.

    launcher: how keepers are started; on this machine when not given.
    """

    def __init__(self, settings: Settings, launcher: Launcher | None = None) -> None:
        self.storage = Storage(settings.root)
        self.settings = settings = replace(settings, root=self.storage.root)
        self._lock = _take_root(settings)
        self.storage.open()
        self._closing = threading.Event()
        self.queue = Queue(settings, launcher)
        self.datasets = Datasets(settings, self.queue)
        self.bulk = Bulk(self.datasets, self.queue)
        self.previews = Previews()
        self.mappings = SavedMappings()
        self.refusals = Refusals(self.datasets)
        self.hub_datasets = HubDatasets(settings, self.queue, self.datasets)
        self.deeds = Deeds(self.datasets, self.queue)
        self.hints = RowHints(self.datasets)
        self.bases = Bases(settings, self.queue)
        self.checks = Checks(self.datasets, self.bases, self.queue, self.bulk)
        self.cards = Cards(self.datasets)
        self.adapters = Adapters(settings, self.queue, self.bases)
        self.runs = Runs(settings, self.queue, self.datasets, self.bases, self.adapters)
        self.diffs = Versions(self.queue, self.datasets)
        self.live = Live(settings, self.queue)
        self.server = ModelServer(settings, self.queue)
        self.endpoints = Endpoints(settings)
        self.xray = Xray(self.datasets, self.bases, self.runs, self.server)
        self.mending = Mending(self.datasets, self.xray)
        self.exports = Exports(settings, self.queue, self.adapters, self.bases)
        choices = Choices(self.queue, self.bases, self.datasets, self.adapters, self.endpoints)
        models = Models(self.server, self.endpoints)
        self.compare = Compare(self.queue, choices, models, settings.root)
        self.preferences = Preferences(self.queue, self.bases, choices)
        self.making = Making(self.queue, self.datasets, self.bases, choices, (self.server, self.endpoints))
        self.candidates = Candidates(self.queue, self.server, self.endpoints)
        self.voting = Voting()
        self.guide = Guide(self.queue, self.datasets, self.preferences, self.adapters, self.exports)
        forget = (self.queue.forget, self.compare.forget)
        self.visitors = Visitors(settings, self.queue, forget)
        self.queue.start()
        self.visitors.start()

    @property
    def is_closing(self) -> bool:
        """True once the app is about to end: whoever tells a page what is new ends too."""
        return self._closing.is_set()

    def prepare_close(self) -> None:
        """End what keeps connections to pages open. Safe to repeat."""
        self._closing.set()
        self.compare.close()

    def close(self) -> None:
        """Start no more jobs, end the spare and the model server, give the root back. Running jobs go on."""
        self.visitors.close()
        self.compare.close()
        self.previews.close()
        self.queue.close()
        self.endpoints.close()
        self.server.close()
        self.storage.close()
        os.close(self._lock)


def _take_root(settings: Settings) -> int:
    path = settings.root / LOCK_NAME
    lock = take_lock(path, wait_s=0.2)
    if lock is None:
        raise RootTaken(root=str(settings.root), pid=_pid_in(path))
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps({"pid": os.getpid()}).encode(), 0)
    return lock


def _pid_in(path: Path) -> int | None:
    try:
        return json.loads(path.read_text("utf-8"))["pid"]
    except (OSError, ValueError, KeyError):
        return None
