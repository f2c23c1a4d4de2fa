"""What happens beside the steps of a run: when to log, to evaluate, to show replies, to keep a checkpoint, to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studio.events import Evaluated, Phase, Sample
from studio.models.loading import find_end_ids
from studio.training.checkpoints import CheckpointKeeper
from studio.training.rate import SampledRate
from studio.training.reporter import Reporter
from studio.training.run import Outcome, Run
from studio.training.samples import Ask, write_replies
from studio.training.schedule import Schedule
from studio.training.start import Start

MARGIN = "rewards/margins"


@dataclass(frozen=True)
class Measures:
    """What is measured on the way.

    held_out: given the trainer, the numbers of the held-out rows by name, "loss" among them; None where it was stopped
    half-way. least: so often between start and end, whatever it costs.
    """

    held_out: Callable[[Any], Mapping[str, float] | None] | None = None
    rate: SampledRate | None = None
    least: int = 0


class Watcher(TrainerCallback):
    """Decides after each step. The model as it was is measured right after the first step, with its weights put back.

    So the first loss is on the screen before anything else is computed.
    """

    def __init__(self, run: Run, outcome: Outcome, reporter: Reporter, measures: Measures) -> None:
        self.run = run
        self.outcome = outcome
        self.reporter = reporter
        self.measures = measures
        self.schedule = Schedule(reporter.total_steps, measures.least)
        self.keeper = CheckpointKeeper(run.folder / "checkpoints", run.emit, reporter.total_steps)
        self._end_ids = find_end_ids(run.base, run.renderer.end_id)
        self._trainer: Any = None
        self._start = Start(run.model)
        self._step0_pending = True
        self._best_step: int | None = None

    def attach(self, trainer: Any) -> None:
        self._trainer = trainer
        trainer.evaluate_now = self._evaluate_now
        trainer.save_now = self._save_now

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        step = state.global_step
        self.reporter.check_finite(step, args.learning_rate)
        stopping = self.run.should_stop()
        control.should_training_stop = control.should_training_stop or stopping
        control.should_log = stopping or self.reporter.is_due(step)
        last = step >= self.reporter.total_steps
        first = self._step0_pending
        control.should_evaluate = not stopping and (first or last or self.schedule.is_due(step))
        control.should_save = not stopping and not last and self.keeper.is_due(step, self.reporter.seconds_training)
        return control

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> Any:
        """The trainer asks once more at the end of an epoch; each step has been asked about already."""
        control.should_log = control.should_evaluate = control.should_save = False
        return control

    def _evaluate_now(self) -> None:
        step = self._trainer.state.global_step
        if self._step0_pending:
            self._step0_pending = False
            self._measure(0)
            self._start.forget()
            if step < self.reporter.total_steps:
                return
        self._measure(step)

    def _measure(self, step: int) -> None:
        """Held-out numbers and replies as of `step`; of step 0 with the weights of the start."""
        began = time.perf_counter()
        self.run.emit(Phase("evaluating"))
        model = self._trainer.model
        with nullcontext() if step else self._start.restored():
            found = self._measure_held_out(step)
            self._write_replies(model, step, found or {})
        cost_s = time.perf_counter() - began
        self.outcome.seconds_evaluating += cost_s
        steps = max(1, self._trainer.state.global_step)
        step_s = self.reporter.seconds_training / steps
        self.schedule.add_evaluation(step, cost_s, step_s)
        if step and found and self.keeper.is_best(found["loss"]):
            self._best_step = step
            self._trainer.control.should_save = step < self.reporter.total_steps
        if step < self.reporter.total_steps and not self.run.should_stop():
            self.run.emit(Phase("training", self.reporter.total_steps, "steps"))

    def _measure_held_out(self, step: int) -> Mapping[str, float] | None:
        found = self.measures.held_out(self._trainer) if self.measures.held_out else None
        if found is None:
            return None
        self.run.emit(Evaluated(step, "held_out", found))
        self._keep(step, found)
        return found

    def _write_replies(self, model: Any, step: int, found: Mapping[str, float]) -> None:
        """Those that are shown and those that are judged, in one batch. Replies that a stop cut short are neither."""
        prompts, rate = self.run.prompts, self.measures.rate
        asked = [Ask(prompt.ids) for prompt in prompts] + (rate.asks() if rate else [])
        if not asked or self.run.should_stop():
            return
        written = write_replies(model, asked, self._end_ids, self.run.plan, self.run.should_stop)
        if self.run.should_stop():
            return
        texts = [self.run.renderer.decode_reply(reply.ids) for reply in written]
        for prompt, text in zip(prompts, texts, strict=False):
            self.run.emit(Sample(step, prompt.text, text))
        if rate:
            shown = len(prompts)
            margin = found.get(MARGIN, self.reporter.extra.get(MARGIN))
            for event in rate.judge(step, written[shown:], texts[shown:], margin):
                self.run.emit(event)
            self._keep(step, {"rate": rate.rates[step]})

    def _keep(self, step: int, found: Mapping[str, float]) -> None:
        if step == 0:
            self.outcome.before |= found
        self.outcome.after |= found

    def _save_now(self) -> None:
        began = time.perf_counter()
        step = self._trainer.state.global_step
        self.keeper.save(step, self._trainer.write_checkpoint, best=step == self._best_step)
        self.outcome.seconds_saving += time.perf_counter() - began
