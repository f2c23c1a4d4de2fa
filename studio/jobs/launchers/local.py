"""Starts keepers on this machine, each in a session of its own, so that they outlive the app and its terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]

_ENVIRONMENT = {
    # Threads that spin while they wait made a run beside another one ten times slower on two cores.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "DO_NOT_TRACK": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "WANDB_MODE": "disabled",
    "ACCELERATE_DISABLE_RICH": "1",
}
_HUB_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN")


class LocalLauncher:
    """worker_module: what `python -m` starts as the worker. log: where keepers complain, or None for nowhere."""

    def __init__(self, worker_module: str = "studio.worker", log: Path | None = None) -> None:
        self.worker_module = worker_module
        self.log = log

    def launch(self, *, preload: bool, online: bool, environment: Mapping[str, str]) -> LocalKeeper:
        command = [sys.executable, "-S", "-P", "-m", "studio.jobs.keeper", self.worker_module]
        errors = self.log.open("ab") if self.log else None
        try:
            child = subprocess.Popen(
                [*command, "--preload"] if preload else command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors or subprocess.DEVNULL,
                env=child_environment(os.environ, online=online) | environment,
                cwd=PROJECT,
                start_new_session=True,
            )
        finally:
            if errors:
                errors.close()
        return LocalKeeper(child)


class LocalKeeper:
    """A keeper on this machine."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self.pid = child.pid

    def give(self, folder: Path, lease: Path | None, grace_s: float) -> bool:
        if not self.is_alive():
            return False
        order = {"folder": str(folder), "lease": str(lease) if lease else None, "grace_s": grace_s}
        try:
            self._child.stdin.write(json.dumps(order).encode() + b"\n")
            self._child.stdin.close()
        except OSError:
            return False
        return True

    def is_alive(self) -> bool:
        return self._child.poll() is None

    def wait(self) -> None:
        self._child.wait()

    def dismiss(self) -> None:
        try:
            self._child.stdin.close()
        except OSError:
            pass


def child_environment(environment: Mapping[str, str], *, online: bool) -> dict[str, str]:
    """The environment of keeper and worker: quiet libraries, no tracking, no network and no hub token unless online.

    Device jobs see one accelerator: the first of those the operator allows. (The trainers would otherwise split a
    batch over all they see, and another run could not be given the rest.)
    """
    made = dict(environment) | _ENVIRONMENT
    made["PYTHONPATH"] = os.pathsep.join([str(PROJECT), *filter(None, [environment.get("PYTHONPATH")])])
    made["CUDA_VISIBLE_DEVICES"] = environment.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    if online:
        return made
    for name in _HUB_TOKENS:
        made.pop(name, None)
    return made | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
