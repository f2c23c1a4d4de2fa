"""ShareGPT: turns under `conversations`, each with `from` and `value`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from studio.data.fields import find_name, invalid, plain_text, share_where, with_json
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.data.turns import ROLE_NAMES, read_tool_call, read_tools, unread_call_keys
from studio.words import Text

_FIELDS = ("conversations", "conversation", "utterances", "dialogue", "dialog", "messages")
_SPEAKERS, _SAID = ("from", "role", "speaker", "name"), ("value", "content", "text", "utterance")
_NAMES_BACK = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


class ShareGpt(OneRecord):
    name = "sharegpt"
    title = Text(en="ShareGPT", ja="ShareGPT")
    summary = Text(
        en="One conversation a row under conversations or utterances, each turn with from (human, gpt, system, function_call, observation) and value.",
        ja="1 行が conversations または utterances に収めた 1 つの会話で、各発言に from（human、gpt、system、function_call、observation）と value があります。",
    )
    example = FormatExample(
        row={
            "system": "You sell tea.",
            "conversations": [
                {"from": "human", "value": "Is there any sencha left?"},
                {"from": "function_call", "value": '{"name": "stock", "arguments": {"tea": "sencha"}}'},
                {"from": "observation", "value": '{"boxes": 3}'},
                {"from": "gpt", "value": "Yes, three boxes."},
            ],
        },
        record={
            "messages": [
                {"role": "system", "content": "You sell tea."},
                {"role": "user", "content": "Is there any sencha left?"},
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"type": "function", "function": {"name": "stock", "arguments": {"tea": "sencha"}}}],
                },
                {"role": "tool", "content": '{"boxes": 3}'},
                {"role": "assistant", "content": "Yes, three boxes."},
            ]
        },
    )
    fields = frozenset({*_FIELDS, "system", "tools"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share, field = max(
            ((share_where(rows, lambda row, f=name: _is_talk(row.get(f))), name) for name in _FIELDS),
            key=lambda found: found[0],
        )
        return Guess(self.name, 0.96 * share, "format_fields", {"fields": field, "share": round(100 * share)})

    def names(self, row: Row) -> Sequence[str]:
        return find_name(row, _FIELDS) or _FIELDS[0], "system", "tools"

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        field, *_ = self.names(row)
        for turn in with_json(row[field]):
            names = find_name(turn, _SPEAKERS), find_name(turn, _SAID)
            yield from ((field, name) for name, said in turn.items() if said is not None and name not in names)
            if turn.get(names[0]) == "function_call":
                yield from ((field, f"{names[1]}.{key}") for key in unread_call_keys(turn.get(names[1])))

    def read(self, row: Row) -> Record:
        field, *_ = self.names(row)
        turns = with_json(row.get(field), field)
        if type(turns) is not list:
            raise invalid(field, "messages_not_a_list")
        messages = [_message(f"{field}[{index}]", turn) for index, turn in enumerate(turns)]
        if system := row.get("system"):
            if messages and messages[0]["role"] == "system":
                raise invalid("system", "system_twice")
            messages.insert(0, {"role": "system", "content": system})
        record: Record = {"messages": messages}
        if "tools" in row and (tools := read_tools("tools", row["tools"])):
            record["tools"] = tools
        return record

    def render(self, record: Record) -> Row:
        from studio.data.records import canonical_text

        turns = []
        for message in record["messages"]:
            calls = message.get("tool_calls")
            if message["content"] or not calls:
                turns.append({"from": _NAMES_BACK[message["role"]], "value": message["content"]})
            for call in calls or []:
                turns.append({"from": "function_call", "value": canonical_text(call["function"]).decode()})
        row: Row = {"conversations": turns}
        if "tools" in record:
            row["tools"] = canonical_text(record["tools"]).decode()
        return row


def _is_talk(value: Any) -> bool:
    """A list of turns, each with somebody who speaks; a text of one in a table."""
    turns = with_json(value)
    return type(turns) is list and all(type(turn) is dict and find_name(turn, _SPEAKERS) for turn in turns[:3])


def _message(path: str, turn: Any) -> dict[str, Any]:
    if type(turn) is not dict:
        raise invalid(path, "message_not_an_object")
    # Some files write the same turns under OpenAI's or their own names.
    speaker = turn.get(find_name(turn, _SPEAKERS) or "")
    value = turn.get(find_name(turn, _SAID) or "")
    if speaker == "function_call":
        return {"role": "assistant", "content": "", "tool_calls": read_tool_call(f"{path}.value", value)}
    role = ROLE_NAMES.get(speaker) if type(speaker) is str else None
    if role is None:
        raise invalid(f"{path}.from", "role_unknown", found=str(speaker)[:80])
    text = plain_text(value)
    if text is None:
        raise invalid(f"{path}.value", "content_not_text")
    return {"role": role, "content": text}


PLUG = ShareGpt()
