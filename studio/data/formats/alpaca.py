"""Alpaca: instruction, input and output, with system and history where a file has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.data.formats import FormatExample, Record, Row, invalid, share_with
from studio.data.rows import Guess
from studio.words import Text


class Alpaca:
    name = "alpaca"
    title = Text(en="Alpaca", ja="Alpaca")
    summary = Text(
        en="instruction, input and output; the input follows the instruction on a new line. system and history may be there.",
        ja="instruction、input、output の形式。input は instruction の次の行に続けます。system と history があってもかまいません。",
    )
    example = FormatExample(
        row={"instruction": "Translate into Japanese.", "input": "Good morning", "output": "おはようございます"},
        record={
            "messages": [
                {"role": "user", "content": "Translate into Japanese.\nGood morning"},
                {"role": "assistant", "content": "おはようございます"},
            ]
        },
    )
    fields = frozenset({"instruction", "input", "output", "system", "history"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share = share_with(rows, "instruction", "output")
        return Guess(
            self.name, 0.95 * share, "format_fields", {"fields": "instruction, output", "share": round(100 * share)}
        )

    def read(self, row: Row) -> Record:
        messages = []
        if system := _text(row, "system"):
            messages.append({"role": "system", "content": system})
        messages += _history(row.get("history"))
        instruction, more = _text(row, "instruction"), _text(row, "input")
        if not instruction.strip() and not more.strip():
            raise invalid("instruction", "content_empty")
        output = _text(row, "output")
        if not output.strip():
            raise invalid("output", "content_empty")
        # The line feed is what LLaMA-Factory and the original Alpaca prompts put between the two.
        asked = f"{instruction}\n{more}" if instruction and more else instruction or more
        messages.append({"role": "user", "content": asked})
        messages.append({"role": "assistant", "content": output})
        return {"messages": messages}

    def render(self, record: Record) -> Row:
        """Raises RowInvalid for a conversation with tools, or one that is not question and reply in turn."""
        messages = list(record["messages"])
        row: Row = {"instruction": "", "input": "", "output": ""}
        if messages[0]["role"] == "system":
            row["system"] = messages.pop(0)["content"]
        roles = [message["role"] for message in messages]
        if roles != ["user", "assistant"] * (len(roles) // 2) or any(len(message) > 2 for message in messages):
            raise invalid("messages", "turns_not_in_pairs")
        texts = [message["content"] for message in messages]
        if len(texts) > 2:
            row["history"] = [list(pair) for pair in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
        row["instruction"], row["output"] = texts[-2], texts[-1]
        return row


def _text(row: Row, field: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if type(value) is not str:
        raise invalid(field, "content_not_text")
    return value


def _history(value: Any) -> list[dict[str, str]]:
    if value in (None, "", []):
        return []
    if type(value) is not list:
        raise invalid("history", "history_unreadable")
    messages = []
    for index, pair in enumerate(value):
        if type(pair) is not list or len(pair) != 2 or not all(type(text) is str for text in pair):
            raise invalid(f"history[{index}]", "history_unreadable")
        messages.append({"role": "user", "content": pair[0]})
        messages.append({"role": "assistant", "content": pair[1]})
    return messages


PLUG = Alpaca()
