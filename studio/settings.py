"""The operator's settings, from flags and, with the same names, from the environment."""

from __future__ import annotations

import argparse
import math
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
SPACE_DISK = Path("/data")
"""Where a Space finds the storage that is attached to it, unless its owner chose another place."""

_SIGN_IN = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")
"""What a Space is given with `hf_oauth: true` in README's front matter."""
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

    login: a file of names and password hashes, or None. hosts: other names the page may be reached by.
    upload_limit_bytes: the largest file that may be uploaded. has_sign_in: the Space lets visitors sign in to Hugging
    Face. visitor_hours: how long what a visitor without an account made is kept after their last visit. has_spare: whether
    a worker waits with its imports done, so that a run starts at once.
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
    has_sign_in: bool = False
    visitor_hours: float = 6.0
    has_spare: bool = True

    @property
    def is_alone(self) -> bool:
        """Whoever sees the page sits at this machine: no login, no other machine, no Space."""
        return self.host in LOOPBACK and self.login is None and not self.on_space

    @property
    def is_public(self) -> bool:
        """A Space without a login of its own: whoever comes is a visitor, or signs in."""
        return self.on_space and self.login is None


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Flags win over the environment (`WHETSTONE_PORT` for `--port`). Exits with a message on a wrong flag."""
    parser = _parser(environment)
    given = parser.parse_args(arguments)
    try:
        endpoints = {endpoint.name: endpoint for endpoint in map(read_endpoint, given.endpoint)}
    except ValueError as error:
        parser.error(f"--endpoint: {error} is not NAME=URL or NAME=URL,key_env=VARIABLE")
    if not 0 < given.visitor_hours < math.inf:
        parser.error("--visitor-hours: more than 0")
    on_space = bool(environment.get("SPACE_ID"))
    if on_space and (given.models or endpoints):
        parser.error("--models and --endpoint are for people you know: a Space, which anybody may visit, has neither")
    return Settings(
        host=given.host,
        port=given.port,
        root=Path(given.root).expanduser().resolve(),
        models=tuple(Path(m).expanduser().resolve() for m in given.models),
        language=given.lang,
        login=Path(given.login).expanduser().resolve() if given.login else None,
        hosts=(*given.allow_host, *_space_hosts(environment)),
        upload_limit_bytes=int(given.upload_limit_gib * GIB),
        on_space=on_space,
        endpoints=tuple(endpoints.values()),
        has_sign_in=on_space and environment.get("SYSTEM") == "spaces" and all(map(environment.get, _SIGN_IN)),
        visitor_hours=given.visitor_hours,
        has_spare=not given.no_spare,
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


def _space_hosts(environment: Mapping[str, str]) -> list[str]:
    """The names by which a Space is reached: its own, and a domain of its owner's."""
    return [name.strip() for name in environment.get("SPACE_HOST", "").split(",") if name.strip()]


def _default_root(on_space: bool) -> str:
    """On a Space the attached storage, where there is some that can be written."""
    return str(SPACE_DISK / "whetstone") if on_space and os.access(SPACE_DISK, os.W_OK) else "~/.whetstone"


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    on_space = bool(environment.get("SPACE_ID"))

    def value(name: str, default: str | None = None) -> str | None:
        return environment.get(PREFIX + name.upper(), default)

    def values(name: str) -> list[str]:
        return [part for part in (value(name) or "").split(os.pathsep) if part]

    parser = argparse.ArgumentParser(prog="app.py", description="Whetstone, a fine-tuning studio.")
    parser.add_argument("--host", default=value("host", "0.0.0.0" if on_space else "127.0.0.1"),
                        help="address to serve on (127.0.0.1; on a Space 0.0.0.0)")  # fmt: skip
    parser.add_argument(
        "--port", type=int, default=int(value("port", "7860") or 7860), help="port (7860; 0: a free one)"
    )
    parser.add_argument("--root", default=value("root", _default_root(on_space)),
                        help="where everything is kept (~/.whetstone; on a Space its attached storage)")  # fmt: skip
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
    parser.add_argument("--visitor-hours", type=float, default=float(value("visitor_hours", "6") or 6), metavar="HOURS",
                        help="on a Space, how long a visitor's work is kept after their last visit (6)")  # fmt: skip
    parser.add_argument("--no-spare", action="store_true", default=value("no_spare") not in (None, "", "0"),
                        help="keep no worker ready: a run starts seconds later, half a gigabyte stays free")  # fmt: skip
    return parser
