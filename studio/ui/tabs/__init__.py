"""The tabs in the order they are shown: one file each, with `build_<name>_tab(studio)`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

TABS = ("data", "train", "settings")


def tab_builders() -> dict[str, Callable[[Any], None]]:
    """What draws each tab, by name. The label's words stand under `tab.<name>`."""
    found = {}
    for name in TABS:
        if find_spec(f"{__name__}.{name}") is not None:
            found[name] = getattr(import_module(f"{__name__}.{name}"), f"build_{name}_tab")
    return found
