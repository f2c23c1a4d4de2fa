"""The glossary: the words of methods, adapters and their settings as the plugs say them, and the shell's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from studio.adapters import ADAPTERS
from studio.options import option_fields
from studio.training.methods import METHODS
from studio.words import LANGUAGES, say

TERMS = (
    "adapter", "base_model", "chat_template", "checkpoint", "dataset", "export", "fine_tuning", "gradient_norm",
    "held_out", "held_out_loss", "loss", "margin", "pair", "precision", "prompt", "reward", "run", "step", "temperature",
    "token", "version",
)  # fmt: skip
"""Words that no plug explains: `glossary.<name>.term` and `glossary.<name>.meaning`."""


def list_terms() -> list[dict[str, Any]]:
    """Each word once: {"group" (word, method, adapter, setting), "title": {en, ja}, "text": {en, ja}}."""
    found: dict[str, dict[str, Any]] = {}
    for group, title, text in _all():
        found.setdefault(title["en"].lower(), {"group": group, "title": title, "text": text})
    return list(found.values())


def _all() -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    for name in TERMS:
        title, text = (
            {language: say(language, f"glossary.{name}.{part}") for language in LANGUAGES}
            for part in ("term", "meaning")
        )
        yield "word", title, text
    for registry in (METHODS, ADAPTERS):
        for plug in registry:
            yield registry.kind, asdict(plug.title), asdict(plug.summary)
    for plug in (*METHODS, *ADAPTERS):
        for field in option_fields(plug.options):
            if field.kind != "bool":  # a switch says all of it beside itself
                yield "setting", asdict(field.about.title), asdict(field.about.summary)
