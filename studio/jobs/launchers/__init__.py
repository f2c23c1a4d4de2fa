"""Launchers start a keeper and its worker somewhere; folder, spec and events are the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class KeeperProcess(Protocol):
    """A keeper that was started and has not been given its job, or keeps it already."""

    pid: int

    def give(self, folder: Path, lease: Path | None, grace_s: float) -> bool:
        """Hand a job over. False when the keeper is dead, so another one is needed."""

    def is_alive(self) -> bool: ...

    def wait(self) -> None:
        """Return when the keeper has ended."""

    def dismiss(self) -> None:
        """End a keeper that was given nothing, and its worker."""


class Launcher(Protocol):
    def launch(self, *, preload: bool, online: bool, environment: Mapping[str, str]) -> KeeperProcess:
        """Start a keeper. preload: its worker does the heavy imports first. online: the worker may use the network.

        environment: variables that the job finds besides, which are written down nowhere.
        """
