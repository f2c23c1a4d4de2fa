"""The catalogue: every visible sentence by key, in English, Japanese and a pseudo-language that shows what was missed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

LANGUAGES = ("en", "ja")
PSEUDO = "en-XA"
"""The pseudo-language: English in ⟦brackets⟧. A letter outside brackets on a screen is data or a mistake."""

_FOLDER = Path(__file__).parent / "words"
_PLACE = re.compile(r"\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}")


@dataclass(frozen=True)
class Text:
    """A sentence that a plug carries itself, in every language."""

    en: str
    ja: str

    def said(self, language: str, /, **values: Any) -> str:
        return render_words(self.ja if language == "ja" else self.en, values, language)


def render_words(template: str, values: Mapping[str, Any], language: str) -> str:
    """Fill `{name}` with a value and `{name|row|rows}` with the first form when the value is 1, else the second.

    Whole numbers get thousands separators; None shows as a dash. In the pseudo-language the result stands in ⟦⟧.
    Unknown placeholders stay visible rather than raise: a missing value must not hide an error from a person.
    """

    def fill(match: re.Match[str]) -> str:
        name, one, many = match.groups()
        if name not in values:
            return match.group(0)
        value = values[name]
        if one is not None:
            return one if value == 1 else many
        return _shown(value)

    text = _PLACE.sub(fill, template)
    return f"⟦{text}⟧" if language == PSEUDO else text


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value)
    return f"{value:,}"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All templates of one language by key; the pseudo-language has the English ones."""
    code = "ja" if language == "ja" else "en"
    return MappingProxyType(json.loads((_FOLDER / f"{code}.json").read_text("utf-8")))


def say(language: str, key: str, **values: Any) -> str:
    """The sentence of a key in a language. A key that the catalogue lacks is shown as it is."""
    template = catalogue(language).get(key)
    return key if template is None else render_words(template, values, language)


def join_sentences(language: str, *sentences: str) -> str:
    """Sentences as one text: English puts a space between them, Japanese nothing. Empty ones are left out."""
    return ("" if language == "ja" else " ").join(sentence for sentence in sentences if sentence)


def known_language(asked: str | None) -> str | None:
    """'ja-JP' → 'ja', 'en-XA' → 'en-XA', 'fr' → None."""
    if not asked:
        return None
    if asked == PSEUDO:
        return PSEUDO
    code = asked.split("-")[0].split("_")[0].lower()
    return code if code in LANGUAGES else None
