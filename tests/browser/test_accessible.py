"""Every tab passes axe-core: contrast, names, roles, what a keyboard reaches; empty and in use."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest

from tests.browser.conftest import DESKTOP, PHONE, open_tab, settle, started_app
from tests.browser.test_screens import TABS
from tests.browser.train_page import prepare_version

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
LOOKS = (("ja-JP", "light", DESKTOP), ("en-US", "dark", PHONE))
_FOUND = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
    .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)} (${nodes.length})`)"""


@pytest.fixture(scope="module")
def used_url(tmp_path_factory):
    root = tmp_path_factory.mktemp("accessible") / "root"
    prepare_version(root)
    with started_app(root) as app:
        yield app.address


@pytest.mark.parametrize(("locale", "scheme", "size"), LOOKS)
@pytest.mark.parametrize("state", ["empty", "used"])
def test_nobody_is_kept_out_of_a_tab(open_page, app_url, used_url, state, locale, scheme, size):
    page = open_page(used_url if state == "used" else app_url, locale=locale, scheme=scheme, size=size)
    page.evaluate(AXE)
    found = {}
    for name in TABS:
        open_tab(page, name)
        settle(page)
        found[name] = page.evaluate(_FOUND)
    assert not {name: problems for name, problems in found.items() if problems}
