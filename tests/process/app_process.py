"""A small app in a process of its own, as tests start, talk to, interrupt and kill it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from studio.jobs.folder import JobFolder
from studio.jobs.launchers.local import PROJECT


class AppProcess:
    """The small app on a root, ready to take jobs."""

    def __init__(self, root: Path, module: str, *flags: str) -> None:
        self.root = root
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.process.small_app", str(root), module, *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=PROJECT,
            process_group=0,
        )
        assert self._child.stdout.readline() == "ready\n"
        self.pid = self._child.pid

    def submit(self, kind: str, deed: str | None = None, **options: Any) -> JobFolder:
        asked = {"kind": kind, "options": options, "deed": deed or secrets.token_hex(8)}
        self._child.stdin.write(json.dumps(asked) + "\n")
        job_id = self._child.stdout.readline().strip()
        return JobFolder(self.root / "people" / "local" / "jobs" / job_id)

    def interrupt(self) -> None:
        """What Ctrl-C in its terminal does: SIGINT to its whole process group."""
        os.killpg(self.pid, signal.SIGINT)
        self._close(signal.SIGINT)

    def kill(self) -> None:
        self._child.kill()
        self._close(signal.SIGKILL)

    def close(self) -> None:
        if self._child.poll() is None:
            self._child.stdin.close()
            self._child.wait(60)
        self._child.stdout.close()

    def _close(self, number: signal.Signals) -> None:
        assert self._child.wait(60) != 0, number
        try:
            self._child.stdin.close()
        except OSError:
            pass
        self._child.stdout.close()
