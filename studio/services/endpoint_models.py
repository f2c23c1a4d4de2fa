"""Which models the endpoints elsewhere offer: asked in the background, so that nobody waits for a slow one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from studio.errors import FileUnreadable, StudioError
from studio.people import Person
from studio.services.endpoints import Endpoints

KNOWN_S = 60.0
MOST_MODELS = 100

_Key = tuple[str, str]


class EndpointModels:
    """The columns that endpoints can fill. Thread-safe."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._guard = threading.Lock()
        self._known: dict[_Key, tuple[float, list[str]]] = {}
        self._asking: set[_Key] = set()

    def list(self, person: Person) -> Iterator[tuple[str, str]]:
        """(column id, name) of every model that is known by now; an endpoint alone while its models are not.

        An endpoint that does not answer is offered all the same: asked for a reply it says why.
        """
        try:
            endpoints = self._endpoints.list(person)
        except FileUnreadable:
            return  # said where endpoints are added
        for endpoint in endpoints:
            name = endpoint["name"]
            models = self._models(person, name, endpoint["url"])
            for model in models[:MOST_MODELS]:
                yield f"{name}/{model}", f"{name} · {model}"
            if not models:
                yield f"{name}/", name

    def _models(self, person: Person, name: str, url: str) -> list[str]:
        """What is known; asked anew, for the next time, when that is a minute old."""
        key = (url, name)
        with self._guard:
            asked_s, models = self._known.get(key, (-KNOWN_S, []))
            if time.monotonic() - asked_s >= KNOWN_S and key not in self._asking:
                self._asking.add(key)
                threading.Thread(target=self._ask, args=(person, key), name="endpoint", daemon=True).start()
        return models

    def _ask(self, person: Person, key: _Key) -> None:
        models: list[str] = []
        try:
            models = self._endpoints.models(person, key[1])
        except StudioError:
            pass  # offered without its models
        finally:
            with self._guard:
                self._known[key] = (time.monotonic(), models)
                self._asking.discard(key)
