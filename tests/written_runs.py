"""A training run whose log a test writes itself, line by line: it holds the job's lock, as a worker does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from studio.events import Event, Started, Step
from studio.jobs.folder import JobFolder, create_job
from studio.jobs.lease import take_lock
from studio.jobs.log import LogWriter
from studio.jobspec import JobSpec

PROMPTS = ["How much is the mug?", "閉店は何時ですか？"]


class WrittenRun:
    """A run in a workspace. number: later runs have larger ones. Close it, or it stays running."""

    def __init__(self, workspace: Path, number: int = 0, title: str = "shop") -> None:
        spec = JobSpec(
            id=f"20260101T000000{number:03d}Z-train-shop",
            kind="train",
            lane="device",
            owner=workspace.name,
            title=title,
            created=datetime.now(UTC).isoformat(),
            deed=f"deed-{number}",
            options=run_options(title),
        )
        self.folder: JobFolder = create_job(spec, workspace / "jobs")
        self.id = spec.id
        self._lock = take_lock(self.folder.path / "lock")
        self._log = LogWriter(self.folder.events_path)
        self.write(Started(pid=os.getpid(), process_started=0.0, device="cpu", versions={}))

    def write(self, *events: Event) -> None:
        for event in events:
            self._log.write(event)

    def step(self, number: int, loss: float | None = 1.0, total: int = 76) -> None:
        self.write(Step(number, total, number / total, loss, 0.002, 0.5, number * 800, 6120.0, None))

    def write_steps(self, losses: Iterable[float | None], total: int) -> None:
        """Many steps at once, from 1, faster than one by one."""
        now = datetime.now(UTC).isoformat()
        lines = [
            {"kind": "step", "time": now, "step": step, "total_steps": total, "epoch": step / total, "loss": loss, "tokens": step * 800,
             "learning_rate": 0.002 * (1 - step / total), "grad_norm": 0.5 + step % 7 / 10, "tokens_per_s": 6120.0}
            for step, loss in enumerate(losses, 1)
        ]  # fmt: skip
        with self.folder.events_path.open("ab") as log:
            log.write(b"".join(orjson.dumps(line) + b"\n" for line in lines))

    def close(self) -> None:
        """Let go of the lock, as a worker does when its process ends."""
        if self._lock >= 0:
            self._log.close()
            with suppress(OSError):
                os.close(self._lock)
            self._lock = -1


def run_options(title: str) -> dict[str, Any]:
    """A complete TrainSpec of the pocket model."""
    methods = {"epochs": 1, "learning_rate": 0.002, "batch_size": 16}
    return {
        "format": 1, "base": "pocket", "base_folder": "/nowhere", "version": "abcdef123456", "dataset_name": "shop",
        "method": "sft", "adapter": "lora", "method_options": methods, "adapter_options": {"rank": 16},
        "prompts": PROMPTS, "title": title,
    }  # fmt: skip
