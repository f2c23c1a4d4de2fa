"""A record in one line of a table: which columns its kind has, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from studio.data.records import (
    CLASSIFICATION,
    CONVERSATION,
    DOCUMENT,
    EXTRACTION,
    PREFERENCE,
    PROMPT_COMPLETION,
    SIDES,
    UNPAIRED,
    VERIFIABLE,
    record_kind,
)

CELL_CHARACTERS = 300

COLUMNS: Mapping[str, tuple[str, ...]] = {
    CONVERSATION: ("user", "assistant", "turns"),
    PROMPT_COMPLETION: ("prompt", "completion"),
    PREFERENCE: ("prompt", "chosen", "rejected"),
    UNPAIRED: ("prompt", "completion", "label"),
    VERIFIABLE: ("prompt", "answer", "verifier"),
    DOCUMENT: ("text", "characters"),
    CLASSIFICATION: ("text", "label"),
    EXTRACTION: ("text", "entities"),
}
_ASKED = ("messages", "prompt")
_ANSWERED = {
    "assistant": ("messages", "completion", "chosen"),
    "completion": ("completion", "messages", "chosen"),
    "chosen": ("chosen", "completion", "messages"),
    "rejected": ("rejected",),
}
_LABELS_BETWEEN = " · "

Cell = str | int | bool
"""A text, a number, or of unpaired feedback whether the reply is good."""


def render_cells(record: Mapping[str, Any], columns: tuple[str, ...]) -> list[Cell]:
    """One value a column, texts cut to CELL_CHARACTERS. Records of another kind fill the columns as they can."""
    return [_cell(record, column) for column in columns]


def _cell(record: Mapping[str, Any], column: str) -> Cell:
    if column == "turns":
        sides = [record[side] for side in SIDES[record_kind(record) or CONVERSATION]]
        return sum(message["role"] != "system" for side in sides for message in side)
    if column == "characters":
        return len(record.get("text", ""))
    if column in _FIELD_CELLS:
        return _FIELD_CELLS[column](record)
    if column in ("user", "prompt"):
        # The question of a long conversation is its first; of a prompt, what the reply answers: its last.
        found = [m for side in _ASKED for m in record.get(side, ()) if m["role"] == "user"]
        return _message(found[0] if column == "user" else found[-1]) if found else _cut(record.get("text", ""))
    for side in _ANSWERED[column]:
        for message in record.get(side, ()):
            if message["role"] == "assistant":
                return _message(message)
    return ""


def _label(record: Mapping[str, Any]) -> Cell:
    label = record.get("label", "")
    return label if isinstance(label, bool) else _cut(_LABELS_BETWEEN.join(label) if isinstance(label, list) else label)


def _entities(record: Mapping[str, Any]) -> str:
    return _cut(_LABELS_BETWEEN.join(f"{one['text']} ({one['label']})" for one in record.get("entities", ())[:20]))


_FIELD_CELLS = {
    "text": lambda record: _cut(record["text"]) if "text" in record else _cell(record, "user"),
    "answer": lambda record: _cut(record.get("answer", "")),
    "verifier": lambda record: _cut(record.get("verifier", "")),
    "label": _label,
    "entities": _entities,
}


def _message(message: Mapping[str, Any]) -> str:
    return _cut(message["content"] or orjson.dumps(message.get("tool_calls", "")).decode())


def _cut(text: str) -> str:
    return text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…"
