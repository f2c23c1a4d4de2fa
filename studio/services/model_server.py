"""The model server as the app keeps it: started by the first need, restarted once after a crash, ended with the app."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import ServerFailed, ServerLost, StudioError
from studio.jobs.folder import JobFolder
from studio.jobs.launchers.local import PROJECT, child_environment
from studio.jobs.lease import lease_holder
from studio.jobs.log import utc_now
from studio.jobspec import ASKING_KINDS
from studio.people import Person
from studio.services.queue import Queue
from studio.serving.access import remove_address, write_address
from studio.serving.client import Connections, ServerClient
from studio.serving.tokens import JOB_TOKEN_VARIABLE, TOKEN_VARIABLE, workspace_token
from studio.settings import Settings

MODULE = "studio.serving"
LOG_NAME = "serving.log"
LOG_LIMIT_BYTES = 2**20
START_LIMIT_S = 60.0
END_LIMIT_S = 5.0
CRASHES = 2
"""So many ends in a row without a reply are an error; the first of them is answered by a new start."""

COOL_S = 5.0
"""How long everybody who asks is told of that error before a start is tried again."""

HEALTH_S = 5.0
"""How long a server that answered is taken to be well."""

STUCK_S = 60.0
"""One that does not answer for so long is ended. Importing torch from a cold disk may hold it up for many seconds."""

DYING_S = 2.0
STATUS_LIMIT_S = 2.0
STATUS_S = 1.0
LOOK_S = 0.5
HOLD_S = 3.0
"""How long the server loads nothing anew when a job waits: several times what its keeper takes to see a free device."""


@dataclass(frozen=True)
class Address:
    """token: the app's own, which may do everything. Nobody's page may ever see it."""

    url: str
    token: str


class ModelServer:
    """Thread-safe. Nothing is started before it is needed."""

    def __init__(self, settings: Settings, queue: Queue) -> None:
        self._settings = settings
        self._lease = queue.lease
        self._secret = secrets.token_hex(32)
        self._connections = Connections(is_own=True)
        self._guard = threading.Lock()
        self._child: _Child | None = None
        self._crashes = 0
        self._failed_at = -COOL_S
        self._seen: tuple[float, dict[str, Any]] = (-STATUS_S, {})
        self._closed = threading.Event()
        queue.before_device_jobs(self._make_way)
        queue.give_environment(self._environment_of)

    def ensure(self) -> Address:
        """The server's address, once it answers. Raises ServerFailed."""
        with self._guard:
            if self._child is not None and not self._child.is_well(self.client_of):
                child, self._child = self._child, None
                self._count_crash(child)
            if self._closed.is_set() or time.monotonic() - self._failed_at < COOL_S:
                raise ServerFailed()
            while self._child is None:
                child = _Child(self._settings, self._lease, self._secret)
                if child.await_port(START_LIMIT_S):
                    self._child = child
                    write_address(self._settings.root, child.url)
                else:
                    self._count_crash(child)
            return Address(self._child.url, self._secret)

    def client(self, person: Person) -> ServerClient:
        """A client that sees the bases and this person's adapters, for as long as the app lives. Raises ServerFailed."""
        return ServerClient(self.ensure().url, self.token_for(person), self._connections, self._renew)

    def client_of(self, url: str) -> ServerClient:
        """A client with the app's own token, of this one process."""
        return ServerClient(url, self._secret, self._connections)

    def token_for(self, person: Person) -> str:
        return workspace_token(self._secret, person.workspace.name)

    def _environment_of(self, folder: JobFolder) -> dict[str, str]:
        """What a job is given that asks models: the token of its workspace."""
        if folder.spec.kind not in ASKING_KINDS:
            return {}
        return {JOB_TOKEN_VARIABLE: workspace_token(self._secret, folder.workspace.name)}

    def status(self) -> dict[str, Any]:
        """{"state": "off", "running" or "ended", and what the server says of itself}; at most a second old."""
        child = self._child
        if child is None:
            return {"state": "off"}
        now = time.monotonic()
        if now - self._seen[0] >= STATUS_S:
            self._seen = (now, self._look(child))
        return self._seen[1]

    def revive(self) -> None:
        """Have a server that ended started again, without waiting; what then fails is told to who asks next."""

        def start() -> None:
            with suppress(StudioError):
                self.ensure()

        threading.Thread(target=start, name="revive", daemon=True).start()

    def unload(self, hold_s: float = 0.0) -> None:
        """Free the memory and the device; the process and its tokenizers stay. A server that is gone holds nothing."""
        child = self._child
        if child is None or not child.is_alive():
            return
        try:
            self.client_of(child.url).unload(hold_s)
        except ServerLost:
            pass

    def close(self) -> None:
        """End the server. Replies under way are cut."""
        self._closed.set()
        remove_address(self._settings.root)
        with self._guard:
            if self._child is not None:
                self._child.end()
                self._child = None
        self._connections.close()

    def _look(self, child: _Child) -> dict[str, Any]:
        if not child.is_alive():
            return {"state": "ended"}
        try:
            return {"state": "running"} | self.client_of(child.url).status(STATUS_LIMIT_S)
        except StudioError:
            return {"state": "running"}

    def _renew(self, url: str) -> str:
        """The address after a connection to the one given broke.

        A process that was killed still takes connections, or refuses them, for some milliseconds before its end is told.
        """
        with self._guard:
            child = self._child
            if child is not None and child.url == url and child.ends_within(DYING_S):
                self._child = None
                self._count_crash(child)
        return self.ensure().url

    def _count_crash(self, child: _Child) -> None:
        """Raises ServerFailed for one too many in a row."""
        child.end()
        self._crashes = 1 if child.has_replied else self._crashes + 1
        if self._crashes >= CRASHES:
            self._crashes = 0
            self._failed_at = time.monotonic()
            raise ServerFailed()

    def _make_way(self, folder: JobFolder) -> None:
        """A device job is about to start: while it waits for a device that the server holds, the server gives it up."""
        threading.Thread(target=self._unload_for, args=(folder,), name="make way", daemon=True).start()

    def _unload_for(self, folder: JobFolder) -> None:
        while _waits(folder) and not self._closed.wait(LOOK_S):
            if (lease_holder(self._lease) or {}).get("who") == "server":
                with suppress(StudioError):  # it is asked again as long as the job waits
                    self.unload(HOLD_S)


