"""The app as a Space starts it: visitors apart, told what becomes of their work, and forgotten after a while."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from studio.words import say
from tests.browser.conftest import PHONE, open_tab, settle
from tests.browser.data_page import IMPORT_MS
from tests.browser.secured import BEHIND_THE_PROXY, secured, serving
from tests.browser.test_crawl import untranslated
from tests.processes import wait_for

LOOPBACK = ("--host", "127.0.0.1")
BANNER = '[data-banner="visitor"]'


@pytest.fixture(autouse=True)
def on_a_space(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/whetstone")


def load_sample(page) -> None:
    open_tab(page, "data")
    page.get_by_role("button", name=say("en", "data.load_sample")).click()
    page.locator("dialog .ws-report").wait_for(timeout=IMPORT_MS)
    page.keyboard.press("Escape")


def workspaces(app) -> list[str]:
    return sorted(path.name for path in app.root.glob("people/*"))


def test_two_visitors_work_apart_and_a_forged_cookie_opens_nobodys_workspace(make_app, open_page):
    app = make_app(arguments=LOOPBACK)
    ann, bob = open_page(app.address), open_page(app.address, locale="ja-JP")
    load_sample(ann)
    expect(ann.get_by_role("row").nth(2)).to_be_visible()
    visitor = next(app.root.glob("people/*/datasets/*.db")).parents[1].name
    assert visitor.startswith("visitor-")
    bob.reload()
    open_tab(bob, "data")
    expect(bob.get_by_role("button", name=say("ja", "data.load_sample"))).to_be_visible()
    ann.reload()
    expect(ann.get_by_role("row").nth(2)).to_be_visible()
    forged = {
        "name": "whetstone_visitor",
        "value": f"{visitor.removeprefix('visitor-')}.{'0' * 64}",
        "url": app.address,
    }
    bob.context.add_cookies([forged])
    bob.reload()
    open_tab(bob, "data")
    expect(bob.get_by_role("button", name=say("ja", "data.load_sample"))).to_be_visible()
    assert len(list(app.root.glob("people/*/datasets/*.db"))) == 1


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-US", "You are here without an account: what you make is deleted 6 hours after your last visit."),
        ("ja-JP", "アカウントなしで利用しています。作ったものは、最後の利用から 6 時間で削除されます。"),
    ],
)
def test_a_visitor_is_told_and_may_put_the_line_away(make_app, open_page, locale, words):
    page = open_page(make_app(arguments=LOOPBACK).address, locale=locale, size=PHONE)
    banner = page.locator(BANNER)
    expect(banner).to_contain_text(words)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(banner.get_by_role("link")).to_have_count(0)  # nobody can sign in here
    page.locator("#ws-language").select_option("ja" if locale == "en-US" else "en")
    expect(banner).not_to_contain_text(words)
    banner.get_by_role("button").click()
    expect(banner).to_have_count(0)
    with page.expect_response("**/whetstone/status"):
        page.reload()
    page.wait_for_selector("html[data-ready]")
    settle(page)
    expect(banner).to_have_count(0)


def test_what_a_visitor_left_goes_and_nothing_else(make_app, open_page, tmp_path):
    """0.002 hours are 7.2 seconds; the page that is still open keeps its own."""
    other = tmp_path / "root" / "people" / "hf-65b2"
    other.mkdir(parents=True)
    (other / "studio.db").write_bytes(b"")
    app = make_app(arguments=(*LOOPBACK, "--visitor-hours", "0.002"))
    gone, here = open_page(app.address), open_page(app.address)
    load_sample(gone)
    load_sample(here)
    first, second = [name for name in workspaces(app) if name != "hf-65b2"]
    gone.close()
    wait_for(lambda: len(workspaces(app)) == 2)
    (left,) = [name for name in workspaces(app) if name != "hf-65b2"]
    assert left in (first, second) and other.exists()
    here.reload()
    expect(here.get_by_role("row").nth(2)).to_be_visible()


def test_every_word_of_the_lines_is_translated(make_app, open_page):
    page = open_page(make_app(lang="en-XA", arguments=LOOPBACK).address)
    expect(page.locator(BANNER)).to_be_visible()
    assert untranslated(page) == []


def test_folders_and_endpoints_are_not_offered(make_app, open_page):
    page = open_page(make_app(arguments=LOOPBACK).address)
    open_tab(page, "settings")
    expect(page.locator("#settings-panel")).to_contain_text(say("en", "settings.versions"))
    expect(page.locator("#settings-panel")).not_to_contain_text(say("en", "settings.places"))


WITHOUT_LOCKS = """
import errno, fcntl, os
real = fcntl.flock
def flock(file, how):
    path = os.readlink(f"/proc/self/fd/{file if isinstance(file, int) else file.fileno()}")
    if path.startswith(os.environ["WITHOUT_LOCKS"]):
        raise OSError(errno.ENOTSUP, "Operation not supported")
    return real(file, how)
