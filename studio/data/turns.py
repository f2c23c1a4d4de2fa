"""Messages out of what files call turns: roles by their many names, contents in parts, tool calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from studio.data.fields import invalid, plain_text, read_json, with_json
from studio.errors import RowInvalid

ROLE_NAMES: Mapping[str, str] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "agent": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
}

Message = dict[str, Any]

_KEPT = frozenset({"role", "content", "tool_calls", "tool_call_id", "name"})


def read_messages(field: str, value: Any) -> list[Message]:
    """OpenAI messages: {"role", "content"} with content a text or a list of text parts; tool calls are kept.

    Raises RowInvalid naming the message.
    """
    value = read_json(field, value, "messages_not_a_list") if isinstance(value, str) else value
    if type(value) is not list:
        raise invalid(field, "messages_not_a_list")
    return [_read_message(field, index, item) for index, item in enumerate(value)]


def _read_message(field: str, index: int, item: Any) -> Message:
    if type(item) is not dict:
        raise invalid(f"{field}[{index}]", "message_not_an_object")
    role = item.get("role")
    role = ROLE_NAMES.get(role, role) if type(role) is str else role
    content = item.get("content")
    message = {"role": role, "content": content if type(content) is str else read_content(field, index, content, item)}
    if len(item) > 2 or "content" not in item:
        for name in ("tool_calls", "tool_call_id", "name"):
            if item.get(name) is not None:
                message[name] = item[name]
        if "tool_calls" not in message and isinstance(item.get("function_call"), dict):
            message["tool_calls"] = [{"type": "function", "function": item["function_call"]}]
        if "tool_calls" in message:
            message["tool_calls"] = _with_parsed_arguments(f"{field}[{index}].tool_calls", message["tool_calls"])
    return message


def read_content(field: str, index: int, content: Any, item: Mapping[str, Any]) -> str:
    """A content that is no plain text: nothing beside tool calls, a number, or text parts, which are joined by line
    feeds."""
    if (text := plain_text(content)) is not None:
        return text
    if content is None and (item.get("tool_calls") or item.get("function_call")):
        return ""
    if type(content) is not list or not content:
        raise invalid(f"{field}[{index}].content", "content_not_text")
    texts = []
    for part in content:
        text = part.get("text") if isinstance(part, dict) and part.get("type") in ("text", "input_text") else part
        if type(text) is not str:
            raise invalid(f"{field}[{index}].content", "content_not_text")
        texts.append(text)
    return "\n".join(texts)


def _with_parsed_arguments(field: str, calls: Any) -> list[Any]:
    """Arguments are an object in a record; OpenAI writes them as JSON text."""
    if type(calls) is not list:
        raise invalid(field, "tool_call_unreadable")
    made = []
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise invalid(field, "tool_call_unreadable")
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            arguments = read_json(field, arguments, "tool_call_unreadable") if arguments.strip() else {}
        made.append(call | {"function": function | {"arguments": arguments}})
    return made


def read_tool_call(field: str, text: Any) -> list[dict[str, Any]]:
    """ShareGPT's function_call turn: one {"name", "arguments"} as JSON text, or a list of them."""
    value = read_json(field, text, "tool_call_unreadable") if isinstance(text, str) else text
    calls = value if isinstance(value, list) else [value]
    made = []
    for call in calls:
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            raise invalid(field, "tool_call_unreadable")
        arguments = call.get("arguments", {})
        if isinstance(arguments, str):
            arguments = read_json(field, arguments, "tool_call_unreadable") if arguments.strip() else {}
        made.append({"type": "function", "function": {"name": call["name"], "arguments": arguments}})
    if not made:
        raise invalid(field, "tool_call_unreadable")
    return made


def unread_call_keys(value: Any) -> Iterator[str]:
    """What a function_call turn says beside the name and the arguments that `read_tool_call` takes."""
    found = with_json(value)
    for call in found if type(found) is list else [found]:
        yield from (key for key in call if key not in ("name", "arguments"))


