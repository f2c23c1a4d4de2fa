"""The app as a person starts it, for measuring: its own process, a free port, a root that is thrown away."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
SPARE_MARK = "--preload"


@dataclass(frozen=True)
class App:
    """A running app. started: `time.perf_counter()` just before its process was made."""

    process: subprocess.Popen
    address: str
    root: Path
    started: float

    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def family(self) -> list[psutil.Process]:
        """The app's process, then every child and grandchild."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def spare(self) -> list[psutil.Process]:
        """Keeper and worker that wait for a job, imports done or under way."""
        return [child for child in self.family()[1:] if SPARE_MARK in " ".join(_command(child))]


@contextmanager
def running_app(root: Path | None = None, environment: Mapping[str, str] | None = None) -> Iterator[App]:
    """`python app.py` until its port is open; ended, with all it started, when the block is left."""
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch:
        port = free_port()
        folder = root or Path(scratch) / "root"
        command = [sys.executable, "app.py", "--port", str(port), "--root", str(folder), "--lang", "en"]
        with (Path(scratch) / "app.log").open("wb") as log:
            started = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})}, start_new_session=True,
            )  # fmt: skip
            app = App(process, f"http://127.0.0.1:{port}/", folder, started)
            try:
                wait_until(lambda: _is_open(port) or process.poll() is not None, 60, every_s=0.005)
                if process.poll() is not None:
                    raise RuntimeError((Path(scratch) / "app.log").read_text("utf-8", errors="replace"))
                yield app
            finally:
                _end(app)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition: Callable[[], bool], limit_s: float, every_s: float = 0.05) -> float:
    """Seconds until the condition held. Raises TimeoutError."""
    began = time.perf_counter()
    pause = threading.Event()
    while not condition():
        if time.perf_counter() - began > limit_s:
            raise TimeoutError(f"not within {limit_s} s")
        pause.wait(every_s)
    return time.perf_counter() - began


def memory(processes: list[psutil.Process]) -> dict[str, float]:
    """rss_mb counts shared pages in every process, pss_mb shares them out: sums of processes want the latter."""
    infos = [found for process in processes if (found := _memory_of(process))]
    return {
        "rss_mb": round(sum(info.rss for info in infos) / 1e6, 1),
        "pss_mb": round(sum(getattr(info, "pss", 0) for info in infos) / 1e6, 1),
        "processes": len(infos),
    }


def is_idle(processes: list[psutil.Process]) -> bool:
    """Whether the processes use no CPU for half a second: waiting, with their imports done."""
    for process in processes:
        process.cpu_percent()
    threading.Event().wait(0.5)
    return sum(process.cpu_percent() for process in processes) < 1


def _memory_of(process: psutil.Process):
    try:
        return process.memory_full_info()
    except psutil.NoSuchProcess:
        return None


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(app: App) -> None:
    """Ask the app to stop, then end by id whatever it started (jobs outlive the app on purpose)."""
    family = app.family() if app.process.poll() is None else []
    app.process.terminate()
    try:
        app.process.wait(15)
    except subprocess.TimeoutExpired:
        app.process.kill()
        app.process.wait()
    _, alive = psutil.wait_procs(family, timeout=5)
    for child in alive:
        child.kill()
