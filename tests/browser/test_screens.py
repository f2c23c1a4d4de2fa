"""Pictures of every tab for the eye: empty and in use, both languages, both themes, desk and phone.

Made where WHETSTONE_SCREENS names a folder.
"""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, open_tab, settle, started_app
from tests.browser.train_page import prepare_version

FOLDER = os.environ.get("WHETSTONE_SCREENS")
TABS = ("data", "train", "settings")
LOOKS = list(product(("en-US", "ja-JP"), ("light", "dark"), (DESKTOP, PHONE)))
pytestmark = pytest.mark.skipif(not FOLDER, reason="WHETSTONE_SCREENS names no folder")


@pytest.fixture(scope="module")
def used_url(tmp_path_factory):
    root = tmp_path_factory.mktemp("screens") / "root"
    prepare_version(root)
    with started_app(root) as app:
        yield app.address


@pytest.mark.parametrize(("locale", "scheme", "size"), LOOKS)
@pytest.mark.parametrize("state", ["empty", "used"])
def test_pictures(open_page, app_url, used_url, state, locale, scheme, size):
    page = open_page(used_url if state == "used" else app_url, locale=locale, scheme=scheme, size=size)
    for name in TABS:
        open_tab(page, name)
        settle(page)
        path = Path(FOLDER) / f"{name}-{state}-{locale[:2]}-{scheme}-{size[0]}.png"
        page.screenshot(path=path)
        assert path.stat().st_size > 5000
