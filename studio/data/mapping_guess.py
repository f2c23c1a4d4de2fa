"""A mapping to begin with: which columns probably hold what, by their names and by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from studio.data.formats import Row
from studio.data.kinds import CLASSIFICATION, CONVERSATION, DOCUMENT, EXTRACTION, PREFERENCE
from studio.data.mapping import SAID_NAMES, SPEAKER_NAMES
from studio.data.turns import ROLE_NAMES

_NAMES: Mapping[str, tuple[str, ...]] = {
    "system": ("system", "system_prompt", "system_message", "システム"),
    "user": ("prompt", "question", "instruction", "query", "input", "user", "human", "request", "質問", "指示", "問題", "入力"),
    "assistant": (
        "completion", "response", "answer", "output", "reply", "assistant", "target", "solution", "回答", "応答", "答え", "出力",
    ),
    "chosen": ("chosen", "accepted", "better", "preferred", "win", "positive"),
    "rejected": ("rejected", "worse", "lose", "dispreferred", "negative"),
    "text": ("text", "content", "sentence", "document", "body", "article", "review", "comment", "utterance", "本文", "文章", "テキスト"),
    "label": ("label", "labels", "category", "class", "intent", "intents", "topic", "sentiment", "ラベル", "カテゴリ", "分類"),
    "entities": ("entities", "spans", "ner"),
}  # fmt: skip
_NUMBERED_CHOICE = re.compile(r"(?:choice|option|candidate|選択肢)[_ ]?([0-9a-e])", re.IGNORECASE)
_LETTERS = tuple("ABCDEFGH")


def guess_mapping(rows: Sequence[Row]) -> dict[str, Any]:
    """A mapping as JSON; roles for which no column was found are left out. rows: the first ones, at least one."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    found = {role: column for role, names in _NAMES.items() if (column := _named(columns, names))}
    if turns := _turns(rows, columns):
        return {"kind": CONVERSATION, "roles": _of(found, "system") | {"turns": turns}}
    if {"chosen", "rejected"} <= found.keys():
        roles = _of(found, "system", "chosen", "rejected")
        return {"kind": PREFERENCE, "roles": roles | ({"prompt": {"column": found["user"]}} if "user" in found else {})}
    if {"text", "entities"} <= found.keys():
        return {"kind": EXTRACTION, "roles": _of(found, "text", "entities")}
    if "text" in found and "label" in found:
        return {"kind": CLASSIFICATION, "roles": _of(found, "text", "label")}
    if "user" in found or "assistant" in found:
        return _asked(rows, columns, found)
    longest = _longest(rows, columns)
    if len(longest) > 1:
        first, second = sorted(longest[:2], key=columns.index)
        return {"kind": CONVERSATION, "roles": {"user": {"column": first}, "assistant": {"column": second}}}
    text = found.get("text") or (longest[0] if longest else None)
    return {"kind": DOCUMENT, "roles": {"text": {"column": text}} if text else {}}


def _asked(rows: Sequence[Row], columns: list[str], found: Mapping[str, str]) -> dict[str, Any]:
    """A question with its reply; with choices, where the reply picks one of them."""
    made: dict[str, Any] = {"kind": CONVERSATION, "roles": _of(found, "system", "user", "assistant")}
    listed = _choices(rows, columns)
    answer = found.get("assistant") or found.get("label")
    if listed and answer:
        said = [str(row[answer]) for row in rows if row.get(answer) is not None]
        first = int("0" not in said and any(one.isdecimal() for one in said))
        made["roles"]["assistant"] = {"column": answer, "picks": "mark"}
        made["choices"] = {"columns": listed, "first": first}
    return made


def _choices(rows: Sequence[Row], columns: list[str]) -> list[str]:
    numbered = [name for name in columns if _NUMBERED_CHOICE.fullmatch(name)]
    lettered = [name for name in columns if name in _LETTERS]
    lists = [name for name in columns if name.lower() in ("choices", "options") and _holds_lists(rows, name)]
    return next((some for some in (numbered, lettered) if len(some) > 1), lists[:1])


def _holds_lists(rows: Sequence[Row], column: str) -> bool:
    values = [row[column] for row in rows if row.get(column) is not None]
    return bool(values) and all(isinstance(value, list) for value in values)


def _named(columns: list[str], names: tuple[str, ...]) -> str | None:
    lowered = {column.strip().lower(): column for column in reversed(columns)}
    return next((lowered[name] for name in names if name in lowered), None)


def _of(found: Mapping[str, str], *roles: str) -> dict[str, dict[str, Any]]:
    return {role: {"column": found[role]} for role in roles if role in found}


def _turns(rows: Sequence[Row], columns: list[str]) -> dict[str, Any] | None:
    """A column of turns that say who speaks; names of speakers that are not known are left for a person to map."""
    for column in columns:
        values = [row[column] for row in rows if isinstance(row.get(column), list) and row[column]]
        if not values or not all(isinstance(turn, dict) for turns in values for turn in turns):
            continue
        names = set(values[0][0])
        speaker = next((name for name in SPEAKER_NAMES if name in names), None)
        said = next((name for name in SAID_NAMES if name in names and name != speaker), None)
        if speaker is None or said is None:
            continue
        speakers = dict.fromkeys(str(turn.get(speaker)) for turns in values for turn in turns)
        strange = [name for name in speakers if name.lower() not in ROLE_NAMES]
        # The one that is not the user replies.
        mapped = dict.fromkeys(strange, "assistant") if len(strange) == 1 and len(speakers) > 1 else {}
        return {"column": column, "speaker": speaker, "said": said, "values": mapped}
    return None


def _longest(rows: Sequence[Row], columns: list[str]) -> list[str]:
    """Columns of text, the longest texts first."""
    lengths = {}
    for column in columns:
        texts = [row[column] for row in rows if isinstance(row.get(column), str)]
        if texts and len(texts) * 2 >= len(rows):
            lengths[column] = sum(map(len, texts)) / len(texts)
    return sorted(lengths, key=lambda column: -lengths[column])
