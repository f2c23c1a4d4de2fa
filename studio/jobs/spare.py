"""The one spare: a keeper with a worker whose heavy imports are done, waiting for the next device job."""

from __future__ import annotations

from studio.jobs.launchers import KeeperProcess, Launcher


class Spare:
    """Holds at most one waiting pair. Not thread-safe: the scheduler's thread alone uses it."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._keeper: KeeperProcess | None = None

    def ensure(self) -> None:
        """Start a pair unless one is waiting. It is ready some seconds later, and may be taken before."""
        if self._keeper is None or not self._keeper.is_alive():
            self.dismiss()
            self._keeper = self._launcher.launch(preload=True, online=False, environment={})

    def take(self) -> KeeperProcess | None:
        """The waiting pair, which is then no longer the spare; None when there is none or it died."""
        if self._keeper is None or not self._keeper.is_alive():
            self.dismiss()
            return None
        keeper, self._keeper = self._keeper, None
        return keeper

    def dismiss(self) -> None:
        """End the waiting pair, if there is one, and wait until its keeper is gone."""
        keeper, self._keeper = self._keeper, None
        if keeper:
            keeper.dismiss()
            keeper.wait()
