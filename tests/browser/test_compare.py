"""From a finished run to the replies of its model beside those of its base, by a real model server."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.compare_page import (
    BOX,
    COLUMN,
    LONG_MS,
    PLACE,
    ask,
    choose_columns,
    clear_talk,
    column,
    count_lengths,
    open_compare,
    prepare_run,
    reply,
    titles,
    wait_idle,
)
from tests.browser.conftest import PHONE, open_tab, settle, started_app
from tests.browser.train_page import RUN, open_train, press_start, type_setting, wait_points, wait_ready, wait_status

pytestmark = pytest.mark.slow
WORDS = {
    "en-US": {"compare": "Compare", "base": "Base · Pocket", "seed": "seed", "tokens": "tok/s", "adapter": "mugs-v1 · SFT"},
    "ja-JP": {"compare": "比較", "base": "ベース · Pocket", "seed": "シード", "tokens": "トークン/秒", "adapter": "mugs-v1 · SFT"},
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("compared") / "root"
    prepare_run(root)
    return root


@pytest.fixture(scope="module")
def app(root):
    with started_app(root) as running:
        yield running


WORK_S, REST_S = 0.002, 0.2


@pytest.fixture
def compare(open_page, app) -> Page:
    """The tab with an empty conversation, base and adapter beside each other."""
    page = open_page(app.address)
    open_compare(page)
    clear_talk(page)
    choose_columns(page, "model:pocket", "model:local/mugs-v1")
    return page


def set_field(page: Page, name: str, value: str) -> None:
    if not page.locator(".ws-compare-settings").is_visible():
        page.locator("#compare-settings").click()
    page.locator(f"#compare-{name}").fill(value)
    page.locator(f"#compare-{name}").blur()


def server_process(app) -> psutil.Process:
    """The app's own model server."""
    children = psutil.Process(app.process.pid).children(recursive=True)
    return next(child for child in children if "studio.serving" in child.cmdline())


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_a_finished_run_leads_to_replies_of_base_and_adapter(open_page, root, app, locale):
    words = WORDS[locale]
    page = open_page(app.address, locale=locale)
    open_train(page)
    wait_status(page, "finished")
    page.locator(RUN).get_by_role("button", name=words["compare"], exact=True).click()
    expect(page.locator(COLUMN)).to_have_count(2)
    assert titles(page) == [words["base"], words["adapter"]]
    tops = page.locator(".ws-compare-columns > *").evaluate_all("n => n.map((one) => one.getBoundingClientRect().top)")
    assert len(tops) >= 2 and len(set(tops)) == 1, "the columns, and the plus where there is one, stand side by side"
    turns = int(page.locator(PLACE).get_attribute("data-turns"))
    lengths = count_lengths(page, 0)
    ask(page, "How much is mug 7?")
    expect(page.locator(BOX)).to_have_value("")
    wait_idle(page, turns + 1)
    for index in (0, 1):
        expect(reply(page, index, turns).locator(".ws-reply")).not_to_be_empty()
        expect(reply(page, index, turns)).to_have_attribute("data-state", "done")
        expect(column(page, index).locator(".ws-compare-foot")).to_contain_text(words["tokens"])
    assert lengths(), "the reply was drawn as it came"
    assert words["seed"] in page.locator("#compare-settings").inner_text()

    said = [reply(page, index, turns).inner_text() for index in (0, 1)]
    page.reload()
    page.locator(f"{PLACE}[data-turns]").wait_for()
    expect(column(page, 0).locator(".ws-compare-turn")).to_have_count(turns + 1)
    assert [reply(page, index, turns).inner_text() for index in (0, 1)] == said


def test_the_same_seed_gives_the_same_reply_and_a_new_one_another(compare):
    set_field(compare, "temperature", "1.5")
    set_field(compare, "seed", "7")
    ask(compare, "Tell me about the mugs in your shop.")
    wait_idle(compare, 1)
    first = reply(compare, 0).locator(".ws-reply").inner_text()
    stats = column(compare, 0).locator(".ws-compare-foot")
    reply(compare, 0).get_by_role("button", name="Retry").click()
    expect(compare.locator(PLACE)).to_have_attribute("data-live", "true")
    wait_idle(compare, 1)
    assert reply(compare, 0).locator(".ws-reply").inner_text() == first
    reply(compare, 0).get_by_role("button", name="New seed").click()
    expect(stats).to_contain_text("seed")
    wait_idle(compare, 1)
    expect(reply(compare, 0)).to_have_attribute("data-state", "done")
    assert reply(compare, 0).locator(".ws-reply").inner_text() != first
    assert "seed 7" in compare.locator("#compare-settings").inner_text()


