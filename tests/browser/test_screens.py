"""Pictures of every tab for the eye: both languages, both themes, desk and phone; where WHETSTONE_SCREENS names a folder."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, open_tab, settle

FOLDER = os.environ.get("WHETSTONE_SCREENS")
TABS = ("data", "train", "settings")
pytestmark = pytest.mark.skipif(not FOLDER, reason="WHETSTONE_SCREENS names no folder")


@pytest.mark.parametrize(
    ("locale", "scheme", "size"), list(product(("en-US", "ja-JP"), ("light", "dark"), (DESKTOP, PHONE)))
)
def test_pictures(open_page, app_url, locale, scheme, size):
    page = open_page(app_url, locale=locale, scheme=scheme, size=size)
    for name in TABS:
        open_tab(page, name)
        settle(page)
        path = Path(FOLDER) / f"{name}-{locale[:2]}-{scheme}-{size[0]}.png"
        page.screenshot(path=path)
        assert path.stat().st_size > 5000
