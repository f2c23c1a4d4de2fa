"""Who comes to a Space: somebody who signed in to Hugging Face, or a visitor by the signed cookie of their browser."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from pathlib import Path
from typing import Any

from starlette.requests import Request

from studio.people import Identity, profile_identity, visitor_identity

COOKIE = "whetstone_visitor"
KEY_NAME = "visitors.key"
KEPT_S = 30 * 24 * 3600
_NUMBER = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KEY_BYTES = 32


class VisitorCookies:
    """`<number>.<signature>`: the number is random, and only whoever has the key can sign it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self) -> str:
        number = secrets.token_hex(16)
        return f"{number}.{self._sign(number)}"

    def find(self, token: str | None) -> Identity | None:
        """The visitor of a cookie; None for a forged one, a torn one or none."""
        number, _, signature = (token or "").partition(".")
        is_ours = _NUMBER.fullmatch(number) and hmac.compare_digest(self._sign(number).encode(), signature.encode())
        return visitor_identity(number) if is_ours else None

    def _sign(self, number: str) -> str:
        return hmac.new(self._key, number.encode(), hashlib.sha256).hexdigest()


def read_key(root: Path) -> bytes:
    """The key of this root, made at the first need: a restart of the app keeps its visitors."""
    path = root / KEY_NAME
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) == _KEY_BYTES:
        return key
    key = secrets.token_bytes(_KEY_BYTES)
    part = path.with_name(f"{KEY_NAME}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return key


def cookie_header(token: str, request: Request) -> str:
    """A `Set-Cookie` value. Over HTTPS also for a page in another site's frame, as a Space is shown, and for that frame
    alone: browsers that block the cookies of third parties keep such a one.

    Written by hand: Python's own cookies know `Partitioned` only from 3.14 on.
    """
    # Behind a Space's proxy the app itself is reached over HTTP. Whoever lies about it spoils their own cookie alone.
    is_https = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", "").split(",")[0].strip())
    place = "SameSite=None; Secure; Partitioned" if is_https else "SameSite=Lax"
    return f"{COOKIE}={token}; Path=/; Max-Age={KEPT_S}; HttpOnly; {place}"


def find_profile(session: dict[str, Any] | None) -> Identity | None:
    """Who signed in, from the signed session that Gradio's sign-in leaves; None before, and once it has expired."""
    info = (session or {}).get("oauth_info")
    if not isinstance(info, dict) or not info.get("expires_at", 0) > time.time():
        return None
    user = info.get("userinfo")
    subject, name = (user.get("sub"), user.get("preferred_username")) if isinstance(user, dict) else (None, None)
    return profile_identity(subject, name) if isinstance(subject, str) and subject and isinstance(name, str) else None
