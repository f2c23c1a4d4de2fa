"""LoRA stands where it should, and the word table is trained only when asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.adapters import ADAPTERS
from studio.models.catalogue import POCKET, read_base
from studio.models.loading import load_model

BASE = read_base(POCKET, (), Path("/nonexistent"))
LORA = ADAPTERS["lora"]


def build(**options):
    return LORA.build(load_model(BASE, "float32", "cpu"), LORA.options(**{**LORA.example, **options}))


def trained_names(model) -> set[str]:
    return {name.split(".lora_")[0].rpartition(".")[2] for name, p in model.named_parameters() if p.requires_grad}


def test_all_linear_layers_but_the_head_get_an_adapter():
    assert trained_names(build()) == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_attention_alone_when_asked():
    assert trained_names(build(targets="attention")) == {"q_proj", "k_proj", "v_proj", "o_proj"}


@pytest.mark.parametrize("rank", [1, 4, 16])
def test_the_rank_decides_how_many_weights_are_trained(rank):
    def count(model):
        return sum(p.numel() for p in model.parameters() if p.requires_grad)

    assert count(build(rank=rank)) == rank * count(build(rank=1))


def test_a_trained_word_table_stays_tied_to_the_head_and_comes_back_so(tmp_path):
    import torch
    from peft import PeftModel

    model = build(train_embeddings=True)
    ids = torch.arange(5, 25)[None]
    model(input_ids=ids, labels=ids).loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad and parameter.grad is not None:
                parameter -= 0.1 * parameter.grad
    model.save_pretrained(tmp_path, safe_serialization=True)
    loaded = PeftModel.from_pretrained(load_model(BASE, "float32", "cpu"), tmp_path)
    rows = torch.randn(3, model.config.hidden_size)
    untrained = load_model(BASE, "float32", "cpu").get_input_embeddings().weight
    for tuned in (model, loaded):
        inner = tuned.get_base_model()
        table = inner.get_input_embeddings().weight
        assert torch.allclose(inner.get_output_embeddings()(rows), rows @ table.T, atol=1e-5)
        assert not torch.allclose(table, untrained)
    assert torch.allclose(loaded.eval()(ids).logits, model.eval()(ids).logits, atol=1e-5)
