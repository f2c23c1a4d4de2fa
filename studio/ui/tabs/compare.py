"""The Compare tab: one prompt to two or three models, all replies side by side."""

from __future__ import annotations

from studio.ui.widgets.compare import build_compare


def build_compare_tab(studio) -> None:
    """studio: services.studio.Studio."""
    build_compare(studio)