def _waits(folder: JobFolder) -> bool:
    state = folder.state()
    return state.started is None and not state.is_ended and folder.path.exists()


class _Child:
    """One server process. has_replied: it has given a whole reply."""

    def __init__(self, settings: Settings, lease: Path, secret: str) -> None:
        self.has_replied = False
        self.url = ""
        self._heard = threading.Event()
        self._well_at = -HEALTH_S
        self._process = _start_process(settings.root / LOG_NAME, secret)
        places = {
            "root": str(settings.root),
            "models": [str(folder) for folder in settings.models],
            "hub": str(settings.root / "hub"),
            "lease": str(lease),
        }
        try:
            self._process.stdin.write(json.dumps(places).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it is dead already; nothing will be heard of it
        self._listener = threading.Thread(target=self._listen, name="model server", daemon=True)
        self._listener.start()

    def await_port(self, timeout_s: float) -> bool:
        """Whether it answers."""
        self._heard.wait(timeout_s)
        return bool(self.url)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ends_within(self, timeout_s: float) -> bool:
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def is_well(self, client_of: Callable[[str], ServerClient]) -> bool:
        """Alive, and not stuck: it is asked at most every few seconds."""
        if not self.is_alive():
            return False
        if time.monotonic() - self._well_at < HEALTH_S:
            return True
        try:
            client_of(self.url).health(STUCK_S)
        except StudioError:
            return False
        self._well_at = time.monotonic()
        return True

    def end(self) -> None:
        try:
            self._process.stdin.close()
        except OSError:
            pass
        try:
            self._process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()

    def _listen(self) -> None:
        """What the server tells, until it ends: its port, and its first whole reply."""
        for line in self._process.stdout:
            told = json.loads(line)
            if "port" in told:
                self.url = f"http://127.0.0.1:{told['port']}"
                self._heard.set()
            self.has_replied = self.has_replied or "replied" in told
        self._process.stdout.close()
        self._heard.set()


def _start_process(log: Path, secret: str) -> subprocess.Popen[bytes]:
    """In a session of its own: a Ctrl-C in the app's terminal ends the app, which then ends the server."""
    if log.is_file() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as errors:
        errors.write(f"{utc_now()} the model server starts\n".encode())
        errors.flush()
        return subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=child_environment(os.environ, online=False) | {TOKEN_VARIABLE: secret},
            cwd=PROJECT,
            start_new_session=True,
        )