@contextmanager
def slowed(process: psutil.Process) -> Iterator[threading.Lock]:
    """The process works for a few milliseconds, rests, and so on: there is a middle to kill it in on any machine.

    While the lock is held, it rests.
    """
    over, asleep = threading.Event(), threading.Lock()

    def brake() -> None:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
            while not over.wait(REST_S):
                with asleep:
                    process.resume()
                    over.wait(WORK_S)
                    process.suspend()
            process.resume()

    thread = threading.Thread(target=brake)
    thread.start()
    try:
        yield asleep
    finally:
        over.set()
        thread.join()


WRITING = """place => {
  const columns = [...document.querySelectorAll(place)];
  return columns.every((one) => one.querySelector('.ws-reply.ws-compare-writing')?.innerText)
    || columns.some((one) => one.querySelector('.ws-compare-reply[data-state=done]'));
}"""


def kill_in_mid_stream(page: Page, server: psutil.Process) -> None:
    """Asks until both replies are being written at once with the server at rest, and kills it there."""
    set_field(page, "temperature", "1.5")  # replies run on
    for seed in range(1, 9):
        set_field(page, "seed", str(seed))
        with slowed(server) as asleep:
            ask(page, "What is left at 5 o'clock?")
            page.wait_for_function(WRITING, arg=COLUMN, timeout=LONG_MS)
            with asleep:
                settle(page)  # what was sent has been drawn
                states = [reply(page, index).get_attribute("data-state") for index in (0, 1)]
                if states == ["writing", "writing"]:
                    os.kill(server.pid, signal.SIGKILL)
                    break
        wait_idle(page, 1)
        clear_talk(page)
    wait_idle(page, 1)


def test_a_killed_server_is_told_in_its_columns_and_the_next_prompt_is_answered(compare, app):
    ask(compare, "Hello.")
    wait_idle(compare, 1)  # the server is there, its weights are loaded
    clear_talk(compare)
    kill_in_mid_stream(compare, server_process(app))
    for index in (0, 1):
        expect(reply(compare, index)).to_have_attribute("data-state", "failed")
        expect(reply(compare, index).locator(".ws-reply")).not_to_be_empty()
        expect(reply(compare, index).get_by_role("alert")).to_contain_text("model server")
    set_field(compare, "temperature", "0")
    ask(compare, "How much is mug 7?")
    wait_idle(compare, 2)
    for index in (0, 1):
        expect(reply(compare, index, 1)).to_have_attribute("data-state", "done")
    assert reply(compare, 0, 0).get_by_role("button", name="Try again").count() == 0, (
        "only the last prompt is asked again"
    )


def test_a_run_that_trains_is_named_as_the_reason_for_slow_replies(compare):
    expect(compare.locator(".ws-compare-note")).to_be_empty()
    open_train(compare)
    wait_ready(compare)
    type_setting(compare, "epochs", "200")
    press_start(compare)
    wait_points(compare, 1)
    open_tab(compare, "compare")
    expect(compare.locator(".ws-compare-note")).to_contain_text("one thread")
    ask(compare, "Hello.")
    wait_idle(compare, 1)
    expect(reply(compare, 0)).to_have_attribute("data-state", "done")
    open_tab(compare, "train")
    compare.locator("#run-stop").click()
    wait_status(compare, "stopped")
    expect(compare.locator("#run-compare")).to_be_visible()
    open_tab(compare, "compare")
    expect(compare.locator(".ws-compare-note")).to_be_empty(timeout=LONG_MS)


def test_on_a_phone_columns_are_swiped_and_the_box_stays_in_reach(open_page, app):
    page = open_page(app.address, size=PHONE)
    open_compare(page)
    expect(page.locator(COLUMN).first).to_be_visible()
    width, height = PHONE
    for id in (BOX, "#compare-send", "#compare-stop", "#compare-settings"):
        box = page.locator(id).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, id
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, id
    last = page.locator(COLUMN).last
    last.scroll_into_view_if_needed()
    box = last.bounding_box()
    assert 0 <= box["x"] < width / 2
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
        width,
        height,
    ]


def test_what_is_written_is_told_to_its_person_alone(make_app, tmp_path):
    login = tmp_path / "login"
    login.write_text('{"format": 1, "people": {}}', "utf-8")
    app = make_app(arguments=("--login", str(login)))
    for path in ("whetstone/compare/events", "whetstone/run/events"):
        assert httpx.get(app.address + path).status_code == 401
