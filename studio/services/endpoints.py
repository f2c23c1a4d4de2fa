"""Models elsewhere that speak OpenAI's protocol: the operator's, and on a machine of one's own those a person adds."""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from collections.abc import Mapping
from typing import Any

from studio.errors import EndpointKeyMissing, EndpointsFixed, FileUnreadable, NotYours, OptionsInvalid
from studio.people import Person
from studio.serving.client import Connections, EndpointClient
from studio.settings import Endpoint, Settings, read_endpoint

FORMAT = 1
FILE_NAME = "endpoints.json"
MOST = 50
_NAME = re.compile(r"\w[\w.-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_]\w{0,99}", re.ASCII)


class Endpoints:
    """An endpoint's id is its name. Keys stay in the environment: only the variable's name is kept. Thread-safe."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._environment = environment
        self._guard = threading.Lock()
        self._connections = Connections(is_own=False)

    def can_add(self) -> bool:
        """Only where whoever sees the page sits at this machine: an address may lead into somebody's network."""
        return self._settings.is_alone

    def list(self, person: Person) -> list[dict[str, Any]]:
        """{"id", "name", "url", "key_env", "has_key", "own"}: the operator's first, then the person's own.

        Raises FileUnreadable, as all below do, where the person's own cannot be read.
        """
        operators = [self._describe(endpoint, own=False) for endpoint in self._settings.endpoints]
        return operators + [self._describe(endpoint, own=True) for endpoint in self._own(person)]

    def find(self, person: Person, name: object) -> Endpoint:
        """Raises NotYours."""
        for endpoint in (*self._settings.endpoints, *self._own(person)):
            if endpoint.name == name:
                return endpoint
        raise NotYours(what="endpoint")

    def client(self, person: Person, name: object) -> EndpointClient:
        """Raises NotYours, EndpointKeyMissing."""
        endpoint = self.find(person, name)
        key = self._environment.get(endpoint.key_env) if endpoint.key_env else None
        if endpoint.key_env and not key:
            raise EndpointKeyMissing(name=endpoint.name, variable=endpoint.key_env)
        return EndpointClient(endpoint.url, key, endpoint.name, self._connections)

    def models(self, person: Person, name: object) -> list[str]:
        """What the endpoint offers, asked of it now. Raises NotYours, EndpointKeyMissing, RemoteError."""
        return self.client(person, name).models()

    def add(self, person: Person, name: str, url: str, key_env: str | None) -> None:
        """The same again changes nothing. Raises EndpointsFixed, OptionsInvalid with all problems."""
        if not self.can_add():
            raise EndpointsFixed()
        with self._guard:
            endpoint = self._check(person, name, url, key_env)
            own = self._own(person)
            if endpoint not in own:
                self._write(person, [*own, endpoint])

    def remove(self, person: Person, name: object) -> None:
        """Raises EndpointsFixed, FileUnreadable, NotYours also for one of the operator's."""
        if not self.can_add():
            raise EndpointsFixed()
        with self._guard:
            own = self._own(person)
            kept = [endpoint for endpoint in own if endpoint.name != name]
            if len(kept) == len(own):
                raise NotYours(what="endpoint")
            self._write(person, kept)

    def close(self) -> None:
        self._connections.close()

    def _check(self, person: Person, name: object, url: object, key_env: object) -> Endpoint:
        problems = []
        known = {endpoint.name: endpoint for endpoint in (*self._settings.endpoints, *self._own(person))}
        sound = isinstance(name, str) and _NAME.fullmatch(name)
        made = _read(f"{name if sound else 'x'}={url}")
        if not sound:
            problems.append({"field": "name", "code": "endpoint_name"})
        if made is None or made.key_env:
            problems.append({"field": "url", "code": "endpoint_url"})
        if key_env not in (None, "") and not (isinstance(key_env, str) and _VARIABLE.fullmatch(key_env)):
            problems.append({"field": "key_env", "code": "endpoint_key"})
        if made is not None and not problems:
            made = Endpoint(made.name, made.url, str(key_env) if key_env else None)
            if known.get(made.name, made) != made or (made.name not in known and len(known) >= MOST):
                problems.append({"field": "name", "code": "endpoint_taken"})
        if problems or made is None:
            raise OptionsInvalid(problems)
        return made

    def _describe(self, endpoint: Endpoint, own: bool) -> dict[str, Any]:
        return {
            "id": endpoint.name,
            "name": endpoint.name,
            "url": endpoint.url,
            "key_env": endpoint.key_env,
            "has_key": bool(endpoint.key_env and self._environment.get(endpoint.key_env)),
            "own": own,
        }

    def _own(self, person: Person) -> list[Endpoint]:
        """What the person added; nothing where the app has since become one for several."""
        if not self.can_add():
            return []
        try:
            told = json.loads((person.workspace / FILE_NAME).read_text("utf-8"))
            return [Endpoint(**fields) for fields in told["endpoints"]] if told["format"] == FORMAT else []
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise FileUnreadable(file=FILE_NAME, row=None, cause="not_text") from error

    def _write(self, person: Person, endpoints: list[Endpoint]) -> None:
        person.workspace.mkdir(parents=True, exist_ok=True)
        part = person.workspace / f".{FILE_NAME}.{secrets.token_hex(4)}"
        kept = [vars(endpoint) for endpoint in endpoints]
        part.write_text(json.dumps({"format": FORMAT, "endpoints": kept}, ensure_ascii=False, indent=1), "utf-8")
        part.replace(person.workspace / FILE_NAME)


def _read(text: str) -> Endpoint | None:
    try:
        return read_endpoint(text)
    except ValueError:
        return None
