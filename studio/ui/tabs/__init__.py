"""The tabs in the order they are shown: one file each, with a function that draws it. Labels: words `tab.<name>`."""

from __future__ import annotations

from studio.ui.tabs.compare import build_compare_tab
from studio.ui.tabs.data import build_data_tab
from studio.ui.tabs.export import build_export_tab
from studio.ui.tabs.guide import build_guide_tab
from studio.ui.tabs.preferences import build_preferences_tab
from studio.ui.tabs.settings import build_settings_tab
from studio.ui.tabs.train import build_train_tab

TABS = (
    ("guide", build_guide_tab),
    ("data", build_data_tab),
    ("preferences", build_preferences_tab),
    ("train", build_train_tab),
    ("compare", build_compare_tab),
    ("export", build_export_tab),
    ("settings", build_settings_tab),
)
