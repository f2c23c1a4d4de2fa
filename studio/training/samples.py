"""Replies to a few prompts while a model trains: greedy, so that two of them differ only by what was learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from studio.models.machine import Plan
from studio.training.loss import autocast

NEW_TOKENS = 64


def write_replies(
    model: Any, prompts: list[list[int]], end_ids: set[int], plan: Plan, should_stop: Callable[[], bool]
) -> list[list[int]]:
    """The most likely reply to each prompt, at most 64 tokens, without its end token; all prompts in one batch.

    Left-padded, with positions that skip the padding, so that a reply does not depend on its neighbours.
    """
    device = next(model.parameters()).device.type
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), autocast(device, plan.dtype):
            replies = _Replies(len(prompts), end_ids)
            for picked in _iterate_picked(model, prompts, device):
                replies.add(picked)
                if replies.are_complete or should_stop():
                    break
    finally:
        model.train(training)
    return replies.ids


def _iterate_picked(model: Any, prompts: list[list[int]], device: str) -> Iterator[list[int]]:
    """The next token of every row, again and again, 64 times at most."""
    longest = max(len(ids) for ids in prompts)
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = None
    for _ in range(NEW_TOKENS):
        out = model(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        picked = out.logits[:, -1].argmax(-1)
        yield picked.tolist()
        ids = picked[:, None]
        mask = torch.cat([mask, mask.new_ones((len(prompts), 1))], 1)
        positions = positions[:, -1:] + 1


class _Replies:
    """Replies as they grow; one that has met an end token grows no more."""

    def __init__(self, count: int, end_ids: set[int]) -> None:
        self.ids: list[list[int]] = [[] for _ in range(count)]
        self._open = set(range(count))
        self._end_ids = end_ids

    @property
    def are_complete(self) -> bool:
        return not self._open

    def add(self, picked: list[int]) -> None:
        for row in list(self._open):
            if picked[row] in self._end_ids:
                self._open.discard(row)
            else:
                self.ids[row].append(picked[row])
