"""A conversation with a model of this app: as much of it as the model's context holds, and the reply as it comes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from studio.errors import EndpointRefused, PromptTooLong, ServerRefused
from studio.serving.client import Piece, ServerClient


def stream_fitting(
    client: ServerClient, model: str, messages: list[dict[str, str]], sampling: dict[str, Any]
) -> Iterator[Piece]:
    """The reply of a model of this app, to as much of the conversation as its context holds.

    The first piece says what that meant: left_out, the oldest exchanges that no longer fit, and max_tokens.
    """
    try:
        fitting, room, left_out = fit_conversation(client, model, messages, sampling["max_tokens"])
        longest = min(sampling["max_tokens"], room)
        yield Piece("", facts={"left_out": left_out, "max_tokens": longest})
        yield from client.stream_chat(model, fitting, sampling | {"max_tokens": longest})
    except EndpointRefused as refused:
        raise ServerRefused(said=refused.values["said"]) from refused


def fit_conversation(
    client: ServerClient, model: str, messages: list[dict[str, str]], max_tokens: int
) -> tuple[list[dict[str, str]], int, int]:
    """The messages that leave room for a reply, the room in tokens, and how many of the oldest exchanges are left out.

    A reply is owed half of the context at most. Raises PromptTooLong where the prompt alone does not fit.
    """
    first = int(messages[0]["role"] == "system")
    exchanges = (len(messages) - first - 1) // 2
    found: dict[int, tuple[int, int]] = {}

    def room_without(left_out: int) -> int:
        """Tokens left for the reply, less what it is owed: negative where it does not fit."""
        told = client.tokenize(model, messages=messages[:first] + messages[first + 2 * left_out :])
        found[left_out] = (told["count"], told["max_model_len"])
        return told["max_model_len"] - told["count"] - min(max_tokens, told["max_model_len"] // 2)

    left_out = 0
    if room_without(0) < 0 and exchanges:
        left_out = min(bisect_left(range(exchanges + 1), 0, lo=1, key=room_without), exchanges)
    if left_out not in found:
        room_without(left_out)
    count, context = found[left_out]
    if count >= context:
        raise PromptTooLong(model=model, tokens=count, context=context)
    return messages[:first] + messages[first + 2 * left_out :], context - count, left_out
