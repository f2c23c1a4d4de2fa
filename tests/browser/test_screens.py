"""Every tab fits its screen, empty and in use, in both languages and themes, on a desk and on a phone.

Where WHETSTONE_SCREENS names a folder, a picture of each is kept there for the eye.
"""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, open_tab, settle, started_app
from tests.browser.train_page import prepare_version

TABS = ("guide", "data", "preferences", "train", "compare", "export", "settings")
LOOKS = list(product(("en-US", "ja-JP"), ("light", "dark"), (DESKTOP, PHONE)))


@pytest.fixture(scope="module")
def used_url(tmp_path_factory):
    root = tmp_path_factory.mktemp("screens") / "root"
    prepare_version(root)
    with started_app(root) as app:
        yield app.address


@pytest.mark.parametrize(("locale", "scheme", "size"), LOOKS)
@pytest.mark.parametrize("state", ["empty", "used"])
def test_a_tab_fits_its_screen(open_page, app_url, used_url, state, locale, scheme, size):
    folder = os.environ.get("WHETSTONE_SCREENS")
    page = open_page(used_url if state == "used" else app_url, locale=locale, scheme=scheme, size=size)
    for name in TABS:
        open_tab(page, name)
        settle(page)
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{state}-{locale[:2]}-{scheme}-{size[0]}.png")
        width, height = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert width <= size[0], name
        assert size == PHONE or height <= size[1], name
