"""Records of one kind as another kind, where that keeps what a trainer would learn from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from studio.data.records import CONVERSATION, PREFERENCE, PROMPT_COMPLETION, record_kind

Record = dict[str, Any]


def _said_whole(record: Mapping[str, Any]) -> Record | None:
    return _with_tools(record, {"messages": [*record["prompt"], *record["completion"]]})


def _chosen_said(record: Mapping[str, Any]) -> Record | None:
    return _with_tools(record, {"messages": [*record["prompt"], *record["chosen"]]})


def _chosen_completed(record: Mapping[str, Any]) -> Record | None:
    return _with_tools(record, {"prompt": record["prompt"], "completion": record["chosen"]})


def _last_reply_apart(record: Mapping[str, Any]) -> Record | None:
    """The last reply is the completion, all before it the prompt; None for a talk that does not end with a reply."""
    messages = record["messages"]
    if messages[-1]["role"] != "assistant" or not any(message["role"] == "user" for message in messages[:-1]):
        return None
    return _with_tools(record, {"prompt": messages[:-1], "completion": messages[-1:]})


def _with_tools(record: Mapping[str, Any], made: Record) -> Record:
    return made | ({"tools": record["tools"]} if "tools" in record else {})


_WAYS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Record | None]] = {
    (PROMPT_COMPLETION, CONVERSATION): _said_whole,
    (PREFERENCE, CONVERSATION): _chosen_said,
    (PREFERENCE, PROMPT_COMPLETION): _chosen_completed,
    (CONVERSATION, PROMPT_COMPLETION): _last_reply_apart,
}
"""What each way loses is worded under `data.convert.<from>.<to>`."""


def can_become(kind: str, wanted: str) -> bool:
    """Whether records of a kind can be had as another kind at all."""
    return kind == wanted or (kind, wanted) in _WAYS


def convert_record(record: Mapping[str, Any], wanted: str) -> Record | None:
    """The record as the wanted kind; None where this one cannot be it."""
    kind = str(record_kind(record))
    if kind == wanted:
        return dict(record)
    way = _WAYS.get((kind, wanted))
    return way(record) if way else None