def read_tools(field: str, value: Any) -> list[Any]:
    """The tools a conversation may call: a list, or JSON text of one; nothing is an empty list."""
    if value in (None, "", []):
        return []
    found = read_json(field, value, "tools_unreadable") if isinstance(value, str) else value
    if not isinstance(found, list):
        raise invalid(field, "tools_unreadable")
    return found


def unread_keys(value: Any) -> Iterator[str]:
    """The keys of messages that a record does not keep, as `weight` or `content[].cache_control`; none of what is no
    messages. value: as `read_side` and `read_messages` take it."""
    found = with_json(value) if type(value) is str else value
    for item in [found] if type(found) is dict else found if type(found) is list else ():
        # Nearly all messages are a role and a text: this is asked of every one.
        if type(item) is dict and (len(item) > 2 or type(item.get("content")) is not str):
            yield from _unread_in_message(item)


def _unread_in_message(item: Message) -> Iterator[str]:
    if "role" not in item:
        return
    calls = item.get("tool_calls") is None and isinstance(item.get("function_call"), dict)
    kept = _KEPT | {"function_call"} if calls else _KEPT
    yield from (name for name, said in item.items() if said is not None and name not in kept)
    if type(item.get("content")) is list:
        parts = (part for part in item["content"] if type(part) is dict)
        yield from (f"content[].{name}" for part in parts for name in part if name not in ("type", "text"))


def find_input(row: Mapping[str, Any], asked: str) -> str | None:
    """`input`, where the question is an instruction or a prompt that it belongs to: as Alpaca has them, the question
    is both. None where there is none."""
    value = row.get(asked)
    is_text = type(value) is str and value.strip() and not value.lstrip().startswith("[")
    return "input" if is_text and (plain_text(row.get("input")) or "").strip() else None


def with_input(prompt: list[Message], more: Any) -> list[Message]:
    """The question with its input on a new line, as LLaMA-Factory joins them; as it is where a template has already put
    the input into it, on lines of its own."""
    text, asked = str(plain_text(more)), prompt[-1]["content"]
    if f"\n{text.strip()}\n" in f"{asked}\n":
        return prompt
    return [*prompt[:-1], prompt[-1] | {"content": f"{asked}\n{text}"}]


def read_side(field: str, value: Any, role: str = "assistant") -> list[Message]:
    """One side of a row: a text or a number is one message of the role, one message is a list of it, and a list stays.

    A table holds lists as JSON text. Raises RowInvalid.
    """
    if value is None:
        raise invalid(field, "field_missing")
    found = _with_messages(field, value) if type(value) is str else value
    if type(found) is dict and "role" in found:
        found = [found]
    # A completion may itself be JSON: only what has roles is taken for messages.
    if _are_messages(found):
        return read_messages(field, found)
    if (text := plain_text(value)) is not None:
        if not text.strip():
            raise invalid(field, "content_empty")
        return [{"role": role, "content": text}]
    if type(value) is float:
        raise invalid(field, "content_not_text")
    return read_messages(field, value)


def _with_messages(field: str, text: str) -> Any:
    """As `with_json`. Raises RowInvalid by name where they are messages that would lose something."""
    try:
        return with_json(text, field)
    except RowInvalid:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if _are_messages([found] if type(found) is dict else found):
            raise
        return text


def _are_messages(value: Any) -> bool:
    return type(value) is list and bool(value) and all(type(one) is dict and "role" in one for one in value)


def render_side(messages: list[Message]) -> str | list[Message]:
    """A text where there is one message of nothing else, as `read_side` takes it."""
    return messages[0]["content"] if len(messages) == 1 and len(messages[0]) == 2 else messages


def split_shared(chosen: list[Message], rejected: list[Message]) -> tuple[list[Message], list[Message], list[Message]]:
    """The prompt is every turn that both transcripts open with, the replies are what is left."""
    shared = 0
    while shared < min(len(chosen), len(rejected)) and chosen[shared] == rejected[shared]:
        shared += 1
    if shared == 0:
        raise invalid("prompt", "prompt_missing")
    if shared == len(chosen) or shared == len(rejected):
        raise invalid("rejected", "sides_identical")
    return chosen[:shared], chosen[shared:], rejected[shared:]
