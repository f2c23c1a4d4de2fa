"""Replies to a few prompts while a model trains: greedy, so that two of them differ only by what was learned."""

from __future__ import annotations

from collections.abc import Callable
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
    device = next(model.parameters()).device
    longest = max(len(ids) for ids in prompts)
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    replies: list[list[int]] = [[] for _ in prompts]
    open_rows = set(range(len(prompts)))
    cache = None
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), autocast(device.type, plan.dtype):
            for _ in range(NEW_TOKENS):
                if not open_rows or should_stop():
                    break
                out = model(
                    input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
                )
                cache = out.past_key_values
                picked = out.logits[:, -1].argmax(-1)
                for row, token in enumerate(picked.tolist()):
                    if row in open_rows:
                        if token in end_ids:
                            open_rows.discard(row)
                        else:
                            replies[row].append(token)
                ids = picked[:, None]
                mask = torch.cat([mask, mask.new_ones((len(prompts), 1))], 1)
                positions = positions[:, -1:] + 1
    finally:
        model.train(training)
    return replies
