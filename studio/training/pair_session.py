"""One training session on preference pairs: builds trl's DPOTrainer and what is measured beside it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial

import torch
from trl import DPOConfig

from studio.events import Event, Notice, Rows
from studio.training.forecast import PAIR_COST, count_steps
from studio.training.memory import read_memory_in_use
from studio.training.pair_trainer import PairCollator, PairTrainer
from studio.training.rate import SampledRate
from studio.training.reporter import Reporter
from studio.training.run import Outcome, Run
from studio.training.schedule import choose_subset
from studio.training.session import budget_tokens, build_tokenizer, config_values, run_trainer
from studio.training.watcher import Measures, Watcher

LEAST_RATES = 3
"""Rates between start and end, whatever they cost: fewer do not show a fall."""
EVALUATED_PAIRS = 8
"""Held-out pairs in a batch."""


def train_pairs(run: Run, outcome: Outcome) -> Iterator[Event]:
    """Everything between the loaded model and the trained adapter in memory."""
    if any(isinstance(layer, torch.nn.Dropout) and layer.p > 0 for layer in run.model.modules()):
        yield Notice("info", "dropout_off_for_pairs", {})
    # trl asks by a name that transformers has renamed, in every batch, and each time the log would tell of it.
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
    trainer, held_out = build_pair_trainer(run, outcome)
    if (prepared := len(trainer.train_dataset)) != len(run.rows):
        yield Rows(len(run.rows), prepared, 0, {"trainer": len(run.rows) - prepared})
    yield from run_trainer(run, outcome, trainer, held_out)


def build_pair_trainer(run: Run, outcome: Outcome) -> tuple[PairTrainer, int]:
    """The trainer of a run, ready for `train()`, and how many held-out pairs it is measured on."""
    options = run.options
    collator = PairCollator(run.rows, options.max_length_tokens, run.renderer.pad_id)
    steps = count_steps(len(run.rows), options)
    reporter = Reporter(run.emit, steps, lambda: read_memory_in_use(run.machine.device))
    used = _count_held_out(run, steps)
    batches = _batch_held_out(run, used)
    rate = SampledRate(run.rated, options.verifier, options.verifier_value) if run.rated else None
    measure = partial(_measure, run, batches) if batches else None
    watcher = Watcher(run, outcome, reporter, Measures(measure, rate, LEAST_RATES if rate else 0))
    trainer = PairTrainer(
        model=run.model,
        config=build_config(run),
        tokenizer=build_tokenizer(run),
        collator=collator,
        plan=run.plan,
        reporter=reporter,
        callbacks=[watcher],
    )
    watcher.attach(trainer)
    return trainer, used


def build_config(run: Run) -> DPOConfig:
    """The preference loss and, unless its weight is 0, the loss of plain fine-tuning on the chosen replies."""
    options = run.options
    losses = {options.loss: 1.0} | ({"sft": options.sft_weight} if options.sft_weight else {})
    return DPOConfig(
        **config_values(run),
        beta=options.beta,
        loss_type=list(losses),
        loss_weights=list(losses.values()),
        label_smoothing=options.label_smoothing if options.loss == "robust" else 0.0,
    )


def _measure(run: Run, batches: list[dict[str, torch.Tensor]], trainer: PairTrainer) -> dict[str, float] | None:
    return trainer.measure_pairs(batches, run.should_stop)


def _count_held_out(run: Run, steps: int) -> int:
    """As many of the held-out pairs as one evaluation may cost three hundredths of the run."""
    if not run.held_out:
        return 0
    most = run.options.max_length_tokens
    batch = run.options.batch_size * run.options.gradient_accumulation
    mean = sum(pair.count_tokens(most) for pair in run.rows) / len(run.rows)
    budget = budget_tokens(run, steps, PAIR_COST * mean * batch, mean / 2)
    return choose_subset([2 * pair.count_tokens(most) for pair in run.held_out], budget)


def _batch_held_out(run: Run, used: int) -> list[dict[str, torch.Tensor]]:
    """Batches of like length."""
    most = run.options.max_length_tokens
    pairs = sorted(run.held_out[:used], key=lambda pair: min(pair.longest, most))
    collator = PairCollator(pairs, most, run.renderer.pad_id)
    numbers = range(len(pairs))
    return [
        collator([{"row": number} for number in numbers[start : start + EVALUATED_PAIRS]])
        for start in numbers[::EVALUATED_PAIRS]
    ]
