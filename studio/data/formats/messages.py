"""OpenAI messages: one conversation under `messages`."""

from __future__ import annotations

from collections.abc import Sequence

from studio.data.formats import FormatExample, Record, Row, share_with
from studio.data.rows import Guess
from studio.data.turns import read_messages, read_tools
from studio.words import Text


class Messages:
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
    fields = frozenset({"messages", "tools"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share = share_with(rows, "messages")
        return Guess(self.name, 0.98 * share, "format_fields", {"fields": "messages", "share": round(100 * share)})

    def read(self, row: Row) -> Record:
        record: Record = {"messages": read_messages("messages", row.get("messages"))}
        if "tools" in row and (tools := read_tools("tools", row["tools"])):
            record["tools"] = tools
        return record

    def render(self, record: Record) -> Row:
        return dict(record)


PLUG = Messages()
