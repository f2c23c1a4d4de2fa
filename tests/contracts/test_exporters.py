"""Every exporter writes its own example without a pickle, and what it wrote loads again to the same numbers."""

from __future__ import annotations

import pytest

from studio.exporting.exporters import EXPORTERS
from studio.exporting.packing import check_plain
from studio.exporting.source import Source, load_base
from studio.options import Situation, choose_options, option_fields
from studio.words import Text
from tests.adapter_runs import BASE, build_adapter

ANYWHERE = Situation(0, 0, 0, 0.0, None, "cpu")


@pytest.mark.parametrize("name", EXPORTERS.names)
def test_every_option_of_an_exporter_has_its_words_and_a_default(name):
    plug = EXPORTERS[name]
    for field in option_fields(plug.options):
        assert isinstance(field.about.title, Text) and isinstance(field.about.summary, Text)
        assert set(field.about.choices) == set(field.choices)
    plug.options(**{field: chosen.value for field, chosen in choose_options(plug.options, ANYWHERE).items()})
    assert plug.options(**plug.example).form in ("zip", "folder")


@pytest.mark.parametrize("name", EXPORTERS.names)
def test_what_an_exporter_wrote_loads_to_the_same_numbers(name, tmp_path):
    import torch
    from peft import PeftModel

    lineage = build_adapter(tmp_path / "source")
    source = Source(tmp_path / "source", "polite", "Polite", "", lineage, BASE, "en")
    written = tmp_path / "written"
    written.mkdir()
    kinds = {event.kind for event in EXPORTERS[name].write(source, written)}
    assert {"phase", "progress"} <= kinds
    check_plain(written, "Polite")
    tokenizer, model = EXPORTERS[name].load(written, BASE, source.precision)
    ids = torch.tensor([tokenizer("How much is the mug?")["input_ids"]])
    expected = PeftModel.from_pretrained(load_base(BASE, source.precision), source.folder).eval()
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, expected(ids).logits, atol=1e-5)
