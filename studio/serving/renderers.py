"""Tokenizers and chat templates of the models in use, kept while weights come and go."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.models.catalogue import Base
from studio.models.rendering import REFUSALS, Renderer
from studio.serving.errors_http import RequestError
from studio.serving.replies import Model

KEPT = 6


class Renderers:
    """At most `KEPT` renderers, the last used ones. Thread-safe: each renderer is lent to one thread at a time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: OrderedDict[tuple[Path, int], tuple[Renderer, threading.Lock]] = OrderedDict()

    @contextmanager
    def lent(self, model: Model) -> Iterator[Renderer]:
        """The renderer of a model: an adapter's own template where it was trained with another than the base has.

        Raises BaseUnreadable, ChatTemplateMissing.
        """
        renderer, lock = self._of(model.base)
        if model.adapter is not None and _has_other_template(model.adapter, renderer):
            renderer, lock = self._of(replace(model.base, folder=model.adapter))
        with lock:
            yield renderer

    def _of(self, base: Base) -> tuple[Renderer, threading.Lock]:
        path = base.folder / "tokenizer.json"
        key = (base.folder, path.stat().st_mtime_ns if path.is_file() else 0)
        with self._guard:
            if key not in self._kept:
                self._kept[key] = (Renderer(base), threading.Lock())
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]


def _has_other_template(adapter: Path, renderer: Renderer) -> bool:
    template = adapter / "chat_template.jinja"
    if not template.is_file() or not (adapter / "tokenizer.json").is_file():
        return False
    return template.read_text("utf-8") != renderer.choice.text


def render_prompt(renderer: Renderer, messages: list[dict[str, Any]]) -> list[int]:
    """Token ids up to where the reply begins. Raises RequestError where the template refuses the messages."""
    try:
        return renderer.render_prompt(messages)
    except REFUSALS as error:
        reason = str(error)[:300] or type(error).__name__
        raise RequestError(422, "template_refused", f"The chat template refuses it: {reason}", "messages") from error
