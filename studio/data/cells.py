"""A record in one line of a table: which columns its kind has, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from studio.data.records import CONVERSATION, PREFERENCE, PROMPT_COMPLETION, SIDES, record_kind

CELL_CHARACTERS = 300

COLUMNS: Mapping[str, tuple[str, ...]] = {
    CONVERSATION: ("user", "assistant", "turns"),
    PROMPT_COMPLETION: ("prompt", "completion"),
    PREFERENCE: ("prompt", "chosen", "rejected"),
}
_ASKED = ("messages", "prompt")
_ANSWERED = {
    "assistant": ("messages", "completion", "chosen"),
    "completion": ("completion", "messages", "chosen"),
    "chosen": ("chosen", "completion", "messages"),
    "rejected": ("rejected",),
}


def render_cells(record: Mapping[str, Any], columns: tuple[str, ...]) -> list[str | int]:
    """One value a column, texts cut to CELL_CHARACTERS. Records of another kind fill the columns as they can."""
    return [_cell(record, column) for column in columns]


def _cell(record: Mapping[str, Any], column: str) -> str | int:
    if column == "turns":
        sides = [record[side] for side in SIDES[record_kind(record) or CONVERSATION]]
        return sum(message["role"] != "system" for side in sides for message in side)
    if column in ("user", "prompt"):
        # The question of a long conversation is its first; of a prompt, what the reply answers: its last.
        found = [m for side in _ASKED for m in record.get(side, ()) if m["role"] == "user"]
        return _text(found[0] if column == "user" else found[-1]) if found else ""
    for side in _ANSWERED[column]:
        for message in record.get(side, ()):
            if message["role"] == "assistant":
                return _text(message)
    return ""


def _text(message: Mapping[str, Any]) -> str:
    text = message["content"] or orjson.dumps(message.get("tool_calls", "")).decode()
    return text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…"
