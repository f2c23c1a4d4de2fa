"""Pairs: one prompt with two replies to be judged, and how prompts and replies come out of records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from studio.data.records import CONVERSATION, record_kind, split_key

A, B = "a", "b"
REPLIES = (A, B)
Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class NewPair:
    """A pair before it is stored. a, b: the replies, None while they are still to come; origins: where each is from."""

    prompt: Messages
    a: Messages | None
    b: Messages | None
    origin_a: Mapping[str, Any]
    origin_b: Mapping[str, Any]
    split_key: float
    held_out: bool


def other(reply: str) -> str:
    return B if reply == A else A


def find_prompt(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a record asks: its prompt, or a conversation up to the assistant's last turn. Of a mere text nothing."""
    if record_kind(record) != CONVERSATION:
        return list(record.get("prompt", ()))
    messages = record["messages"]
    last = max(index for index, message in enumerate(messages) if message["role"] == "assistant")
    return list(messages[:last])


def asks_something(prompt: Messages) -> bool:
    return any(message["role"] == "user" for message in prompt)


def prompt_key(prompt: Messages) -> float:
    """0..1, by the prompt's words alone: pairs that ask the same fall on the same side of a split."""
    return split_key({"messages": prompt})


def content_key(*sides: Messages | None) -> str:
    """32 hexadecimal digits, the same for the same prompt and replies."""
    return hashlib.blake2b(orjson.dumps(sides, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def as_reply(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": text}]


def render_reply(messages: Messages) -> str:
    """A reply as a person reads it: its texts in order, calls of tools as JSON."""
    parts = []
    for message in messages:
        parts.append(str(message.get("content") or ""))
        if calls := message.get("tool_calls"):
            parts.append(orjson.dumps(calls, option=orjson.OPT_INDENT_2).decode())
    return "\n\n".join(part for part in parts if part)
