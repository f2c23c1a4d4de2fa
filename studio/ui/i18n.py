"""Words for the browser: Gradio's own labels by marker, our widgets' from one file that the browser may keep."""

from __future__ import annotations

import hashlib
import json
from functools import cache

import gradio as gr

from studio.words import PSEUDO, catalogue, render_words


def tr(key: str) -> gr.I18n:
    """A label that Gradio shows in the language of the page, also after the language is switched."""
    return bundle()(key)


@cache
def bundle() -> gr.I18n:
    """Everything Gradio may have to show. Sentences with placeholders are ours to fill and stay out."""
    words = {language: {k: v for k, v in catalogue(language).items() if "{" not in v} for language in ("en", "ja")}
    pseudo = {key: render_words(text, {}, PSEUDO) for key, text in words["en"].items()}
    return gr.I18n(**words, **{PSEUDO: pseudo})


@cache
def words_script() -> tuple[str, bytes]:
    """(hash, script) that defines `whetstoneWords`, both languages."""
    words = {language: dict(catalogue(language)) for language in ("en", "ja")}
    script = f"window.whetstoneWords={json.dumps(words, ensure_ascii=False)};".encode()
    return hashlib.sha256(script).hexdigest()[:12], script
