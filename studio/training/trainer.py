"""trl's SFTTrainer, with the loss from one forward and its steps told to a reporter."""

from __future__ import annotations

from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from studio.models.machine import Plan
from studio.models.rendering import RenderedRow
from studio.training.loss import IGNORED, autocast, pad_rows, sum_loss
from studio.training.reporter import Reporter
from studio.training.reporting import ReportingTrainer, kept_precision


class Collator:
    """Looks rows up by number and pads them to the longest of their batch."""

    def __init__(self, rows: list[RenderedRow], max_length: int, pad_id: int) -> None:
        self.rows = rows
        self.max_length = max_length
        self.pad_id = pad_id

    def __call__(self, picked: list[dict[str, int]]) -> dict[str, torch.Tensor]:
        """{"input_ids", "labels"}: (B, longest), and "tokens": how many of them are no padding."""
        rows = [self.rows[entry["row"]] for entry in picked]
        ids = [row.ids[: self.max_length] for row in rows]
        return {
            "input_ids": pad_rows(ids, self.pad_id),
            "labels": pad_rows([row.labels(self.max_length) for row in rows], IGNORED),
            "tokens": torch.tensor(sum(map(len, ids))),
        }


class TunedTrainer(ReportingTrainer, SFTTrainer):
    """An SFTTrainer that takes rows already tokenised and masked.

    `compute_loss` is the model's own loss from one forward: trl's fused head saves memory for a large vocabulary on a
    GPU and costs 1.4–1.6 times a plain loop where the vocabulary is small.
    """

    def __init__(
        self,
        *,
        model: Any,
        config: SFTConfig,
        tokenizer: Any,
        collator: Collator,
        plan: Plan,
        reporter: Reporter,
        callbacks: list[TrainerCallback],
    ) -> None:
        with kept_precision(model):
            super().__init__(
                model=model,
                args=config,
                processing_class=tokenizer,
                data_collator=collator,
                train_dataset=Dataset.from_dict({"row": list(range(len(collator.rows)))}),
                callbacks=callbacks,
            )
        self.report_to(plan, reporter)
        # The loss is a mean over the whole step already; the trainer must neither divide it again nor guess.
        self.loss_is_scaled_for_ga = True
        self.model_accepts_loss_kwargs = True
        self._loss_shifts_labels = True

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Mean over the trained tokens of the whole step, all its micro-batches together."""
        labels = inputs["labels"]
        with autocast(labels.device.type, self.plan.dtype):
            total = sum_loss(model, inputs["input_ids"], labels, self.plan.loss_path)
        count = (labels[:, 1:] != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        loss = total / count
        self._step_loss.append(loss.detach())
        self.reporter.tokens += int(inputs["tokens"])
        return loss
