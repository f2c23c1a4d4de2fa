"""Texts of a record as they are compared: without differences of width, case and white space."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import orjson

from studio.data.kinds import CLASSIFICATION, CONVERSATION, FIELDS, SIDES, record_kind

Messages = list[dict[str, Any]]
_BETWEEN = "\x1f"


def fold(text: str) -> str:
    """NFKC, casefold, white space as single blanks."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def whole_text(record: Mapping[str, Any]) -> str:
    """Everything that a trainer sees of a record, with the roles, folded."""
    kind = str(record_kind(record))
    parts = [part for side in SIDES[kind] for part in _of_messages(record[side])]
    parts += [_as_text(record[name]) for name in FIELDS.get(kind, ()) if name in record]
    return fold(_BETWEEN.join(parts))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def prompt_text(record: Mapping[str, Any]) -> str:
    """What is asked, folded: the prompt, a conversation up to its first reply, a text that has a label; else nothing."""
    if record_kind(record) == CONVERSATION:
        roles = [message["role"] for message in record["messages"]]
        end = roles.index("assistant") if "assistant" in roles else len(roles)
        return fold(_BETWEEN.join(_of_messages(record["messages"][:end])))
    if "prompt" in record:
        return fold(_BETWEEN.join(_of_messages(record["prompt"])))
    return fold(record["text"]) if record_kind(record) == CLASSIFICATION else ""


def _of_messages(messages: Any) -> Iterator[str]:
    for message in messages:
        yield message["role"]
        yield message["content"]
        if message.get("tool_calls"):
            yield orjson.dumps(message["tool_calls"], option=orjson.OPT_SORT_KEYS).decode()


class Keys:
    """Rows by the hash of a text: 24 bytes a row, so that a million rows need 24 MB."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self._row_ids: list[int] = []

    def add(self, row_id: int, text: str) -> None:
        self._hashes += hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self._row_ids.append(row_id)

    def groups(self) -> Iterator[list[int]]:
        """Ids of rows with equal texts, each group in the order added, two rows at least."""
        if not self._row_ids:
            return
        hashes = np.frombuffer(bytes(self._hashes), dtype=np.uint64).reshape(-1, 2)
        row_ids = np.asarray(self._row_ids, dtype=np.int64)
        order = np.lexsort((np.arange(len(row_ids)), hashes[:, 1], hashes[:, 0]))
        ordered = hashes[order]
        starts = np.flatnonzero(np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1)))
        for start, end in zip(starts, np.append(starts[1:], len(order)), strict=True):
            if end - start > 1:
                yield row_ids[order[start:end]].tolist()


def ticked(rows: Iterator[Any], tick: Callable[[int], None]) -> Iterator[Any]:
    """The rows, with a tick every 256 of them."""
    for number, row in enumerate(rows):
        if number % 256 == 0:
            tick(number)
        yield row
