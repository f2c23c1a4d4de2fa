"""Where the replies of a column come from: the model server of the app, or an endpoint elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from studio.errors import StudioError
from studio.people import Person
from studio.services.compare_settings import Sampling
from studio.services.conversation import Column
from studio.services.endpoints import Endpoints
from studio.services.model_server import ModelServer
from studio.serving.client import Piece
from studio.serving.conversing import stream_fitting


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
            return stream_fitting(self._server.client(person), column["id"], messages, sampling)
        name, model = split_endpoint(column["id"])
        client = self._endpoints.client(person, name)
        return client.stream_chat(model or next(iter(client.models()), ""), messages, sampling)

    def prepare(self, person: Person, columns: list[Column]) -> None:
        """Starts the server and loads the first model; what fails now is told when it is asked."""
        models = [column["id"] for column in columns if column["kind"] == "model"]
        with suppress(StudioError):
            if models:
                self._server.client(person).load(models[0])


def source_of(person: Person, column: Mapping[str, Any], server: ModelServer, endpoints: Endpoints) -> dict[str, Any]:
    """Where a job asks a column's model, as `ModelAccess.stream` takes it; the model server is started if need be.

    Raises ServerFailed, NotYours, EndpointKeyMissing.
    """
    if column["kind"] == "model":
        server.ensure()
        return {"kind": "model", "id": column["id"]}
    name, model = split_endpoint(column["id"])
    endpoints.client(person, name)  # says now that its key is missing
    return {"kind": "endpoint", "model": model, **vars(endpoints.find(person, name))}


def split_endpoint(column_id: str) -> tuple[str, str]:
    """The endpoint's name and the model's; the model is empty where the endpoint's first is meant."""
    name, _, model = column_id.partition("/")
    return name, model