fcntl.flock = flock
"""
"""A disk that knows no locks, for every process below: Python reads the file at its start."""


@pytest.fixture
def network_disk(tmp_path, monkeypatch):
    """A folder on a disk without locks, and the local one that stands in for it."""
    kept, local, code = tmp_path / "kept", tmp_path / "local", tmp_path / "code"
    for folder in (local, code):
        folder.mkdir()
    (code / "sitecustomize.py").write_text(WITHOUT_LOCKS)
    monkeypatch.setenv("PYTHONPATH", str(code))
    monkeypatch.setenv("WITHOUT_LOCKS", str(kept))
    monkeypatch.setenv("TMPDIR", str(local))
    return kept, local


def test_storage_that_cannot_hold_databases_gets_a_copy_and_the_page_says_so(network_disk, make_app, open_page):
    """A restart empties the local disk, as a Space's is; what was done comes back from the copy."""
    kept, local = network_disk
    app = make_app(root=kept, arguments=LOOPBACK)
    page = open_page(app.address)
    expect(page.locator('[data-banner="storage_copied"]')).to_contain_text("copied to the storage every 60 seconds")
    load_sample(page)
    page.goto("about:blank")
    assert not list(kept.glob("people/*/datasets/*.db"))
    app.end()
    (database,) = kept.glob("people/*/datasets/*.db")
    assert not list(kept.rglob("*-wal")) and not list(kept.rglob("*.part"))
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for folder in local.glob("whetstone-*"):
        shutil.rmtree(folder)
    again = make_app(root=kept, arguments=LOOPBACK)
    page.goto(again.address)
    open_tab(page, "data")
    expect(page.get_by_role("row").nth(2)).to_be_visible()


class Frame(BaseHTTPRequestHandler):
    """A page of another site that shows the app, as the Hub shows a Space."""

    def __init__(self, address: str, *arguments) -> None:
        self.app = address
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        frame = f'<iframe src="{self.app}" width="1300" height="700"></iframe>'
        self.wfile.write(f"<!doctype html><html data-ready><link rel=icon href=data:,><body>{frame}".encode())

    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture
def framed(make_app, tmp_path):
    """The address of a page on `localhost` with the app in it, on 127.0.0.1 over HTTPS: two sites."""
    app = make_app(arguments=LOOPBACK)
    with (
        secured(tmp_path, urlsplit(app.address).port) as port,
        serving(partial(Frame, f"https://127.0.0.1:{port}/")) as outer,
    ):
        yield f"http://localhost:{outer}/"


def test_a_visitor_is_known_in_the_frame_of_another_site(framed, chromium, faults):
    """The cookie belongs to that frame alone, as browsers ask that keep no other cookies of third parties."""
    with closing(chromium.new_context(**BEHIND_THE_PROXY)) as context:
        page = context.new_page()
        faults.watch(page)
        faults.allowed.append("Blocked autofocusing")  # the browser leaves the focus with the outer page
        page.goto(framed)
        frame = page.frame_locator("iframe")
        frame.locator("#ws-tab-data-button").click()
        frame.get_by_role("button", name=say("en", "data.load_sample")).click()
        frame.locator("dialog .ws-report").wait_for(timeout=IMPORT_MS)
        page.reload()
        frame.locator("#ws-tab-data-button").click()
        expect(frame.get_by_role("row").nth(2)).to_be_visible()
        expect(frame.locator(BANNER)).to_be_visible()
        (cookie,) = [one for one in context.cookies() if one["name"] == "whetstone_visitor"]
        assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)
        assert cookie["partitionKey"].startswith("http://localhost")
