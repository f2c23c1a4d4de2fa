"""What is wrong with a record: every problem at once, each with its place and a cause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from studio.data.kinds import (
    CLASSIFICATION,
    CONVERSATION,
    EXTRACTION,
    EXTRAS,
    FIELDS,
    PREFERENCE,
    ROLES,
    SIDES,
    UNPAIRED,
    VERIFIABLE,
    record_kind,
)

_MESSAGE_FIELDS = frozenset({"role", "content", "tool_calls", "tool_call_id", "name"})
_ENTITY_FIELDS = frozenset({"start", "end", "label", "text"})
_VERIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ALLOWED = {kind: frozenset((*SIDES[kind], *FIELDS.get(kind, ()), *EXTRAS.get(kind, ()))) for kind in SIDES}

Problem = dict[str, Any]
"""{"field": where, "code": a cause worded under `refused.<code>`, and the code's values}."""


def _problem(field: str, code: str, **values: Any) -> Problem:
    return {"field": field, "code": code} | values


def check_record(record: Any) -> list[Problem]:
    """Every problem of a record at once; an empty list means that it is a whole record of its kind."""
    kind = record_kind(record) if isinstance(record, dict) else None
    if kind is None:
        return [_problem("record", "record_unknown")]
    problems: list[Problem] = []
    allowed = _ALLOWED[kind]
    for name in record:
        if name not in allowed:
            problems.append(_problem(str(name), "field_unknown"))
    for side in SIDES[kind]:
        problems += _check_messages(side, record.get(side))
    if kind in FIELDS:
        problems += _check_fields(kind, record)
    if problems:
        return problems
    if kind == CONVERSATION:
        return _check_conversation(record)
    return _check_sides(kind, record) if SIDES[kind] else []


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


def _check_fields(kind: str, record: Mapping[str, Any]) -> Iterator[Problem]:
    """The fields of a kind that are no message lists."""
    if kind == UNPAIRED:
        if type(record.get("label")) is not bool:
            yield _problem("label", "label_not_true_or_false")
        return
    name = "answer" if kind == VERIFIABLE else "text"
    text = record.get(name)
    if type(text) is not str:
        yield _problem(name, "content_not_text")
    elif not text.strip():
        yield _problem(name, "content_empty")
    if kind == VERIFIABLE:
        verifier = record.get("verifier")
        if type(verifier) is not str or not _VERIFIER.fullmatch(verifier):
            yield _problem("verifier", "verifier_not_a_name", found=str(verifier)[:80])
    elif kind == CLASSIFICATION:
        yield from _check_labels(record.get("label"))
    elif kind == EXTRACTION and type(text) is str:
        yield from _check_entities(text, record.get("entities"))


def _check_labels(label: Any) -> Iterator[Problem]:
    """One label, or a list of those that apply; none may apply."""
    for index, one in enumerate(label if type(label) is list else [label]):
        field = f"label[{index}]" if type(label) is list else "label"
        if type(one) is not str:
            yield _problem(field, "label_not_text")
        elif not one.strip():
            yield _problem(field, "content_empty")


def _check_entities(text: str, entities: Any) -> Iterator[Problem]:
    """Spans in code points; each says the text it covers."""
    if type(entities) is not list:
        yield _problem("entities", "entities_not_a_list")
        return
    for index, entity in enumerate(entities):
        path = f"entities[{index}]"
        if type(entity) is not dict or entity.keys() != _ENTITY_FIELDS:
            yield _problem(path, "entity_unreadable")
            continue
        start, end, said = entity["start"], entity["end"], entity["text"]
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
            yield _problem(path, "span_outside", start=str(start)[:20], end=str(end)[:20], length=len(text))
        elif text[start:end] != said:
            yield _problem(path, "span_not_its_text", found=text[start:end][:80], said=str(said)[:80])
        if type(entity["label"]) is not str or not entity["label"].strip():
            yield _problem(f"{path}.label", "label_not_text")


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
