"""What a chat template makes of turns that it does not know: left out, or written as if somebody else had said them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from studio.data.records import Problem
from studio.models.rendering import REFUSALS, Messages, Renderer


def find_losses(renderer: Renderer, messages: Messages, text: str, tools: Sequence[Any] = ()) -> Iterator[Problem]:
    """Problems {"code", …} of system turns, tool calls, their replies and the definitions of tools; words under `xray.problem.<code>`.

    text: the conversation as the template wrote it. Found by looking and by trying: a turn whose words are not in the
    text is not read, and one that reads the same under another role is read as that role.
    """
    if tools:
        yield {"code": "tools_unseen", "count": len(tools)}
    if messages and messages[0]["role"] == "system" and str(messages[0]["content"]).strip():
        yield from _system_losses(renderer, messages, text)
    unseen = [name for message in messages for name in _unseen_calls(message, text)]
    if unseen:
        yield {"code": "tool_call_unseen", "name": unseen[0], "count": len(unseen)}
    replies = [index for index, message in enumerate(messages) if message["role"] == "tool"]
    hidden = [index for index in replies if not _is_in(messages[index]["content"], text)]
    if hidden:
        yield {"code": "tool_reply_unseen", "count": len(hidden)}
    elif replies and _rewritten(renderer, messages, dict.fromkeys(replies, "user")) == text:
        yield {"code": "tool_reply_as_user", "count": len(replies)}


def _system_losses(renderer: Renderer, messages: Messages, text: str) -> Iterator[Problem]:
    if not _is_in(messages[0]["content"], text):
        yield {"code": "system_unseen"}
    elif _rewritten(renderer, messages, {0: "user"}) == text:
        yield {"code": "system_as_user"}
    elif len(messages) > 1 and messages[1]["role"] == "user":
        joined = {"role": "user", "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
        if _render(renderer, [joined, *messages[2:]]) == text:
            yield {"code": "system_joined"}


def _unseen_calls(message: dict[str, Any], text: str) -> Iterator[str]:
    """Names of functions that a turn calls and that the text does not name, or without what they are called with."""
    calls = message.get("tool_calls") or []
    for call in calls if isinstance(calls, list) else [calls]:
        function = call.get("function") if isinstance(call, dict) else None
        name = str(function.get("name")) if isinstance(function, dict) else ""
        if not name or name not in text or not _has_arguments(function.get("arguments"), text):
            yield name


def _has_arguments(arguments: Any, text: str) -> bool:
    """Whether every value that a function is called with stands in the text, however it is written there."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return arguments in text
    values = arguments.values() if isinstance(arguments, dict) else [arguments] if arguments else []
    plain = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values)
    escaped = text.replace("\\", "")
    return all(value.replace("\\", "").replace('"', "") in escaped.replace('"', "") for value in plain)


def _is_in(content: Any, text: str) -> bool:
    words = str(content).strip()
    # Some templates write a tool's reply as JSON, with its quotes escaped.
    return words in text or json.dumps(words, ensure_ascii=False)[1:-1] in text


def _rewritten(renderer: Renderer, messages: Messages, roles: dict[int, str]) -> str | None:
    changed = [{**message, "role": roles.get(index, message["role"])} for index, message in enumerate(messages)]
    return _render(renderer, changed)


def _render(renderer: Renderer, messages: Messages) -> str | None:
    try:
        return renderer.render_text(messages)[0]
    except REFUSALS:
        return None
