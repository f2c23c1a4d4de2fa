"""The operator's settings, from flags and, with the same names, from the environment."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from studio.words import PSEUDO

PREFIX = "WHETSTONE_"
GIB = 1024**3
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ENDPOINT = re.compile(r"(\w[\w.-]{0,39})=(https?://[^\s,/?#@]+(?:/[^\s,?#@]*)?)(?:,key_env=([A-Za-z_]\w{0,99}))?")


@dataclass(frozen=True)
class Endpoint:
    """A model somewhere else that speaks OpenAI's protocol. key_env: the environment variable with its key, or None."""

    name: str
    url: str
    key_env: str | None


@dataclass(frozen=True)
class Settings:
    """host, port: where the page is served; port 0 takes a free one. models: folders that hold base models.

    login: a file of names and password hashes, or None. upload_limit_bytes: the largest file that may be uploaded.
    """

    host: str
    port: int
    root: Path
    models: tuple[Path, ...]
    language: str | None
    login: Path | None
    hosts: tuple[str, ...]
    upload_limit_bytes: int
    on_space: bool
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def is_alone(self) -> bool:
        """Whoever sees the page sits at this machine: no login, no other machine, no Space."""
        return self.host in LOOPBACK and self.login is None and not self.on_space


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Flags win over the environment (`WHETSTONE_PORT` for `--port`). Exits with a message on a wrong flag."""
    parser = _parser(environment)
    given = parser.parse_args(arguments)
    try:
        endpoints = {endpoint.name: endpoint for endpoint in map(read_endpoint, given.endpoint)}
    except ValueError as error:
        parser.error(f"--endpoint: {error} is not NAME=URL or NAME=URL,key_env=VARIABLE")
    return Settings(
        host=given.host,
        port=given.port,
        root=Path(given.root).expanduser().resolve(),
        models=tuple(Path(m).expanduser().resolve() for m in given.models),
        language=given.lang,
        login=Path(given.login).expanduser().resolve() if given.login else None,
        hosts=tuple(given.allow_host),
        upload_limit_bytes=int(given.upload_limit_gib * GIB),
        on_space=bool(environment.get("SPACE_ID")),
        endpoints=tuple(endpoints.values()),
    )


def read_endpoint(text: str) -> Endpoint:
    """`NAME=URL` or `NAME=URL,key_env=VARIABLE`. Raises ValueError for anything else, a name or key in the URL too."""
    match = _ENDPOINT.fullmatch(text)
    if match is None or not _has_sound_port(match[2]):
        raise ValueError(text)
    return Endpoint(match[1], match[2].rstrip("/"), match[3])


def _has_sound_port(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    def value(name: str, default: str | None = None) -> str | None:
        return environment.get(PREFIX + name.upper(), default)

    def values(name: str) -> list[str]:
        return [part for part in (value(name) or "").split(os.pathsep) if part]

    parser = argparse.ArgumentParser(prog="app.py", description="Whetstone, a fine-tuning studio.")
    parser.add_argument("--host", default=value("host", "127.0.0.1"), help="address to serve on (127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=int(value("port", "7860") or 7860), help="port (7860; 0: a free one)"
    )
    parser.add_argument("--root", default=value("root", "~/.whetstone"), help="where everything is kept (~/.whetstone)")
    parser.add_argument("--models", action="append", default=values("models"), metavar="DIR",
                        help="a folder that holds base models; may be given several times")  # fmt: skip
    parser.add_argument("--lang", choices=("en", "ja", PSEUDO), default=value("lang"), help="language of the page")
    parser.add_argument("--login", default=value("login"), metavar="FILE", help="file of names and password hashes")
    parser.add_argument("--allow-host", action="append", default=values("allow_host"), metavar="NAME",
                        help="another host name the page may be reached by")  # fmt: skip
    parser.add_argument("--upload-limit-gib", type=float, default=float(value("upload_limit_gib", "2") or 2),
                        help="largest upload in GiB (2)")  # fmt: skip
    parser.add_argument("--endpoint", action="append", metavar="NAME=URL[,key_env=VARIABLE]",
                        default=(value("endpoint") or "").split(),
                        help="a model elsewhere that speaks OpenAI's protocol; may be given several times")  # fmt: skip
    return parser
