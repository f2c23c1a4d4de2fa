"""What all our trainers do alike: their steps are told to a reporter, and our own watcher says when to measure and save."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, ProgressCallback, Trainer
from transformers.trainer import TRAINER_STATE_NAME

from studio.models.machine import Plan
from studio.training.reporter import Reporter

TRAINED = "default"
"""peft's name for the adapter that is trained; a frozen copy beside it is never saved."""


@contextmanager
def kept_precision(model: Any) -> Iterator[None]:
    """Around the making of a trainer: trl turns the trained weights over a quantised base into bf16, which loses small
    updates; they stay fp32 here."""
    kept = [(parameter, parameter.data) for parameter in model.parameters() if parameter.requires_grad]
    yield
    for parameter, data in kept:
        parameter.data = data


class ReportingTrainer(Trainer):
    """Goes before a trainer of trl in the list of bases; that one calls `report_to` when it is made."""

    def report_to(self, plan: Plan, reporter: Reporter) -> None:
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        self.plan = plan
        self.reporter = reporter
        self.evaluate_now: Callable[[], None] = lambda: None
        self.save_now: Callable[[], None] = lambda: None
        self._trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self._step_loss: list[torch.Tensor] = []

    def take_extra(self) -> Mapping[str, float]:
        """The method's own numbers since they were last taken, by name."""
        return {}

    def _clip_grad_norm(self, model: Any) -> torch.Tensor:
        """The norm before clipping. Where it is not a number the step is left out, so that the adapter stays usable."""
        norm = torch.nn.utils.clip_grad_norm_(self._trained, self.args.max_grad_norm)
        loss = torch.stack(self._step_loss).sum().item()
        self._step_loss.clear()
        if not math.isfinite(loss) or not math.isfinite(norm.item()):
            model.zero_grad()
            loss = math.nan
        self.reporter.add_loss(loss)
        return norm

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: it walks all parameters in every step."""
        return 0

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Only the lines of steps: the summary at the end has its own place."""
        if "loss" in logs:
            self.reporter.extra = dict(self.take_extra())
            self.reporter.write_step(
                self.state.global_step, self.state.epoch or 0.0, logs.get("learning_rate"), logs.get("grad_norm")
            )

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        with self.reporter.pause():
            self.evaluate_now()
        return {}

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with self.reporter.pause():
            self.save_now()

    def write_checkpoint(self, folder: Path) -> None:
        """All that `train(resume_from_checkpoint=…)` reads: adapter, optimizer, schedule, random state, counters."""
        self.model.save_pretrained(folder, safe_serialization=True, selected_adapters=[TRAINED])
        self._save_optimizer_and_scheduler(str(folder))
        self._save_rng_state(str(folder))
        self.state.save_to_json(str(folder / TRAINER_STATE_NAME))
        (folder / "README.md").unlink(missing_ok=True)
