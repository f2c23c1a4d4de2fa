"""The replies of a record: what a model learns to say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from studio.data.records import DOCUMENT, SIDES, record_kind

CODE = re.compile(r"```[^`]*(?:```|$)")
"""A block of code, also one that is not closed."""

_LEARNED = frozenset({"messages", "completion", "chosen"})


def replies(record: Mapping[str, Any]) -> Iterator[str]:
    """What the assistant says in a conversation, a completion or a chosen reply; of a document its text."""
    kind = record_kind(record)
    if kind == DOCUMENT:
        yield record["text"]
        return
    for side in SIDES.get(kind, ()) if kind else ():
        if side in _LEARNED:
            yield from (m["content"] for m in record[side] if m["role"] == "assistant" and m["content"])


def is_reply(path: str, role: str) -> bool:
    """Whether a text, by its path and role as `iterate_texts` tells them, is one that `replies` yields."""
    side = path.partition("[")[0]
    return (role == "assistant" and side in _LEARNED and path.endswith(".content")) or path == "text"
