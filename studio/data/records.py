"""Records: the one internal form of an example, whatever file it came from."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from studio.data.kinds import (
    CLASSIFICATION,
    CONVERSATION,
    DOCUMENT,
    EXTRACTION,
    KINDS,
    PREFERENCE,
    PROMPT_COMPLETION,
    ROLES,
    SIDES,
    UNPAIRED,
    VERIFIABLE,
    record_kind,
)
from studio.data.record_checks import Problem, check_record
from studio.data.record_texts import iterate_texts, with_texts

__all__ = [
    "CLASSIFICATION",
    "CONVERSATION",
    "DOCUMENT",
    "EXTRACTION",
    "KINDS",
    "PREFERENCE",
    "PROMPT_COMPLETION",
    "ROLES",
    "SIDES",
    "UNPAIRED",
    "VERIFIABLE",
    "Problem",
    "canonical_text",
    "check_record",
    "fingerprint",
    "iterate_texts",
    "record_kind",
    "split_key",
    "with_texts",
]

_SPLIT_RANGE = float(2**64)


def canonical_text(record: Mapping[str, Any]) -> bytes:
    """The record as it always is written, keys sorted: equal records, equal bytes."""
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def fingerprint(record: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of BLAKE2b over the exact record."""
    return hashlib.blake2b(canonical_text(record), digest_size=16).hexdigest()


def split_key(record: Mapping[str, Any]) -> float:
    """A number 0..1 that depends on the record's words alone: what reads the same falls on the same side of a split.

    Words are compared without differences of white space and of Unicode composition. Labels, entities and the answer
    of a verifiable task are no part of them: the same text under another label is the same text.
    """
    words = "\x1f".join(_words(record))
    if not words.isascii():
        words = unicodedata.normalize("NFC", words)
    digest = hashlib.blake2b(" ".join(words.split()).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _SPLIT_RANGE


def _words(record: Mapping[str, Any]) -> Iterable[str]:
    if "text" in record:
        yield record["text"]
    for side in SIDES[record_kind(record) or CONVERSATION]:
        for message in record[side]:
            yield message["role"]
            yield message["content"]
            if "tool_calls" in message:
                yield orjson.dumps(message["tool_calls"], option=orjson.OPT_SORT_KEYS).decode()
