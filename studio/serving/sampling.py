"""Choosing the next token of every row, each by its own temperature, top-p, top-k and seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from studio.serving.replies import Request

LEAST_TEMPERATURE = 1e-5
"""Below it the likeliest token is taken: divided by less, the numbers overflow."""


@dataclass(frozen=True)
class Sampler:
    """A row's own choice. generator: on the CPU whatever the device, so that a seed means the same everywhere."""

    temperature: float
    top_p: float
    top_k: int
    generator: torch.Generator

    @property
    def is_greedy(self) -> bool:
        return self.temperature < LEAST_TEMPERATURE


def build_sampler(request: Request, seed: int) -> Sampler:
    generator = torch.Generator().manual_seed(seed)
    return Sampler(request.temperature, request.top_p, request.top_k, generator)


def pick_tokens(logits: Tensor, samplers: Sequence[Sampler]) -> list[int | None]:
    """One token id per row; None where the row's numbers are no numbers.

    logits: (B, V), any float dtype. The steps, their order and the draw are those of transformers' own `generate`, so
    a row alone gives the very tokens that it gives after `torch.manual_seed(seed)`.
    """
    scores = logits.float()
    is_sound = [isfinite(most) for most in scores.amax(-1).tolist()]
    likeliest = scores.argmax(-1).tolist()
    return [
        (likeliest[row] if sampler.is_greedy else _draw(scores[row : row + 1], sampler)) if is_sound[row] else None
        for row, sampler in enumerate(samplers)
    ]


def log_probabilities(logits: Tensor, chosen: int, count: int) -> tuple[float, list[tuple[int, float]]]:
    """Natural log probability of the chosen token, and the `count` likeliest (id, log probability). logits: (V,)."""
    found = torch.log_softmax(logits.float(), -1)
    values, ids = found.topk(min(count, len(found)))
    return found[chosen].item(), list(zip(ids.tolist(), values.tolist(), strict=True))


def _draw(scores: Tensor, sampler: Sampler) -> int:
    """scores: (1, V) in float32."""
    scores = scores / sampler.temperature
    if 0 < sampler.top_k < scores.shape[-1]:
        least = torch.topk(scores, sampler.top_k)[0][..., -1, None]
        scores = scores.masked_fill(scores < least, -torch.inf)
    if sampler.top_p < 1.0:
        ordered, places = torch.sort(scores, descending=False)
        is_unlikely = ordered.softmax(-1).cumsum(-1) <= 1.0 - sampler.top_p
        is_unlikely[..., -1:] = False
        scores = scores.masked_fill(is_unlikely.scatter(1, places, is_unlikely), -torch.inf)
    return int(torch.multinomial(scores.softmax(-1).cpu(), 1, generator=sampler.generator))
