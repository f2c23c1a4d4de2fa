"""Who may ask the model server for what: one token for the app, one for each workspace, made from the app's own."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

TOKEN_VARIABLE = "WHETSTONE_SERVING_TOKEN"
JOB_TOKEN_VARIABLE = "WHETSTONE_JOB_TOKEN"
"""Where a job that asks models finds the token of its workspace: in its environment and nowhere else."""

_PREFIX = "workspace."


@dataclass(frozen=True)
class Caller:
    """workspace: the only one whose adapters it sees; None for the app itself, which sees all and may unload."""

    workspace: str | None

    @property
    def is_app(self) -> bool:
        return self.workspace is None

    def sees(self, workspace: str) -> bool:
        return self.workspace in (None, workspace)


def workspace_token(secret: str, workspace_id: str) -> str:
    """A token that shows the bases and this workspace's adapters, and cannot be made without the app's own."""
    name = base64.urlsafe_b64encode(workspace_id.encode()).decode().rstrip("=")
    return f"{_PREFIX}{name}.{_sign(secret, workspace_id)}"


def find_caller(secret: str, authorization: str) -> Caller | None:
    """The caller of an `Authorization` header, or None for one that no token of ours stands in."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return None
    if _is_same(token, secret):
        return Caller(None)
    name = token.removeprefix(_PREFIX).partition(".")[0]
    try:
        workspace = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
    except (ValueError, binascii.Error):
        return None
    return Caller(workspace) if _is_same(token, workspace_token(secret, workspace)) else None


def _sign(secret: str, workspace_id: str) -> str:
    return hmac.new(secret.encode(), workspace_id.encode(), hashlib.sha256).hexdigest()


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
