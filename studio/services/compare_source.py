"""Where the replies of a column come from: the model server of the app, or an endpoint elsewhere."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from studio.errors import EndpointRefused, PromptTooLong, ServerRefused, StudioError
from studio.people import Person
from studio.services.compare_settings import Sampling
from studio.services.conversation import Column
from studio.services.endpoints import Endpoints
from studio.services.model_server import ModelServer
from studio.serving.client import Piece, ServerClient


class Models:
    """The models that a person may ask. Thread-safe."""

    def __init__(self, server: ModelServer, endpoints: Endpoints) -> None:
        self._server = server
        self._endpoints = endpoints

    def stream(
        self, person: Person, column: Column, messages: list[dict[str, str]], settings: Sampling
    ) -> Iterator[Piece]:
        """Raises ServerFailed where the model server does not start, ServerLost where it is gone in the middle,
        ServerRefused, PromptTooLong.

        An endpoint: NotYours, EndpointKeyMissing, EndpointUnreachable, EndpointRefused, EndpointBroken.
        """
        sampling = settings.to_fields()
        del sampling["system"]  # it is the first of the messages
        if column["kind"] == "model":
            return _stream_own(self._server.client(person), column["id"], messages, sampling)
        name, model = split_endpoint(column["id"])
        client = self._endpoints.client(person, name)
        return client.stream_chat(model or next(iter(client.models()), ""), messages, sampling)

    def prepare(self, person: Person, columns: list[Column]) -> None:
        """Starts the server and loads the first model; what fails now is told when it is asked."""
        models = [column["id"] for column in columns if column["kind"] == "model"]
        with suppress(StudioError):
            if models:
                self._server.client(person).load(models[0])


def _stream_own(
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


def split_endpoint(column_id: str) -> tuple[str, str]:
    """The endpoint's name and the model's; the model is empty where the endpoint's first is meant."""
    name, _, model = column_id.partition("/")
    return name, model
