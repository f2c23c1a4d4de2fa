"""The draw of a row is transformers' own, by its own seed."""

from __future__ import annotations

import pytest
import torch
from transformers.generation.logits_process import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from studio.serving.sampling import Sampler, log_probabilities, pick_tokens

SETTINGS = [
    (1.0, 1.0, 0),
    (0.7, 0.9, 0),
    (1.3, 0.5, 40),
    (0.2, 1.0, 5),
    (2.0, 0.95, 10**9),
    (1.0, 1e-9, 0),
    (1.0, 1.0, 1),
]


def sampler(temperature: float, top_p: float = 1.0, top_k: int = 0, seed: int = 0) -> Sampler:
    return Sampler(temperature, top_p, top_k, torch.Generator().manual_seed(seed))


def draw_as_transformers_does(scores: torch.Tensor, temperature: float, top_p: float, top_k: int, seed: int) -> int:
    warpers = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k:
        warpers.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        warpers.append(TopPLogitsWarper(top_p))
    torch.manual_seed(seed)
    return int(torch.multinomial(warpers(torch.zeros(1, 1), scores).softmax(-1), 1))


@pytest.mark.parametrize(("temperature", "top_p", "top_k"), SETTINGS)
def test_every_setting_draws_what_transformers_draws(temperature, top_p, top_k):
    logits = torch.randn(6, 500, generator=torch.Generator().manual_seed(5)) * 3
    found = pick_tokens(logits, [sampler(temperature, top_p, top_k, seed) for seed in range(6)])
    assert found == [
        draw_as_transformers_does(logits[seed : seed + 1], temperature, top_p, top_k, seed) for seed in range(6)
    ]


def test_a_row_draws_the_same_beside_others_and_alone():
    logits = torch.randn(3, 500)
    mixed = pick_tokens(logits, [sampler(0.0), sampler(0.9, seed=7), sampler(1.5, 0.8, seed=1)])
    assert mixed[1] == pick_tokens(logits[1:2], [sampler(0.9, seed=7)])[0]
    assert mixed[0] == int(logits[0].argmax())


def test_a_tiny_temperature_takes_the_likeliest():
    logits = torch.randn(1, 500) * 100
    assert pick_tokens(logits, [sampler(1e-30)]) == [int(logits.argmax())]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_none_end_their_own_row_only(bad):
    logits = torch.randn(2, 50)
    logits[0, 3] = bad
    found = pick_tokens(logits, [sampler(1.0), sampler(0.0)])
    assert found[0] is None and found[1] == int(logits[1].argmax())


def test_probabilities_are_those_before_temperature():
    """Three logits of 0, log 2 and log 5: probabilities of 1, 2 and 5 eighths."""
    value, top = log_probabilities(torch.tensor([1.0, 2.0, 5.0]).log(), 0, 2)
    assert value == pytest.approx(torch.tensor(1 / 8).log().item())
    assert [token for token, _ in top] == [2, 1]
    assert [v for _, v in top] == pytest.approx(torch.tensor([5 / 8, 2 / 8]).log().tolist())
