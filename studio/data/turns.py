"""Messages out of what files call turns: roles by their many names, contents in parts, tool calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

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
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
}

Message = dict[str, Any]


def _invalid(field: str, cause: str, **values: Any) -> RowInvalid:
    return RowInvalid(row=None, field=field, cause=cause, **values)


def read_messages(field: str, value: Any) -> list[Message]:
    """OpenAI messages: {"role", "content"} with content a text or a list of text parts; tool calls are kept.

    Raises RowInvalid naming the message.
    """
    value = read_json_text(field, value) if isinstance(value, str) else value
    if type(value) is not list:
        raise _invalid(field, "messages_not_a_list")
    return [_read_message(field, index, item) for index, item in enumerate(value)]


def _read_message(field: str, index: int, item: Any) -> Message:
    if type(item) is not dict:
        raise _invalid(f"{field}[{index}]", "message_not_an_object")
    role = item.get("role")
    role = ROLE_NAMES.get(role, role) if type(role) is str else role
    content = item.get("content")
    message = {"role": role, "content": content if type(content) is str else read_content(field, index, content, item)}
    if len(item) > 2:
        for name in ("tool_calls", "tool_call_id", "name"):
            if item.get(name) is not None:
                message[name] = item[name]
        if "tool_calls" not in message and isinstance(item.get("function_call"), dict):
            message["tool_calls"] = [{"type": "function", "function": item["function_call"]}]
        if "tool_calls" in message:
            message["tool_calls"] = _with_parsed_arguments(f"{field}[{index}].tool_calls", message["tool_calls"])
    return message


def read_content(field: str, index: int, content: Any, item: Mapping[str, Any]) -> str:
    """A content that is no plain text: nothing beside tool calls, or text parts, which are joined by line feeds."""
    if content is None and (item.get("tool_calls") or item.get("function_call")):
        return ""
    if type(content) is not list or not content:
        raise _invalid(f"{field}[{index}].content", "content_not_text")
    texts = []
    for part in content:
        text = part.get("text") if isinstance(part, dict) and part.get("type") in ("text", "input_text") else part
        if type(text) is not str:
            raise _invalid(f"{field}[{index}].content", "content_not_text")
        texts.append(text)
    return "\n".join(texts)


def _with_parsed_arguments(field: str, calls: Any) -> list[Any]:
    """Arguments are an object in a record; OpenAI writes them as JSON text."""
    if type(calls) is not list:
        raise _invalid(field, "tool_call_unreadable")
    made = []
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise _invalid(field, "tool_call_unreadable")
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            arguments = _loads(field, arguments, "tool_call_unreadable") if arguments.strip() else {}
        made.append(call | {"function": function | {"arguments": arguments}})
    return made


def read_tool_call(field: str, text: Any) -> list[dict[str, Any]]:
    """ShareGPT's function_call turn: one {"name", "arguments"} as JSON text, or a list of them."""
    value = _loads(field, text, "tool_call_unreadable") if isinstance(text, str) else text
    calls = value if isinstance(value, list) else [value]
    made = []
    for call in calls:
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            raise _invalid(field, "tool_call_unreadable")
        arguments = call.get("arguments", {})
        if isinstance(arguments, str):
            arguments = _loads(field, arguments, "tool_call_unreadable") if arguments.strip() else {}
        made.append({"type": "function", "function": {"name": call["name"], "arguments": arguments}})
    if not made:
        raise _invalid(field, "tool_call_unreadable")
    return made


def read_tools(field: str, value: Any) -> list[Any]:
    """The tools a conversation may call: a list, or JSON text of one; nothing is an empty list."""
    if value in (None, "", []):
        return []
    found = _loads(field, value, "tools_unreadable") if isinstance(value, str) else value
    if not isinstance(found, list):
        raise _invalid(field, "tools_unreadable")
    return found


def read_json_text(field: str, text: str) -> Any:
    """A list of messages written as text, as in a CSV cell."""
    return _loads(field, text, "messages_not_a_list")


def _loads(field: str, text: str, cause: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _invalid(field, cause) from None


def unused_in_messages(value: Any) -> bool:
    """Whether messages hold fields that a record does not keep, so that the original goes into the row's meta."""
    known = {"role", "content", "tool_calls", "tool_call_id", "name", "function_call"}
    return isinstance(value, list) and any(isinstance(item, dict) and not item.keys() <= known for item in value)
