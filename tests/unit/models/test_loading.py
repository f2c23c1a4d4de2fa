"""A base comes into memory in the precision that was asked for, or says why it cannot."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import bitsandbytes
import pytest
import torch

from studio.errors import BaseUnreadable, OutOfMemory
from studio.models.catalogue import read_base_folder
from studio.models.loading import load_model
from tests.served_models import copy_pocket, pocket

LINEAR = {"nf4": bitsandbytes.nn.Linear4bit, "int8": bitsandbytes.nn.Linear8bitLt}


@pytest.mark.parametrize("quantisation", ["nf4", "int8"])
def test_linear_layers_are_quantised_and_tables_are_not(quantisation):
    """Seven linear layers in each of four blocks; the head is tied to the word table."""
    model = load_model(pocket(), "float32", "cpu", quantisation)
    found = [name for name, module in model.named_modules() if isinstance(module, LINEAR[quantisation])]
    assert len(found) == 28 and "lm_head" not in found
    assert model.get_input_embeddings().weight.dtype == torch.float32
    assert not model.training and not any(parameter.requires_grad for parameter in model.parameters())


def test_4_bit_layers_never_repack_themselves_for_the_cpu():
    """Disarmed in every layer, and after a forward pass without gradients none has been repacked."""
    model = load_model(pocket(), "float32", "cpu", "nf4")
    layers = [module for module in model.modules() if isinstance(module, bitsandbytes.nn.Linear4bit)]
    assert layers and not any(layer.support_avx512bf16_for_cpu for layer in layers)
    with torch.no_grad():
        model(input_ids=torch.tensor([[5, 6, 7]]))
    assert not any(getattr(layer.weight.quant_state, "packing_format_for_cpu", False) for layer in layers)


def test_what_cannot_fit_is_not_begun():
    with pytest.raises(OutOfMemory) as caught:
        load_model(replace(pocket(), parameters=10**15), "float32", "cpu")
    assert caught.value.values["asked_bytes"] == 4 * 10**15


@pytest.mark.parametrize(
    ("name", "content"), [("model.safetensors", b"torn"), ("config.json", b'{"model_type": "no"}')]
)
def test_files_that_turn_out_torn_are_named(tmp_path: Path, name, content):
    folder = copy_pocket(tmp_path / "base")
    base = read_base_folder("folder:base", folder)
    (folder / name).write_bytes(content)
    with pytest.raises(BaseUnreadable) as caught:
        load_model(base, "float32", "cpu")
    assert caught.value.values["file"] == name
    shutil.rmtree(folder)
