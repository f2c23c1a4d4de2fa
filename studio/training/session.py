"""One training session on rendered rows: builds the trainer and runs it, and says what it was in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from transformers import PreTrainedTokenizerFast
from trl import SFTConfig

from studio.events import Event, Notice, Phase, Rows
from studio.training.forecast import count_steps
from studio.training.heldout import HeldOut
from studio.training.memory import read_memory_in_use
from studio.training.reporter import Reporter
from studio.training.reporting import ReportingTrainer
from studio.training.run import Outcome, Run
from studio.training.schedule import choose_subset
from studio.training.trainer import Collator, TunedTrainer
from studio.training.watcher import Measures, Watcher

EVALUATION_SHARE = 0.03
LEAST_EVALUATION_S = 0.15
FORWARD_SHARE = 0.35
"""A forward pass of a batch against a training step on it, measured 0.30–0.36 on the pocket model."""
_NEVER = 10**9


def train_rows(run: Run, outcome: Outcome) -> Iterator[Event]:
    """Everything between the loaded model and the trained adapter in memory."""
    trainer, held_out = build_trainer(run, outcome)
    yield from _compare_rows(len(run.rows), len(trainer.train_dataset))
    yield from run_trainer(run, outcome, trainer, held_out.rows if held_out else 0)


def run_trainer(run: Run, outcome: Outcome, trainer: ReportingTrainer, held_out: int) -> Iterator[Event]:
    """From the first step to the last, and what came of it. held_out: rows that each evaluation takes."""
    if held_out < len(run.held_out):
        yield Notice("info", "held_out_subset", {"used": held_out, "rows": len(run.held_out)})
    yield Phase("training", trainer.reporter.total_steps, "steps")
    if not run.should_stop():
        trainer.train()
    outcome.step = trainer.state.global_step
    outcome.stopped = run.should_stop()
    outcome.train_loss = trainer.reporter.last_loss
    outcome.tokens = trainer.reporter.tokens
    outcome.seconds_training = trainer.reporter.seconds_training


def build_trainer(run: Run, outcome: Outcome) -> tuple[TunedTrainer, HeldOut | None]:
    """The trainer of a run, ready for `train()`, and the held-out rows that it is measured on."""
    collator = Collator(run.rows, run.options.max_length_tokens, run.renderer.pad_id)
    steps = count_steps(len(run.rows), run.options)
    reporter = Reporter(run.emit, steps, lambda: read_memory_in_use(run.machine.device))
    held_out = _build_held_out(run, steps)
    watcher = Watcher(run, outcome, reporter, Measures(held_out and partial(_measure, run, held_out)))
    trainer = TunedTrainer(
        model=run.model,
        config=build_config(run),
        tokenizer=build_tokenizer(run),
        collator=collator,
        plan=run.plan,
        reporter=reporter,
        callbacks=[watcher],
    )
    watcher.attach(trainer)
    return trainer, held_out


def build_config(run: Run) -> SFTConfig:
    return SFTConfig(**config_values(run), dataset_kwargs={"skip_prepare_dataset": True})


def config_values(run: Run) -> dict[str, Any]:
    """What all of trl's configurations are given. Rows come prepared, our own callback logs, evaluates and saves."""
    options = run.options
    return {
        "output_dir": str(run.folder / "checkpoints"),
        "num_train_epochs": options.epochs,
        "learning_rate": options.learning_rate,
        "per_device_train_batch_size": options.batch_size,
        "gradient_accumulation_steps": options.gradient_accumulation,
        "warmup_steps": float(options.warm_up_fraction),
        "lr_scheduler_type": options.schedule,
        "weight_decay": options.weight_decay,
        "seed": options.seed,
        "max_length": None,
        "remove_unused_columns": False,
        "use_cpu": run.machine.device == "cpu",
        "bf16": False,
        "activation_checkpointing": False,
        "logging_strategy": "steps",
        "logging_steps": _NEVER,
        "logging_first_step": False,
        "eval_strategy": "no",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": run.machine.device == "cuda",
        "optim": "adamw_torch_fused",
    }


def build_tokenizer(run: Run) -> PreTrainedTokenizerFast:
    """The base's tokenizer as trl wants to be given one; rows are rendered without it."""
    renderer = run.renderer
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=renderer.tokenizer, eos_token=renderer.end_token)
    tokenizer.pad_token_id = renderer.pad_id
    return tokenizer


def budget_tokens(run: Run, steps: int, tokens: float, length: float) -> float:
    """Tokens that one evaluation may read: three hundredths of the run. tokens, length: of a batch and a row, on average."""
    run_s = steps * run.plan.step_seconds(tokens, length)
    token_s = FORWARD_SHARE * run.plan.token_seconds(length)
    return max(EVALUATION_SHARE * run_s, LEAST_EVALUATION_S) / token_s if token_s > 0 else math.inf


def _measure(run: Run, held_out: HeldOut, trainer: TunedTrainer) -> dict[str, float] | None:
    loss = held_out.measure(trainer.model, run.plan, run.machine.device, run.should_stop)
    return None if loss is None else {"loss": loss, "tokens": held_out.tokens}


def _build_held_out(run: Run, steps: int) -> HeldOut | None:
    """The held-out rows, or as many of them as one evaluation may cost three hundredths of the run."""
    if not run.held_out:
        return None
    most = run.options.max_length_tokens
    batch = run.options.batch_size * run.options.gradient_accumulation
    mean = sum(min(len(row.ids), most) for row in run.rows) / len(run.rows)
    budget = budget_tokens(run, steps, mean * batch, mean)
    used = choose_subset([min(len(row.ids), most) for row in run.held_out], budget)
    return HeldOut(run.held_out[:used], most, run.renderer.pad_id, max(2048, most))


def _compare_rows(given: int, prepared: int) -> Iterator[Event]:
    """The trainer has its own ideas of what a row is: a difference is said, not hidden."""
    if given != prepared:
        yield Rows(read=given, kept=prepared, truncated=0, dropped={"trainer": given - prepared})
