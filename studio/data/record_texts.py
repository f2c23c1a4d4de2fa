"""Every text of a record that a person wrote: read one by one, or changed into a new record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from studio.data.kinds import CLASSIFICATION, EXTRACTION, FIELDS, SIDES, VERIFIABLE, record_kind

Change = Callable[[str, str, str], str]
"""(path, role, text) -> the text that takes its place."""

Block = tuple[str, int, int, int, int]
"""difflib's (tag, i1, i2, j1, j2): what became of before[i1:i2]."""


def iterate_texts(record: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(path, role, text) of every text, in the record's order; role: the message's, else the field's name.

    Paths read like "messages[2].content", "chosen[0].content", "text", "answer", "label", "label[1]",
    "entities[0].label", and "messages[1].tool_calls[0].function.arguments.city" for the texts of a tool call.
    An entity's own text is not told: it is a part of "text".
    """
    kind = record_kind(record)
    for side in SIDES[kind] if kind else ():
        for index, message in enumerate(record[side]):
            yield f"{side}[{index}].content", message["role"], message["content"]
            if message.get("tool_calls"):
                for path, text in _leaves(f"{side}[{index}].tool_calls", _arguments(message["tool_calls"])):
                    yield path, message["role"], text
    if kind in FIELDS:
        yield from _iterate_fields(kind, record)


def _iterate_fields(kind: str, record: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "text" in FIELDS[kind]:
        yield "text", "text", record["text"]
    if kind == VERIFIABLE:
        yield "answer", "answer", record["answer"]
    if kind == CLASSIFICATION:
        for path, text in _leaves("label", record["label"]):
            yield path, "label", text
    if kind == EXTRACTION:
        for index, entity in enumerate(record["entities"]):
            yield f"entities[{index}].label", "label", entity["label"]


def with_texts(record: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """A copy with each text replaced by change(path, role, text); everything else stays as it is.

    The entities of an extraction move with their text; one whose text is changed away is left out. A label that is
    made empty stays, for `check_record` to name it.
    """
    kind = record_kind(record)
    made = dict(record)
    for side in SIDES[kind] if kind else ():
        made[side] = [_changed_message(f"{side}[{index}]", message, change) for index, message in enumerate(made[side])]
    if kind not in FIELDS:
        return made
    if "text" in FIELDS[kind]:
        made["text"] = change("text", "text", record["text"])
    if kind == VERIFIABLE:
        made["answer"] = change("answer", "answer", record["answer"])
    if kind == CLASSIFICATION:
        made["label"] = _changed("label", record["label"], lambda path, text: change(path, "label", text))
    if kind == EXTRACTION:
        named = [
            entity | {"label": change(f"entities[{index}].label", "label", entity["label"])}
            for index, entity in enumerate(record["entities"])
        ]
        made["entities"] = move_entities(named, record["text"], made["text"])
    return made


def move_entities(entities: list[dict[str, Any]], before: str, after: str) -> list[dict[str, Any]]:
    """The entities of a text in the text that it became: what was inserted, cut or replaced around them moves them.

    An entity of which nothing is left goes, and so does one that begins or ends within a stretch that was replaced as a
    whole: nobody can tell where it is now. Offsets are code points.
    """
    if before == after:
        return entities
    blocks = _opcodes(before, after)
    moved = []
    for entity in entities:
        start = _find_start(blocks, entity["start"])
        end = _find_end(blocks, entity["end"])
        if start is not None and end is not None and start < end:
            moved.append(entity | {"start": start, "end": end, "text": after[start:end]})
    return moved


def _opcodes(before: str, after: str) -> list[Block]:
    """As difflib has them. What both texts begin and end with is taken off first: comparing takes quadratic time."""
    shortest = min(len(before), len(after))
    head = next((i for i in range(shortest) if before[i] != after[i]), shortest)
    tail = next((i for i in range(shortest - head) if before[-1 - i] != after[-1 - i]), shortest - head)
    middle = SequenceMatcher(None, before[head : len(before) - tail], after[head : len(after) - tail])
    blocks = [("equal", 0, head, 0, head)]
    blocks += [(tag, i1 + head, i2 + head, j1 + head, j2 + head) for tag, i1, i2, j1, j2 in middle.get_opcodes()]
    return [*blocks, ("equal", len(before) - tail, len(before), len(after) - tail, len(after))]


def _find_start(blocks: list[Block], at: int) -> int | None:
    """What is inserted right before a span stays outside of it."""
    for tag, i1, i2, j1, _ in blocks:
        if i1 <= at < i2:
            return j1 + at - i1 if tag == "equal" else None if tag == "replace" and at > i1 else j1
    return None


def _find_end(blocks: list[Block], at: int) -> int | None:
    for tag, i1, i2, j1, j2 in blocks:
        if i1 < at <= i2:
            return j1 + at - i1 if tag == "equal" else None if tag == "replace" and at < i2 else j2
    return None


def _changed_message(path: str, message: Mapping[str, Any], change: Change) -> dict[str, Any]:
    role = message["role"]
    made = dict(message) | {"content": change(f"{path}.content", role, message["content"])}
    if message.get("tool_calls"):
        made["tool_calls"] = [
            call
            | {"function": call["function"] | _changed_arguments(f"{path}.tool_calls[{index}]", call, role, change)}
            for index, call in enumerate(message["tool_calls"])
        ]
    return made


def _changed_arguments(path: str, call: Mapping[str, Any], role: str, change: Change) -> dict[str, Any]:
    function = call["function"]
    if "arguments" not in function:
        return {}
    under = f"{path}.function.arguments"
    return {"arguments": _changed(under, function["arguments"], lambda at, text: change(at, role, text))}


def _arguments(calls: Any) -> list[dict[str, Any]]:
    return [{"function": {"arguments": call["function"].get("arguments")}} for call in calls]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(f"{path}[{index}]", inner)


def _changed(path: str, value: Any, change: Callable[[str, str], str]) -> Any:
    if isinstance(value, str):
        return change(path, value)
    if isinstance(value, dict):
        return {name: _changed(f"{path}.{name}", inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_changed(f"{path}[{index}]", inner, change) for index, inner in enumerate(value)]
    return value
