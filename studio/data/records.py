"""Records: the one internal form of an example, whatever file it came from."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

CONVERSATION = "conversation"
PROMPT_COMPLETION = "prompt_completion"
PREFERENCE = "preference"
KINDS = (CONVERSATION, PROMPT_COMPLETION, PREFERENCE)
ROLES = ("system", "user", "assistant", "tool")

SIDES: Mapping[str, tuple[str, ...]] = {
    CONVERSATION: ("messages",),
    PROMPT_COMPLETION: ("prompt", "completion"),
    PREFERENCE: ("prompt", "chosen", "rejected"),
}
"""The message lists a record of each kind is made of, in order."""

_MESSAGE_FIELDS = frozenset({"role", "content", "tool_calls", "tool_call_id", "name"})
_RECORD_FIELDS = frozenset({"tools", "margin"})
_SPLIT_RANGE = float(2**64)

Problem = dict[str, Any]
"""{"field": where, "code": a cause worded under `refused.<code>`, and the code's values}."""


def record_kind(record: Mapping[str, Any]) -> str | None:
    """The kind by the record's message lists; None where they make up no kind."""
    if "messages" in record:
        return CONVERSATION
    if "chosen" in record or "rejected" in record:
        return PREFERENCE
    if "completion" in record:
        return PROMPT_COMPLETION
    return None


def _problem(field: str, code: str, **values: Any) -> Problem:
    return {"field": field, "code": code} | values


def check_record(record: Any) -> list[Problem]:
    """Every problem of a record at once; an empty list means that a trainer can use it."""
    kind = record_kind(record) if isinstance(record, dict) else None
    if kind is None:
        return [_problem("record", "record_unknown")]
    sides = SIDES[kind]
    problems: list[Problem] = []
    for name in record:
        if name not in sides and name not in _RECORD_FIELDS:
            problems.append(_problem(name, "field_unknown"))
    for side in sides:
        problems += _check_messages(side, record.get(side))
    if problems:
        return problems
    return _check_conversation(record) if kind == CONVERSATION else _check_sides(kind, record)


def _check_messages(side: str, messages: Any) -> Iterator[Problem] | list[Problem]:
    if type(messages) is not list:
        return [_problem(side, "messages_not_a_list")]
    if not messages:
        return [_problem(side, "messages_empty")]
    problems: list[Problem] = []
    for index, message in enumerate(messages):
        # The path is worth its time only where something is wrong: this runs a million times in an import.
        if type(message) is not dict:
            problems.append(_problem(f"{side}[{index}]", "message_not_an_object"))
            continue
        role, content = message.get("role"), message.get("content")
        if type(content) is not str:
            problems.append(_problem(f"{side}[{index}].content", "content_not_text"))
        elif not content.strip() and (role == "user" or (role == "assistant" and not message.get("tool_calls"))):
            problems.append(_problem(f"{side}[{index}].content", "content_empty"))
        if role not in ROLES:
            problems.append(_problem(f"{side}[{index}].role", "role_unknown", found=str(role)[:80]))
        elif role == "system" and (index or side in ("completion", "chosen", "rejected")):
            problems.append(_problem(f"{side}[{index}].role", "system_not_first"))
        if len(message) > 2:
            problems += _check_more(f"{side}[{index}]", message)
    return problems


def _check_more(path: str, message: Mapping[str, Any]) -> Iterator[Problem]:
    for name in message:
        if name not in _MESSAGE_FIELDS:
            yield _problem(f"{path}.{name}", "field_unknown")
    calls = message.get("tool_calls")
    if calls is None:
        return
    for index, call in enumerate(calls if isinstance(calls, list) else [calls]):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            yield _problem(f"{path}.tool_calls[{index}]", "tool_call_unreadable")


def _check_conversation(record: Mapping[str, Any]) -> list[Problem]:
    roles = [message["role"] for message in record["messages"]]
    if "assistant" not in roles:
        return [_problem("messages", "reply_missing")]
    if "user" not in roles:
        return [_problem("messages", "question_missing")]
    return []


def _check_sides(kind: str, record: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for side in SIDES[kind][1:]:
        if not any(message["role"] == "assistant" for message in record[side]):
            problems.append(_problem(side, "reply_missing"))
    if not any(message["role"] == "user" for message in record["prompt"]):
        problems.append(_problem("prompt", "question_missing"))
    if kind == PREFERENCE and record["chosen"] == record["rejected"]:
        problems.append(_problem("rejected", "sides_identical"))
    return problems


def canonical_text(record: Mapping[str, Any]) -> bytes:
    """The record as it always is written, keys sorted: equal records, equal bytes."""
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def fingerprint(record: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of BLAKE2b over the exact record."""
    return hashlib.blake2b(canonical_text(record), digest_size=16).hexdigest()


def split_key(record: Mapping[str, Any]) -> float:
    """A number 0..1 that depends on the record's words alone: what reads the same falls on the same side of a split.

    Words are compared without differences of white space and of Unicode composition.
    """
    words = "\x1f".join(_words(record))
    if not words.isascii():
        words = unicodedata.normalize("NFC", words)
    digest = hashlib.blake2b(" ".join(words.split()).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _SPLIT_RANGE


def _words(record: Mapping[str, Any]) -> Iterable[str]:
    for side in SIDES[record_kind(record) or CONVERSATION]:
        for message in record[side]:
            yield message["role"]
            yield message["content"]
            if "tool_calls" in message:
                yield orjson.dumps(message["tool_calls"], option=orjson.OPT_SORT_KEYS).decode()
