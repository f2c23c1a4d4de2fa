"""trl's DPOTrainer on pairs that are rendered already, its steps told to a reporter."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import DPOConfig, DPOTrainer

from studio.models.machine import Plan
from studio.models.rendering import RenderedRow
from studio.training.loss import IGNORED, autocast, pad_rows
from studio.training.pairs import RenderedPair
from studio.training.reporter import Reporter
from studio.training.reporting import ReportingTrainer, kept_precision

SHOWN = ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies")


class PairCollator:
    """Looks pairs up by number; the first half of a batch are the chosen replies, the second the rejected ones."""

    def __init__(self, pairs: list[RenderedPair], max_length: int, pad_id: int) -> None:
        self.pairs = pairs
        self.max_length = max_length
        self.pad_id = pad_id

    def __call__(self, picked: list[dict[str, int]]) -> dict[str, torch.Tensor]:
        """{"input_ids", "attention_mask", "completion_mask"}: (2 B, longest), padded on the right, and "tokens": how many
        of them are no padding.

        The completion mask holds the tokens that our renderer marks as the reply. The attention mask is all ones: under
        causal attention nothing to the left of the padding sees it, and without a mask the kernels are faster.
        """
        pairs = [self.pairs[entry["row"]] for entry in picked]
        return self.pad([pair.chosen for pair in pairs] + [pair.rejected for pair in pairs])

    def pad(self, rows: list[RenderedRow]) -> dict[str, torch.Tensor]:
        ids = [row.ids[: self.max_length] for row in rows]
        labels = pad_rows([row.labels(self.max_length) for row in rows], IGNORED)
        return {
            "input_ids": pad_rows(ids, self.pad_id),
            "attention_mask": torch.ones_like(labels),
            "completion_mask": (labels != IGNORED).long(),
            "tokens": torch.tensor(sum(map(len, ids))),
        }


class PairTrainer(ReportingTrainer, DPOTrainer):
    """trl makes the reference: a frozen copy of the adapter as it is given, so that rewards are 0 at the first step."""

    def __init__(
        self,
        *,
        model: Any,
        config: DPOConfig,
        tokenizer: Any,
        collator: PairCollator,
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
                train_dataset=Dataset.from_dict({"row": list(range(len(collator.pairs)))}),
                callbacks=callbacks,
            )
        self.report_to(plan, reporter)
        # A step's loss is the mean of its batches; the trainer divides what `compute_loss` gives.
        self.loss_is_scaled_for_ga = False

    def _prepare_dataset(self, dataset: Dataset, *args: Any, **kwargs: Any) -> Dataset:
        return dataset

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """trl's loss and metrics of a batch of pairs."""
        tokens = inputs.pop("tokens")
        with autocast(inputs["input_ids"].device.type, self.plan.dtype):
            loss = self._compute_loss(model, inputs, False)
        if model.training:
            self._step_loss.append(loss.detach() / self.current_gradient_accumulation_steps)
            self.reporter.tokens += int(tokens)
        return loss

    def take_extra(self) -> Mapping[str, float]:
        return self._take("train")

    def measure_pairs(self, batches: list[dict[str, torch.Tensor]], should_stop: Any) -> dict[str, float] | None:
        """Loss, rewards, margin and share of pairs whose chosen reply is preferred; None when it was asked to stop.

        batches: as the collator gives them, measured in evaluation mode, each weighted by its pairs.
        """
        model, training = self.model, self.model.training
        model.eval()
        sums: dict[str, float] = {}
        pairs = 0
        try:
            for batch in batches:
                if should_stop():
                    return None
                with torch.no_grad():
                    loss = self.compute_loss(model, {name: t.to(self.args.device) for name, t in batch.items()})
                count = len(batch["input_ids"]) // 2
                pairs += count
                for name, value in {"loss": loss.item(), **self._take("eval")}.items():
                    sums[name] = sums.get(name, 0.0) + count * value
        finally:
            model.train(training)
        return {name: total / pairs for name, total in sums.items()}

    def _take(self, mode: str) -> dict[str, float]:
        kept = self._metrics[mode]
        found = {name: fmean(kept[name]) for name in SHOWN if kept[name]}
        kept.clear()
        return found
