"""Every adapter is built from its own example, trains only itself, and can be saved and loaded again."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.adapters import ADAPTERS
from studio.models.catalogue import POCKET, read_base
from studio.models.loading import load_model
from studio.options import option_fields
from studio.words import Text

BASE = read_base(POCKET, (), Path("/nonexistent"))


def load_for(plug, dtype="float32"):
    """The base as the adapter wants it loaded, and the options of its example."""
    options = plug.options(**plug.example)
    return load_model(BASE, dtype, "cpu", plug.quantisation(options)), options


@pytest.mark.parametrize("name", ADAPTERS.names)
def test_every_option_of_an_adapter_has_its_words(name):
    for field in option_fields(ADAPTERS[name].options):
        assert isinstance(field.about.title, Text) and isinstance(field.about.summary, Text)
        assert set(field.about.choices) == set(field.choices)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ADAPTERS.names)
def test_an_adapter_trains_itself_alone_in_full_precision(name, dtype):
    import torch

    plug = ADAPTERS[name]
    model = plug.build(*load_for(plug, dtype))
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert trained
    assert 0 < sum(p.numel() for p in trained.values()) < 0.2 * BASE.parameters
    assert {p.dtype for p in trained.values()} == {torch.float32}


@pytest.mark.parametrize("name", ADAPTERS.names)
def test_an_untrained_adapter_changes_nothing(name):
    import torch

    plug = ADAPTERS[name]
    ids = torch.arange(5, 25)[None]
    base, options = load_for(plug)
    with torch.no_grad():
        before = base(ids).logits.clone()
        after = plug.build(base, options)(ids).logits
    assert torch.equal(before, after)


@pytest.mark.parametrize("name", ADAPTERS.names)
def test_an_adapter_is_loaded_as_it_was_saved(name, tmp_path):
    import torch
    from peft import PeftModel

    plug = ADAPTERS[name]
    model = plug.build(*load_for(plug))
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.02)
    ids = torch.arange(5, 25)[None]
    model.eval()
    with torch.no_grad():
        expected = model(ids).logits
        model.save_pretrained(tmp_path, safe_serialization=True)
        loaded = PeftModel.from_pretrained(load_for(plug)[0], tmp_path).eval()
        assert torch.allclose(loaded(ids).logits, expected, atol=1e-5)
