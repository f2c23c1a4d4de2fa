"""Alpaca: instruction, input and output, with system and history where a file has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.data.fields import best_names, find_name, invalid, plain_text, with_json
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.words import Text

_MORE, _REPLIES = ("input", "context"), ("output", "response")
"""Dolly writes context and response."""


class Alpaca(OneRecord):
    name = "alpaca"
    title = Text(en="Alpaca", ja="Alpaca")
    summary = Text(
        en="instruction, input and output; the input follows the instruction on a new line. system and history may be there, and context and response are read as input and output.",
        ja="instruction、input、output の形式。input は instruction の次の行に続けます。system と history があってもかまいません。context と response は input と output として読みます。",
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
    fields = frozenset({"instruction", *_MORE, *_REPLIES, "system", "history"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share, names = best_names(rows, [("instruction", reply) for reply in _REPLIES])
        values = {"fields": ", ".join(names), "share": round(100 * share)}
        return Guess(self.name, 0.95 * share, "format_fields", values)

    def names(self, row: Row) -> Sequence[str]:
        return ("instruction", *_input_and_output(row), "system", "history")

    def read(self, row: Row) -> Record:
        messages = []
        if system := _text(row, "system"):
            messages.append({"role": "system", "content": system})
        messages += _history(row.get("history"))
        given, reply = _input_and_output(row)
        instruction, more = _text(row, "instruction"), _text(row, given)
        if not instruction.strip() and not more.strip():
            raise invalid("instruction", "content_empty")
        output = _text(row, reply)
        if not output.strip():
            raise invalid(reply, "content_empty")
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


def _input_and_output(row: Row) -> tuple[str, str]:
    return find_name(row, _MORE) or _MORE[0], find_name(row, _REPLIES) or _REPLIES[0]


def _text(row: Row, field: str) -> str:
    value = row.get(field)
    text = "" if value is None else plain_text(value)
    if text is None:
        raise invalid(field, "content_not_text")
    return text


def _history(value: Any) -> list[dict[str, str]]:
    value = with_json(value, "history")
    if value in (None, "", []):
        return []
    if type(value) is not list:
        raise invalid("history", "history_unreadable")
    messages = []
    for index, pair in enumerate(value):
        texts = [plain_text(text) for text in pair] if type(pair) is list else []
        if len(texts) != 2 or None in texts:
            raise invalid(f"history[{index}]", "history_unreadable")
        messages.append({"role": "user", "content": texts[0]})
        messages.append({"role": "assistant", "content": texts[1]})
    return messages


PLUG = Alpaca()
