"""What happens beside the steps of a run: when to log, to evaluate, to show replies, to keep a checkpoint, to stop."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studio.events import Evaluated, Phase, Sample
from studio.models.loading import find_end_ids
from studio.training.checkpoints import CheckpointKeeper
from studio.training.heldout import HeldOut
from studio.training.reporter import Reporter
from studio.training.run import Outcome, Run
from studio.training.samples import write_replies
from studio.training.schedule import Schedule


class Watcher(TrainerCallback):
    """Decides after each step. The untrained model is measured right after the first step, with the adapter off.

    So the first loss is on the screen before anything else is computed.
    """

    def __init__(self, run: Run, outcome: Outcome, reporter: Reporter, held_out: HeldOut | None) -> None:
        self.run = run
        self.outcome = outcome
        self.reporter = reporter
        self.held_out = held_out
        self.schedule = Schedule(reporter.total_steps)
        self.keeper = CheckpointKeeper(run.folder / "checkpoints", run.emit, reporter.total_steps)
        self._end_ids = find_end_ids(run.base, run.renderer.end_id)
        self._trainer: Any = None
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
            if step < self.reporter.total_steps:
                return
        self._measure(step)

    def _measure(self, step: int) -> None:
        """Held-out loss and replies as of `step`; of step 0 with the adapter off."""
        began = time.perf_counter()
        self.run.emit(Phase("evaluating"))
        model = self._trainer.model
        with model.disable_adapter() if step == 0 else nullcontext():
            loss = self._measure_held_out(model, step)
            self._show_replies(model, step)
        cost_s = time.perf_counter() - began
        self.outcome.seconds_evaluating += cost_s
        steps = max(1, self._trainer.state.global_step)
        step_s = self.reporter.seconds_training / steps
        self.schedule.add_evaluation(step, cost_s, step_s)
        if step and loss is not None and self.keeper.is_best(loss):
            self._best_step = step
            self._trainer.control.should_save = step < self.reporter.total_steps
        if step < self.reporter.total_steps and not self.run.should_stop():
            self.run.emit(Phase("training", self.reporter.total_steps, "steps"))

    def _measure_held_out(self, model: Any, step: int) -> float | None:
        if self.held_out is None:
            return None
        loss = self.held_out.measure(model, self.run.plan, self.run.machine.device, self.run.should_stop)
        if loss is None:
            return None
        self.run.emit(Evaluated(step, "held_out", {"loss": loss, "tokens": self.held_out.tokens}))
        if step == 0:
            self.outcome.held_out_before = loss
        self.outcome.held_out_after = loss
        return loss

    def _show_replies(self, model: Any, step: int) -> None:
        """A reply that a stop cut short is not shown."""
        prompts = self.run.prompts
        if not prompts or self.run.should_stop():
            return
        replies = write_replies(model, [p.ids for p in prompts], self._end_ids, self.run.plan, self.run.should_stop)
        if self.run.should_stop():
            return
        for prompt, ids in zip(prompts, replies, strict=True):
            self.run.emit(Sample(step, prompt.text, self.run.renderer.decode_reply(ids)))

    def _save_now(self) -> None:
        began = time.perf_counter()
        step = self._trainer.state.global_step
        self.keeper.save(step, self._trainer.write_checkpoint, best=step == self._best_step)
        self.outcome.seconds_saving += time.perf_counter() - began
