"""The worker's line to its keeper: the job comes in by it, and its end means that the keeper is dead."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
from pathlib import Path

from studio.errors import KeeperLost
from studio.jobs.ending import OUTPUT_NAME, failed_event
from studio.jobs.tail import read_tail
from studio.worker.context import JobLog

MESSAGE_BYTES = 4096


class KeeperLink:
    """Waits for a job on the socket that is stdin, in a thread of its own, so that imports may go on meanwhile.

    The received descriptor holds the job's lock for as long as this process lives.
    """

    def __init__(self, versions: dict[str, str]) -> None:
        self._versions = versions
        self._socket = socket.socket(fileno=os.dup(0))
        with open(os.devnull) as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), 0)
        self._jobs: queue.SimpleQueue[JobLog | None] = queue.SimpleQueue()
        self._job: JobLog | None = None
        self._lock: int | None = None
        threading.Thread(target=self._listen, name="keeper-link", daemon=True).start()

    def wait_for_job(self) -> JobLog | None:
        """The log of the job to work on, `started` already written; None when the keeper needs no worker any more."""
        return self._jobs.get()

    def _listen(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._socket, MESSAGE_BYTES, 1)
        if not data:
            os._exit(0)
        self._lock = descriptors[0]
        os.set_inheritable(self._lock, False)
        folder = Path(os.fsdecode(data))
        redirect_output(folder / OUTPUT_NAME)
        self._job = JobLog(folder, self._versions)
        self._jobs.put(self._job)
        while self._socket.recv(MESSAGE_BYTES):
            pass
        self._end_without_keeper()

    def _end_without_keeper(self) -> None:
        job = self._job
        with job.guard:  # nothing is written between looking at the last event and naming it
            values = {"last_event": job.last_kind, "log_tail": read_tail(job.folder / OUTPUT_NAME)}
            job.end(failed_event(KeeperLost(**values)))
        os.killpg(0, signal.SIGKILL)


def redirect_output(path: Path) -> None:
    """Send everything printed from now on, by Python or by libraries below it, to a file."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
