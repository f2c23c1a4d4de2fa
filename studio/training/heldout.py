"""The loss on held-out rows, weighted by token: the same rows before, during and after training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from studio.models.machine import Plan
from studio.models.rendering import RenderedRow
from studio.training.loss import IGNORED, autocast, pad_rows, sum_loss


class HeldOut:
    """Held-out rows in batches of like length."""

    def __init__(self, rows: list[RenderedRow], max_length: int, pad_id: int, batch_tokens: int) -> None:
        """batch_tokens: padded tokens a batch may hold."""
        self.rows = len(rows)
        cut = sorted(((row.ids[:max_length], row.labels(max_length)) for row in rows), key=lambda pair: len(pair[0]))
        groups: list[list[tuple[Any, Any]]] = []
        for pair in cut:
            if not groups or (len(groups[-1]) + 1) * len(pair[0]) > batch_tokens:
                groups.append([])
            groups[-1].append(pair)
        self.batches = [
            (pad_rows([ids for ids, _ in group], pad_id), pad_rows([labels for _, labels in group], IGNORED))
            for group in groups
        ]
        self.tokens = int(sum((labels[:, 1:] != IGNORED).sum() for _, labels in self.batches))

    def measure(self, model: Any, plan: Plan, device: str, should_stop: Callable[[], bool]) -> float | None:
        """Mean loss a token; None when it was asked to stop half-way. Leaves the model's mode and random state alone."""
        training = model.training
        model.eval()
        total = 0.0
        try:
            with torch.no_grad(), autocast(device, plan.dtype):
                for ids, labels in self.batches:
                    if should_stop():
                        return None
                    total += sum_loss(model, ids.to(device), labels.to(device), plan.loss_path).item()
        finally:
            model.train(training)
        return total / self.tokens
