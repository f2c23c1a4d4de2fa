"""The Settings tab: language, theme, where things are kept, versions and the machine."""

from __future__ import annotations

from studio.ui.widgets import build_widget


def build_settings_tab(studio) -> None:
    build_widget("settings", elem_id="settings")
