"""What stands above the tabs as long as it is true: work that will be deleted, storage that does not last."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from studio.store.storage import COPIED_EVERY_S, is_fleeting
from studio.ui.gate import visit_of

SIGN_IN = "login/huggingface"


def banners(studio, request: Request) -> list[dict[str, Any]]:
    """{"code", "values", "level", "link"}: worded under `banner.<code>`. link: {"code", "address"}, or None."""
    identity, settings = visit_of(request).identity, studio.settings
    found = []
    if identity is not None and identity.name is None:
        link = {"code": "sign_in", "address": SIGN_IN} if settings.has_sign_in else None
        found.append(_banner("visitor", "info", link, hours=_plain(settings.visitor_hours)))
    storage = studio.storage
    if storage.problem is not None:
        found.append(_banner("storage_failing", "bad", cause=storage.problem))
    elif storage.is_copied:
        found.append(_banner("storage_copied", "warn", seconds=int(COPIED_EVERY_S)))
    if settings.on_space and is_fleeting(storage.kept):
        found.append(_banner("storage_fleeting", "warn"))
    return found


def _banner(code: str, level: str, link: dict[str, str] | None = None, **values: Any) -> dict[str, Any]:
    return {"code": code, "level": level, "link": link, "values": values}


def _plain(number: float) -> float:
    """6 rather than 6.0, two places at most."""
    return int(number) if number == int(number) else round(number, 2)
