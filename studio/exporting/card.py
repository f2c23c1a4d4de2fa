"""The README of an export: where the adapter comes from, what it reached, and how it is loaded elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from studio.exporting.source import QUANTISED, Source
from studio.models.catalogue import POCKET
from studio.models.loading import find_end_ids
from studio.models.rendering import Renderer
from studio.words import say

_QUANTISATION = {
    "nf4": 'load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True',
    "int8": "load_in_8bit=True",
}


def render_card(source: Source) -> str:
    """Markdown in the language of whoever exports, with the front matter that the Hugging Face Hub reads."""
    language, lineage = source.language, source.lineage
    parts = [
        "\n".join(_front_matter(source)),
        f"# {_line(source.name)}",
        say(language, "card.intro", base=_line(source.base.title)),
        source.notes.strip(),
        f"## {say(language, 'card.lineage')}",
        _table((say(language, key), value) for key, value in _lineage_rows(source)),
        f"## {say(language, 'card.losses')}",
        _table((say(language, key), value) for key, value in _loss_rows(source)),
        f"## {say(language, 'card.settings')}",
        _table((name, json.dumps(value)) for name, value in lineage.settings.items()),
        f"## {say(language, 'card.load')}",
        say(language, "card.load_words", base=_line(source.base.title), packages=_packages(source)),
        f"```python\n{render_script(source)}```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_script(source: Source) -> str:
    """A script that replies to one prompt, run in the folder of the export. `BASE` is a hub name or a folder."""
    renderer = Renderer(source.base)
    ends = sorted(find_end_ids(source.base, renderer.end_id))
    loaded = f'dtype="{source.precision}"'
    more = ""
    if source.precision in QUANTISED:
        more = ", BitsAndBytesConfig"
        loaded = f'dtype="float32", quantization_config=BitsAndBytesConfig({_QUANTISATION[source.precision]})'
    return f"""from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer{more}

BASE = {json.dumps(base_place(source))}
tokenizer = AutoTokenizer.from_pretrained(".")
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(BASE, {loaded}), ".")
asked = tokenizer.apply_chat_template([{{"role": "user", "content": "Hello"}}], add_generation_prompt=True, return_dict=True, return_tensors="pt")
reply = model.generate(input_ids=asked["input_ids"], attention_mask=asked["attention_mask"], do_sample=False, max_new_tokens=64, eos_token_id={ends})
print(tokenizer.decode(reply[0, asked["input_ids"].shape[1]:], skip_special_tokens=True))
"""


def base_place(source: Source) -> str:
    """The base as another machine finds it: its name on the hub, or a folder to be filled in."""
    kind, _, name = source.base.id.partition(":")
    return name if kind == "hub" else f"path/to/{name or POCKET}"


def _front_matter(source: Source) -> Iterator[str]:
    yield "---"
    yield "library_name: peft"
    if source.base.source == "hub":
        yield f"base_model: {json.dumps(base_place(source))}"
    if licence := _licence(source):
        yield f"license: {json.dumps(licence)}"
    yield "pipeline_tag: text-generation"
    yield f"tags: {json.dumps([tag for tag in ('whetstone', source.lineage.adapter, source.lineage.method) if tag])}"
    yield "---"


def _lineage_rows(source: Source) -> Iterator[tuple[str, Any]]:
    lineage, language = source.lineage, source.language
    yield "card.base", f"{source.base.id} ({source.base.bytes:,} bytes)"
    yield "card.licence", _licence(source) or say(language, "card.licence_unknown")
    yield "card.precision", source.precision
    if lineage.dataset_name and lineage.version_number:
        yield "card.data", say(language, "card.data_version", name=lineage.dataset_name, number=lineage.version_number)
    elif lineage.dataset_name:
        yield "card.data", lineage.dataset_name
    yield "card.fingerprint", lineage.version
    yield "card.run", f"{lineage.title} ({lineage.run})"
    yield "card.method", f"{lineage.method}, {lineage.adapter}"
    if lineage.parent:
        yield "card.parent", lineage.parent
    yield "card.created", lineage.created


def _loss_rows(source: Source) -> Iterator[tuple[str, Any]]:
    lineage = source.lineage
    yield "card.held_out_before", _loss(lineage.held_out_before)
    yield "card.held_out_after", _loss(lineage.held_out_after)
    yield "card.train_loss", _loss(lineage.train_loss)
    yield "card.steps", "–" if lineage.steps is None else f"{lineage.steps:,}"


def _packages(source: Source) -> str:
    names = ("transformers", "peft", *(["bitsandbytes"] if source.precision in QUANTISED else []))
    return ", ".join(f"`{name}`" for name in names)


def _licence(source: Source) -> str | None:
    return source.base.licence or source.lineage.licence


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _table(rows: Any) -> str:
    lines = [f"| {_line(str(name))} | {_line(str(value))} |" for name, value in rows]
    return "\n".join(["| | |", "|---|---|", *lines])


def _line(text: str) -> str:
    """One line that no table and no markup of Markdown takes apart."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
