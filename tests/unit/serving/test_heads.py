"""The laid-out head gives what the head gives, and is left out where it would not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from studio.models.loading import load_model
from studio.serving import heads
from studio.serving.heads import MOST_ROWS, lay_out_head
from tests.served_models import pocket


def model_of(head: nn.Module | None) -> SimpleNamespace:
    return SimpleNamespace(get_output_embeddings=lambda: head)


def make_head(bias: bool = False, dtype: torch.dtype = torch.float32) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(48, 320, bias=bias, dtype=dtype)


@torch.inference_mode()
@pytest.mark.parametrize("bias", [False, True])
def test_several_rows_get_what_the_head_gives_and_one_row_the_very_same(bias):
    head = make_head(bias)
    plain = head.forward
    assert lay_out_head(model_of(head)) == head.weight.nbytes
    for shape in ((2, 1, 48), (4, 1, 48), (MOST_ROWS, 48), (2, 3, 48)):
        inputs = torch.randn(shape)
        torch.testing.assert_close(head(inputs), plain(inputs), atol=1e-4, rtol=1e-5)
    for shape in ((1, 1, 48), (MOST_ROWS + 1, 1, 48)):
        inputs = torch.randn(shape)
        assert torch.equal(head(inputs), plain(inputs))


def test_the_pocket_model_has_its_head_laid_out():
    model = load_model(pocket(), "float32", "cpu")
    head = model.get_output_embeddings()
    assert lay_out_head(model) == head.weight.nbytes
    assert "forward" in vars(head)


def test_other_heads_stay_as_they_are(monkeypatch):
    half = make_head(dtype=torch.bfloat16)
    assert lay_out_head(model_of(half)) == 0
    assert lay_out_head(model_of(nn.Sequential(make_head()))) == 0
    assert lay_out_head(model_of(None)) == 0
    large = make_head()
    monkeypatch.setattr(heads, "MOST_BYTES", large.weight.nbytes - 1)
    assert lay_out_head(model_of(large)) == 0
    assert all("forward" not in vars(head) for head in (half, large))
