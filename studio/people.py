"""Who is asking: one person made in one function from whatever a request carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.words import known_language

LANGUAGE_COOKIE = "whetstone_language"
_UNSAFE = re.compile(r"[^\w.-]")


VISITOR = "visitor"
"""The name of somebody who came without one."""


@dataclass(frozen=True)
class Person:
    """A person and the workspace that everything they make belongs to."""

    id: str
    name: str
    language: str
    workspace: Path


@dataclass(frozen=True)
class Identity:
    """Who somebody is without a login of ours. id: the name of their workspace. name: None for a visitor."""

    id: str
    name: str | None


def profile_identity(subject: str, username: str) -> Identity:
    """Somebody who signed in elsewhere. subject: the account's permanent id; a name may pass to another account."""
    return Identity(f"hf-{folder_name(subject)}", username)


def visitor_identity(number: str) -> Identity:
    """Somebody without an account. number: random, 32 hexadecimal digits."""
    return Identity(f"{VISITOR}-{number}", None)


def person_from(
    username: str | None,
    cookies: Mapping[str, str],
    headers: Mapping[str, str],
    settings,
    identity: Identity | None = None,
) -> Person:
    """The person of a request: the login name, else who they are on a Space, else `local`.

    username: the name checked by the login, or None where there is no login. Language: the person's choice (cookie),
    then the operator's `--lang`, then the browser's.
    """
    workspace = folder_name(username) if username else identity.id if identity else "local"
    name = username or (identity.name or VISITOR if identity else "local")
    language = (
        known_language(cookies.get(LANGUAGE_COOKIE))
        or known_language(settings.language)
        or _browser_language(headers.get("accept-language", ""))
        or "en"
    )
    return Person(workspace, name, language, settings.root / "people" / workspace)


def folder_name(username: str) -> str:
    """A folder name that two different login names never share."""
    safe = _UNSAFE.sub(lambda found: f"%{ord(found.group(0)):x}", username)
    return f"%2e{safe[1:]}" if safe.startswith(".") else safe


def _browser_language(header: str) -> str | None:
    for part in header.split(","):
        if found := known_language(part.split(";")[0].strip()):
            return found
    return None
