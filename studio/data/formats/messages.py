"""OpenAI messages: one conversation under `messages`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.data.fields import share_where
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.data.turns import read_messages, read_tools
from studio.words import Text


class Messages(OneRecord):
    name = "messages"
    title = Text(en="Messages (OpenAI)", ja="メッセージ（OpenAI）")
    summary = Text(
        en="One conversation a row under messages, each message with a role and a content. Tool calls are kept.",
        ja="1 行が messages に収めた 1 つの会話で、各メッセージに role と content があります。ツール呼び出しも保持します。",
    )
    example = FormatExample(
        row={
            "messages": [
                {"role": "system", "content": "You sell tea."},
                {"role": "user", "content": [{"type": "text", "text": "Do you have green tea?"}]},
                {"role": "assistant", "content": "Yes, from Uji."},
            ]
        },
        record={
            "messages": [
                {"role": "system", "content": "You sell tea."},
                {"role": "user", "content": "Do you have green tea?"},
                {"role": "assistant", "content": "Yes, from Uji."},
            ]
        },
    )
    fields = frozenset({"messages", "tools", "functions"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        # Turns with `from` and `value` are ShareGPT's, whatever field they stand in.
        share = share_where(rows, lambda row: row.get("messages") is not None and not _is_sharegpt(row["messages"]))
        return Guess(self.name, 0.98 * share, "format_fields", {"fields": "messages", "share": round(100 * share)})

    def names(self, row: Row) -> Sequence[str]:
        return "messages", "functions" if row.get("tools") in (None, "", "[]", []) else "tools"

    def read(self, row: Row) -> Record:
        record: Record = {"messages": read_messages("messages", row.get("messages"))}
        _, field = self.names(row)
        if tools := read_tools(field, row.get(field)):
            is_bare = field == "functions"
            record["tools"] = [{"type": "function", "function": tool} for tool in tools] if is_bare else tools
        return record

    def render(self, record: Record) -> Row:
        return dict(record)


def _is_sharegpt(messages: Any) -> bool:
    return type(messages) is list and any(type(turn) is dict and "from" in turn for turn in messages[:1])


PLUG = Messages()
