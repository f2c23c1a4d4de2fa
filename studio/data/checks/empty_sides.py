"""Empty or identical sides: replies that say nothing, repeat their question, or cannot be told apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, Fixer, Record, example_row
from studio.data.checks._folding import fold, ticked
from studio.data.kinds import CONVERSATION, SIDES
from studio.data.records import iterate_texts
from studio.words import Text

EMPTY, STAND_IN, EMPTY_SYSTEM, IDENTICAL, ECHO = "empty", "stand_in", "empty_system", "identical", "echo"

_STAND_INS = frozenset(
    fold(text)
    for text in [
        "null",
        "none",
        "nan",
        "nil",
        "undefined",
        "todo",
        "tbd",
        "n/a",
        "na",
        "-",
        "--",
        "---",
        ".",
        "..",
        "...",
        "…",
        "?",
        "??",
        "???",
        "xxx",
        "[empty]",
        "(empty)",
        "<empty>",
        "なし",
        "無し",
        "無",
        "空",
        "未記入",
        "未入力",
        "該当なし",
        "不明",
        "(なし)",
        "（なし）",
        "・",
        "ー",
    ]
)
"""What spreadsheets and exports put where nothing is. A whole text that is one of these, never a part of a text."""


def _pair(prompt: str, reply: str) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "completion": [{"role": "assistant", "content": reply}],
    }


def _choice(prompt: str, chosen: str, rejected: str) -> dict[str, Any]:
    sides = {"chosen": chosen, "rejected": rejected}
    return {"prompt": [{"role": "user", "content": prompt}]} | {
        name: [{"role": "assistant", "content": text}] for name, text in sides.items()
    }


_TALK = [{"role": "user", "content": "Is delivery free?"}, {"role": "assistant", "content": "From 5,000 yen."}]


class EmptySides(Check):
    name = "empty_sides"
    title = Text("Empty or identical sides", "空の側と同じ側")
    summary = Text(
        "Texts without a visible character, stand-ins such as N/A, replies that only repeat the question, and pairs whose replies are the same.",
        "見える文字のない文章、N/Aなどの仮の値、質問を繰り返すだけの応答、両方の応答が同じペアを探します。",
    )
    severity = "error"
    severities = {STAND_IN: "warn", EMPTY_SYSTEM: "info", ECHO: "warn"}
    words = {
        EMPTY: Text("{path} has no visible character.", "{path} に見える文字がありません。"),
        STAND_IN: Text(
            "{path} is only “{text}”, as exports write where nothing is.",
            "{path} が「{text}」だけです。値がないときの仮の表記のようです。",
        ),
        EMPTY_SYSTEM: Text("The system prompt is empty.", "システムプロンプトが空です。"),
        IDENTICAL: Text(
            "The chosen and the rejected reply say the same: nothing can be learned from this pair.",
            "選ばれた応答と選ばれなかった応答が同じ内容です。このペアからは何も学習できません。",
        ),
        ECHO: Text("{path} only repeats the question.", "{path} は質問を繰り返しているだけです。"),
    }
    fixable = frozenset({EMPTY, EMPTY_SYSTEM, IDENTICAL})
    example = CheckExample(
        rows=(
            example_row(1, _pair("Is delivery free?", "\u200b")),
            example_row(2, _pair("Is delivery free?", "N/A")),
            example_row(3, {"messages": [{"role": "system", "content": " "}, *_TALK]}),
            example_row(4, _choice("Is delivery free?", "Yes.", "yes. ")),
            example_row(5, _pair("Is delivery free?", "Is delivery  free?")),
        ),
        findings=(
            Finding(EMPTY, {"path": "completion[0].content"}, 1),
            Finding(STAND_IN, {"path": "completion[0].content", "text": "N/A"}, 2),
            Finding(EMPTY_SYSTEM, {}, 3),
            Finding(IDENTICAL, {}, 4),
            Finding(ECHO, {"path": "completion[0].content"}, 5),
        ),
        clean=(
            example_row(6, {"messages": [{"role": "system", "content": "Be brief."}, *_TALK]}),
            example_row(7, _choice("Is delivery free?", "Yes, from 5,000 yen.", "Yes.")),
            example_row(8, {"text": "Great mug.", "label": "none"}),
        ),
        fixed={1: None, 3: {"messages": _TALK}, 4: None},
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        for row in ticked(rows(), context.tick):
            for code, values in _find_in(row.kind, row.record):
                yield Finding(code, values, row.row_id)

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        """An empty system prompt is taken out; a row without an answer, or with two that are the same, is left out."""
        found = [code for code, _ in _find_in(*_kinded(record))]
        if EMPTY in found or IDENTICAL in found:
            return None
        if EMPTY_SYSTEM not in found:
            return record
        side = next(name for name in ("messages", "prompt") if name in record)
        return record | {side: [one for one in record[side] if one["role"] != "system" or _is_visible(one["content"])]}


def _kinded(record: Record) -> tuple[str, Record]:
    return example_row(0, record).kind, record


def _find_in(kind: str, record: Record) -> Iterator[tuple[str, dict[str, Any]]]:
    calling = {
        f"{side}[{index}].content"
        for side in SIDES[kind]
        for index, message in enumerate(record[side])
        if message.get("tool_calls") or message["role"] == "tool"
    }
    for path, role, text in iterate_texts(record):
        if "tool_calls" in path or path in calling:
            continue
        if not _is_visible(text):
            yield (EMPTY_SYSTEM, {}) if role == "system" else (EMPTY, {"path": path})
        elif role not in ("label", "answer") and len(text) < 16 and fold(text) in _STAND_INS:
            yield STAND_IN, {"path": path, "text": text.strip()}
    yield from _find_repeats(kind, record)


def _find_repeats(kind: str, record: Record) -> Iterator[tuple[str, dict[str, Any]]]:
    if "chosen" in record and _said(record["chosen"]) == _said(record["rejected"]):
        yield IDENTICAL, {}
        return
    for side in ("messages", "completion", "chosen"):
        if side not in record:
            continue
        before = record[side] if kind == CONVERSATION else [*record["prompt"], *record[side]]
        offset = len(before) - len(record[side])
        for index in range(1, len(before)):
            question, reply = before[index - 1], before[index]
            asked = (question["role"], reply["role"]) == ("user", "assistant")
            if asked and reply["content"] and fold(question["content"]) == fold(reply["content"]):
                yield ECHO, {"path": f"{side}[{index - offset}].content"}


def _said(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(one["role"], fold(one["content"]), str(one.get("tool_calls"))) for one in messages]


def _is_visible(text: str) -> bool:
    """Whether any character would be seen; zero-width ones and controls are not."""
    return any(not char.isspace() and unicodedata.category(char) not in ("Cf", "Cc", "Zs", "Zl", "Zp") for char in text)


PLUG = EmptySides()
