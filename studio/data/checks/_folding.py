"""Texts of a record as they are compared: without differences of width, case and white space."""

from __future__ import annotations

import hashlib
import unicodedata
from array import array
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
        self._names = array("q")

    def add(self, name: int, text: str) -> None:
        """name: the row's id, or another number of the caller's. A row without such a text has no key."""
        if text:
            self._hashes += hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            self._names.append(name)

    def groups(self, *more: Keys) -> Iterator[list[int]]:
        """Names with equal texts here and in more, each group in the order added, two names at least."""
        all_keys = (self, *more)
        if not any(keys._names for keys in all_keys):
            return
        hashes = np.frombuffer(b"".join(keys._hashes for keys in all_keys), dtype=np.uint64).reshape(-1, 2)
        names = np.concatenate([np.array(keys._names, dtype=np.int64) for keys in all_keys])
        order = np.lexsort((np.arange(len(names)), hashes[:, 1], hashes[:, 0]))
        ordered = hashes[order]
        starts = np.flatnonzero(np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1)))
        sizes = np.diff(np.append(starts, len(order)))
        for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
            yield names[order[start : start + size]].tolist()


def ticked(rows: Iterator[Any], tick: Callable[[int], None]) -> Iterator[Any]:
    """The rows, with a tick every 256 of them."""
    for number, row in enumerate(rows):
        if number % 256 == 0:
            tick(number)
        yield row
