"""Replies to a few prompts while a model trains: greedy ones that differ only by what was learned, and sampled ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from studio.models.machine import Plan
from studio.training.loss import autocast

NEW_TOKENS = 64


@dataclass(frozen=True)
class Ask:
    """A prompt to reply to. temperature: 0 takes the most likely token; seed: of this reply alone."""

    ids: list[int]
    temperature: float = 0.0
    seed: int = 0


@dataclass
class Written:
    """A reply without its end token. stopped: it came to one, not to the 64 tokens that are allowed."""

    ids: list[int]
    stopped: bool


def write_replies(
    model: Any, asked: Sequence[Ask], end_ids: set[int], plan: Plan, should_stop: Callable[[], bool]
) -> list[Written]:
    """A reply to each, at most 64 tokens; all of them in one batch.

    Left-padded, with positions that skip the padding, and with a generator of its own for each sampled row, so that a
    reply does not depend on its neighbours, nor the training on the replies.
    """
    device = next(model.parameters()).device.type
    training = model.training
    model.eval()
    replies = [Written([], False) for _ in asked]
    try:
        with torch.no_grad(), autocast(device, plan.dtype):
            for picked in _iterate_picked(model, asked, device):
                _extend(replies, picked, end_ids)
                if all(reply.stopped for reply in replies) or should_stop():
                    break
    finally:
        model.train(training)
    return replies


def _extend(replies: list[Written], picked: list[int], end_ids: set[int]) -> None:
    """A reply that has met an end token grows no more."""
    for reply, token in zip(replies, picked, strict=True):
        if reply.stopped:
            continue
        if token in end_ids:
            reply.stopped = True
        else:
            reply.ids.append(token)


def _iterate_picked(model: Any, asked: Sequence[Ask], device: str) -> Iterator[list[int]]:
    """The next token of every row, again and again, 64 times at most."""
    longest = max(len(ask.ids) for ask in asked)
    ids = torch.tensor([[0] * (longest - len(ask.ids)) + ask.ids for ask in asked], device=device)
    mask = torch.tensor([[0] * (longest - len(ask.ids)) + [1] * len(ask.ids) for ask in asked], device=device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    generators = {row: torch.Generator().manual_seed(ask.seed) for row, ask in enumerate(asked) if ask.temperature}
    cache = None
    for _ in range(NEW_TOKENS):
        out = model(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        picked = _pick(out.logits[:, -1], asked, generators)
        yield picked.tolist()
        ids = picked[:, None].to(device)
        mask = torch.cat([mask, mask.new_ones((len(asked), 1))], 1)
        positions = positions[:, -1:] + 1


def _pick(logits: torch.Tensor, asked: Sequence[Ask], generators: dict[int, torch.Generator]) -> torch.Tensor:
    """(B,) the next tokens, drawn on the processor, where a seed means the same on every machine. logits: (B, vocabulary)."""
    picked = logits.argmax(-1).cpu()
    if generators:
        logits = logits.float().cpu()
    for row, generator in generators.items():
        chances = torch.softmax(logits[row] / asked[row].temperature, -1)
        picked[row] = torch.multinomial(chances, 1, generator=generator)
    return picked
