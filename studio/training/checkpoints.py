"""Checkpoints of a run: a folder is one when its manifest exists; the last two and the best are kept."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from studio.errors import CheckpointUnreadable
from studio.events import Checkpoint, Event

FORMAT = 1
MANIFEST = "manifest.json"
INTERVAL_S = 60.0
LEAST_INTERVAL_S = 2.0
RUN_SHARE = 0.1
KEPT = 2


class CheckpointKeeper:
    """Decides when a checkpoint is due, writes it whole, and removes those nobody needs."""

    def __init__(self, folder: Path, emit: Callable[[Event], None], total_steps: int) -> None:
        self.folder = folder
        self.best_step: int | None = None
        self._best_loss: float | None = None
        self._emit = emit
        self._total_steps = total_steps
        self._saved_at_s = 0.0
        self._steps: list[int] = []

    def is_due(self, step: int, seconds_training: float) -> bool:
        """Every 60 s, or every tenth of a run that is shorter than ten minutes."""
        run_s = seconds_training / step * self._total_steps
        interval_s = min(INTERVAL_S, max(RUN_SHARE * run_s, LEAST_INTERVAL_S))
        if seconds_training - self._saved_at_s < interval_s:
            return False
        self._saved_at_s = seconds_training
        return True

    def is_best(self, loss: float) -> bool:
        """Whether a held-out loss is the lowest so far; the checkpoint made right after it is then the best one."""
        if self._best_loss is not None and loss >= self._best_loss:
            return False
        self._best_loss = loss
        return True

    def save(self, step: int, write: Callable[[Path], None], best: bool) -> Path:
        """`write` fills an empty folder; the manifest with every file's hash comes last, then the final name."""
        name = f"step-{step:06d}"
        part = self.folder / f".{name}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        write(part)
        files = {path.name: hash_file(path) for path in sorted(part.iterdir())}
        (part / MANIFEST).write_text(json.dumps({"format": FORMAT, "step": step, "files": files}, indent=1), "utf-8")
        final = self.folder / name
        part.rename(final)
        if best:
            self.best_step = step
        self._steps.append(step)
        self._emit(Checkpoint(step, f"{self.folder.name}/{name}", sum(p.stat().st_size for p in final.iterdir())))
        self._remove_old()
        return final

    def _remove_old(self) -> None:
        for step in [s for s in self._steps[:-KEPT] if s != self.best_step]:
            shutil.rmtree(self.folder / f"step-{step:06d}")
            self._steps.remove(step)


def check_checkpoint(folder: Path) -> int:
    """The step of a whole checkpoint. Raises CheckpointUnreadable where a file is missing or not the one written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        wrong = [name for name, digest in manifest["files"].items() if hash_file(folder / name) != digest]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointUnreadable(checkpoint=folder.name, cause=type(error).__name__) from error
    if wrong or manifest.get("format") != FORMAT:
        raise CheckpointUnreadable(checkpoint=folder.name, cause=", ".join(wrong) or "format")
    return int(manifest["step"])


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
