"""The card of an export says where it comes from, in the person's language, whatever its names hold."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import pytest

from studio.exporting.card import render_card, render_script
from studio.exporting.source import Source
from studio.models.lineage import Lineage
from tests.adapter_runs import BASE


def source(language: str = "en", **lineage) -> Source:
    told = {"base": "pocket", "precision": "float32", "method": "sft", "adapter": "lora", "run": "r-1", "title": "Shop run",
            "dataset_name": "Shop", "version": "15b7bf92", "version_number": 3, "settings": {"rank": 16, "targets": "all_linear"},
            "held_out_before": 0.2088, "held_out_after": 0.1341, "train_loss": 0.1254, "steps": 34, "created": "2026-01-01"}  # fmt: skip
    made = Lineage(**told | lineage)
    return Source(BASE.folder, "polite", "Polite", "For the *shop*.", made, BASE, language)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_card_holds_the_lineage_the_losses_and_the_licence(language):
    card = render_card(source(language))
    for part in (
        "pocket",
        "apache-2.0",
        "15b7bf92",
        "Shop run (r-1)",
        "0.2088",
        "0.1341",
        "0.1254",
        "34",
        "rank",
        "For the *shop*.",
    ):
        assert part in card, part
    assert card.startswith('---\nlibrary_name: peft\nlicense: "apache-2.0"\npipeline_tag: text-generation\n')
    assert ("由来" in card) == (language == "ja")


def test_what_is_not_known_is_shown_as_such():
    card = render_card(replace(source(held_out_before=None, version_number=None), base=replace(BASE, licence=None)))
    assert "| Held-out loss before | – |" in card
    assert "| Licence of the base model | not stated in its files |" in card
    assert "\nlicense:" not in card


def test_names_cannot_break_a_table_or_become_markup():
    card = render_card(source(dataset_name="a | b\n<script>x</script>"))
    line = next(line for line in card.splitlines() if line.startswith("| Data |"))
    assert line == "| Data | a \\| b &lt;script>x&lt;/script>, version 3 |"


def test_a_base_of_the_hub_is_named_in_front_matter_and_script():
    hub = replace(source(), base=replace(BASE, id="hub:some-org/base", source="hub"))
    assert 'base_model: "some-org/base"' in render_card(hub)
    assert 'BASE = "some-org/base"' in render_script(hub)
    assert 'BASE = "path/to/pocket"' in render_script(source())


@pytest.mark.parametrize(
    ("precision", "part"),
    [("float32", 'dtype="float32"'), ("bfloat16", 'dtype="bfloat16"'), ("nf4", "load_in_4bit=True"), ("int8", "load_in_8bit=True")],
)  # fmt: skip
def test_the_script_loads_the_base_as_it_was_trained(precision, part):
    script = render_script(source(precision=precision))
    ast.parse(script)
    assert part in script
    assert ("`bitsandbytes`" in render_card(source(precision=precision))) == (precision in ("nf4", "int8"))
    assert ("BitsAndBytesConfig" in script) == (precision in ("nf4", "int8"))
    assert re.search(r"eos_token_id=\[0, 2\]", script), "both end tokens of the pocket model"
