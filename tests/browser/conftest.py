"""A real Chromium and the real app as a person starts it: its own process, a free port, a root that is thrown away."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.browser.data_page import open_dataset
from tests.placed_datasets import place_dataset
from tests.processes import MARK, marked_processes

PROJECT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1366, 768), (390, 844)
READY = "html[data-ready]"
PATIENCE_MS = 20_000
_ADDRESS = re.compile(r"http://\S+")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class RunningApp:
    """address ends with a slash; log is what the app printed."""

    address: str
    root: Path
    process: subprocess.Popen
    lines: list[str]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ends the app as Ctrl+C or a service manager does, and returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def started_app(root: Path, *arguments: str, port: int = 0, has_spare: bool = False) -> Iterator[RunningApp]:
    """`python app.py` until it has printed its address; ended, with every job it started, when the block is left.

    has_spare: without a spare worker, whose imports take two cores for four seconds, most tests are done sooner.
    """
    mark = uuid.uuid4().hex
    command = [sys.executable, "app.py", "--port", str(port), "--root", str(root), *arguments]
    environment = {
        **os.environ,
        MARK: mark,
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
        "PYTHONUNBUFFERED": "1",
        "WHETSTONE_NO_SPARE": "" if has_spare else "1",
    }
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    lines: list[str] = []
    try:
        address = _read_address(process, lines)
        threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True).start()
        yield RunningApp(address, root, process, lines)
    finally:
        process.kill()
        process.wait()
        for left in marked_processes(mark):
            left.kill()


def _read_address(process: subprocess.Popen, lines: list[str]) -> str:
    for line in process.stdout:
        lines.append(line)
        if found := _ADDRESS.search(line):
            return found.group(0)
    raise AssertionError(f"the app did not start: {''.join(lines)}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium is installed")
    if found is None:
        pytest.skip("no Chromium is installed")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """One app for the tests of a file."""
    with started_app(tmp_path_factory.mktemp("app") / "root") as running:
        yield running


@pytest.fixture(scope="module")
def app_url(app: RunningApp) -> str:
    return app.address


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[Callable[..., RunningApp]]:
    """make_app(lang=None, root=None, port=0, arguments=()): an app of the test's own."""
    with ExitStack() as stack:

        def make(lang: str | None = None, root: Path | None = None, port: int = 0, arguments=()) -> RunningApp:
            given = (*(["--lang", lang] if lang else []), *arguments)
            return stack.enter_context(started_app(root or tmp_path / "root", *given, port=port))

        yield make


NO_ANSWER = ("Failed to load resource", "net::ERR_", "AbortError", "Connection errored out", "Failed to fetch")
"""What a page says of requests whose app has ended."""


class Faults:
    """What a page complained about. `allowed`: pieces of text that a test provokes on purpose."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.allowed: list[str] = []

    def watch(self, page: Page) -> None:
        leaving = False

        def asked(request: Request) -> None:
            nonlocal leaving
            leaving = leaving or (request.is_navigation_request() and request.frame == page.main_frame)

        def arrived() -> None:
            nonlocal leaving
            leaving = False

        def said(message: ConsoleMessage) -> None:
            # A page that is left breaks off what it had asked for, and Gradio complains of that.
            if message.type == "error" and not (leaving and "Failed to fetch" in message.text):
                self.found.append(f"console: {message.text}")

        page.on("request", asked)
        page.on("domcontentloaded", arrived)
        page.on("pageerror", lambda error: self.found.append(f"pageerror: {error}"))
        page.on("console", said)

    def left(self) -> list[str]:
        return [fault for fault in self.found if not any(piece in fault for piece in self.allowed)]


@pytest.fixture
def faults() -> Iterator[Faults]:
    faults = Faults()
    yield faults
    assert not faults.left()


@pytest.fixture
def open_page(chromium: Browser, faults: Faults, make_app) -> Iterator[Callable[..., Page]]:
    """Closed before the apps of make_app are. open_page(url, locale="en-US", scheme="light", size=(1366, 768)): a ready page in a context of its own.

    tab: the one that is open, as a reload of it would; None opens what a newcomer gets.
    """
    contexts: list[BrowserContext] = []

    def open_page(
        url: str,
        locale: str = "en-US",
        scheme: str = "light",
        size=DESKTOP,
        ready: str = READY,
        tab: str | None = "data",
    ) -> Page:
        width, height = size
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale=locale, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        faults.watch(page)
        page.goto(url if tab is None or not url.startswith("http") else f"{url}#{tab}")
        page.wait_for_selector(ready)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Page], app_url: str) -> Page:
    """The app's page in English, light, 1366×768, ready for a click. Any fault of the page fails the test."""
    return open_page(app_url)


@pytest.fixture
def placed(page: Page, app: RunningApp, tmp_path: Path) -> Callable[..., Page]:
    """placed(records, kind="conversation"): the page with a dataset of these records, named after the test, open."""

    def place(records: list[dict], kind: str = "conversation") -> Page:
        return open_dataset(page, place_dataset(app.root, tmp_path.name, records, kind))

    return place


def open_tab(page: Page, name: str) -> None:
    page.locator(f"#ws-tab-{name}-button").click()
    page.locator(f"#ws-tab-{name}").wait_for(state="visible")


_SETTLED = """(quiet) => new Promise((done) => {
  let timer = setTimeout(end, quiet);
  const watcher = new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(end, quiet); });
  watcher.observe(document.body, { childList: true, characterData: true, attributes: true, subtree: true });
  function end() { watcher.disconnect(); done(); }
})"""


def settle(page: Page, quiet_ms: int = 400) -> None:
    """Wait until nothing has changed on the page for a while: what a click set off has been drawn."""
    page.evaluate(_SETTLED, quiet_ms)
