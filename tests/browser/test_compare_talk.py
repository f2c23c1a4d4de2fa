"""What a page shows while replies come, and what becomes of it; the replies are said word by word by an endpoint."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from studio.words import PSEUDO
from tests.browser.compare_page import (
    BOX,
    COLUMN,
    PLACE,
    ask,
    choose_columns,
    clear_talk,
    column,
    open_compare,
    reply,
    wait_idle,
)
from tests.browser.conftest import NO_ANSWER, settle, started_app
from tests.browser.test_crawl import untranslated
from tests.paced_endpoint import AskedFor, PacedEndpoint, paced_endpoint

HOSTILE = '<img src=x onerror="window.hit=1"> [a](javascript:window.hit=1) <script>window.hit=1</script>'
KEYS = ("endpoint:desk/a", "endpoint:desk/b")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[PacedEndpoint]:
    with paced_endpoint("a", "b", "c") as running:
        yield running


@pytest.fixture(scope="module")
def app(tmp_path_factory, endpoint):
    with started_app(tmp_path_factory.mktemp("talk") / "root", "--endpoint", f"desk={endpoint.url}") as running:
        yield running


@pytest.fixture
def compare(app, open_page) -> Page:
    """The tab with an empty conversation and two columns of the endpoint."""
    return open_two(open_page(app.address))


def open_two(page: Page) -> Page:
    open_compare(page)
    expect(page.locator(f'{COLUMN} option[value="endpoint:desk/b"]').first).to_be_attached()
    clear_talk(page)
    choose_columns(page, *KEYS)
    return page


def answer(page: Page, endpoint: PacedEndpoint, *words: str, turns: int = 1) -> dict[str, AskedFor]:
    asked = endpoint.by_model(2)
    for one in asked.values():
        one.end(*words)
    wait_idle(page, turns)
    return asked


def test_each_word_is_drawn_as_it_comes_in_both_columns(compare, endpoint):
    ask(compare, "Hello?")
    asked = endpoint.by_model(2)
    for index in (0, 1):
        expect(reply(compare, index)).to_have_attribute("data-state", "waiting")
    for index, name in enumerate("ab"):
        asked[name].say(f"This is {name}")
        expect(reply(compare, index).locator(".ws-reply")).to_have_text(f"This is {name}")
        asked[name].say(", speaking.")
        expect(reply(compare, index).locator(".ws-reply")).to_have_text(f"This is {name}, speaking.")
    expect(compare.locator("#compare-send")).to_be_disabled()
    for one in asked.values():
        one.end()
    wait_idle(compare, 1)
    expect(compare.locator("#compare-send")).to_be_enabled()
    expect(compare.locator("#compare-stop")).to_be_disabled()


def test_markup_of_a_person_or_a_model_stays_text(compare, endpoint, faults):
    ask(compare, HOSTILE)
    answer(compare, endpoint, HOSTILE)
    for shape in ("Raw", "Markdown"):
        compare.locator("#compare-settings").click()
        compare.locator(".ws-compare-settings").get_by_role("button", name=shape, exact=True).click()
        compare.keyboard.press("Escape")
        for index in (0, 1):
            expect(column(compare, index).locator(".ws-reply").first).to_have_text(HOSTILE)
            expect(column(compare, index).locator(".ws-reply").last).to_have_text(HOSTILE)
    assert compare.locator(f"{PLACE} :is(img, script, a)").count() == 0
    assert compare.evaluate("window.hit") is None


def test_markdown_is_shown_as_its_parts_or_raw(compare, endpoint):
    text = "# Prices\n\nThe **mug** is `500` yen:\n\n1. red\n2. blue\n   - dark\n\n```py\nif a < b:\n    c()\n```\n> sold *out*"
    ask(compare, "Prices?")
    answer(compare, endpoint, *text)
    shown = reply(compare, 0).locator(".ws-md")
    expect(shown.get_by_role("heading")).to_have_text("Prices")
    expect(shown.locator("strong")).to_have_text("mug")
    expect(shown.locator("p code")).to_have_text("500")
    expect(shown.locator("ol > li")).to_have_count(2)
    expect(shown.locator("ol > li ul > li")).to_have_text("dark")
    assert shown.locator("pre code").inner_text() == "if a < b:\n    c()"
    expect(shown.locator("blockquote em")).to_have_text("out")
    compare.locator("#compare-settings").click()
    compare.locator(".ws-compare-settings").get_by_role("button", name="Raw", exact=True).click()
    assert reply(compare, 0).locator(".ws-reply").evaluate("node => node.textContent") == text
    compare.reload()
    expect(reply(compare, 0).locator(".ws-reply")).to_contain_text("**mug**")


HARD_TO_READ = {
    "heading": "# a" + " " * 60_000 + "b",
    "heading marks": "# a" + "# " * 30_000 + "b",
    "heading of a word": "# " + "a" * 60_000 + "\u2028b",
    "item": "- " + " " * 60_000 + "\u2028b",
    "short item": ("- " + " " * 3_900 + "x\u2028b\n") * 100,
    "rule": "* " * 30_000 + "x",
    "fence": "`" * 60_000 + " " * 60_000 + "x",
    "ticks": "a " + "`" * 1_000 + "a" * 2_900,
    "lengths of ticks": "a " + "a".join("`" * length for length in range(80, 0, -1)),
    "stars": "*a **b " * 550,
    "bars": "__a *b " * 550,
}


def test_no_reply_is_too_hard_to_draw(compare):
    """One heading of 8,000 spaces once took a minute, with each word and again after each reload."""
    took = compare.evaluate(
        """texts => Object.fromEntries(Object.entries(texts).map(([name, text]) => {
          const began = performance.now();
          const made = whetstone.markdown(text).map((node) => node.textContent).join("");
          return [name, [Math.round(performance.now() - began), made.length > 0]];
        }))""",
        HARD_TO_READ,
    )
    slow = {name: found for name, found in took.items() if found[0] >= 1000 or not found[1]}
    assert not slow


def test_headings_lose_the_marks_that_close_them_and_unpaired_backticks_stay(compare):
    made = compare.evaluate(
        "text => whetstone.markdown(text).map((node) => node.innerHTML)",
        "# a ## \n## C#\n# ##\n``a`b`` and ```c `d` e",
    )
    assert made == ["a", "C#", "", "<code>a`b</code> and ```c <code>d</code> e"]


def test_stop_keeps_what_is_there_and_both_columns_can_be_asked_again(compare, endpoint):
    ask(compare, "Hello?")
    asked = endpoint.by_model(2)
    asked["a"].say("Half a")
    expect(reply(compare, 0).locator(".ws-reply")).to_have_text("Half a")
    compare.locator("#compare-stop").click()
    wait_idle(compare, 1)
    for index in (0, 1):
        expect(reply(compare, index)).to_have_attribute("data-state", "stopped")
    expect(reply(compare, 0).locator(".ws-reply")).to_have_text("Half a")
    for one in asked.values():
        one.say(" never shown")
        assert one.left.wait(20)
    compare.locator("#compare-retry").click()
    answer(compare, endpoint, "Whole.")
    for index in (0, 1):
        expect(reply(compare, index).locator(".ws-reply")).to_have_text("Whole.")


def test_a_double_click_asks_once_and_a_second_page_follows(compare, endpoint, open_page, app):
    compare.locator(BOX).fill("Hello?")
    compare.locator("#compare-send").evaluate("button => { button.click(); button.click(); }")
    asked = endpoint.by_model(2)
    asked["a"].say("One ")
    second = open_page(app.address, locale="ja-JP")
    open_compare(second)
    expect(reply(second, 0).locator(".ws-reply")).to_have_text("One")
    asked["a"].say("two")
    for page in (compare, second):
        expect(reply(page, 0).locator(".ws-reply")).to_have_text("One two")
    for one in asked.values():
        one.end()
    wait_idle(compare, 1)
    wait_idle(second, 1)
    assert endpoint.asked.empty()


def test_a_page_is_told_at_most_ten_times_a_second_and_unpacked(compare, endpoint, app):
    """Each time the page is told something the endpoint says one word more: fifteen tellings take 1.4 s or longer."""
    ask(compare, "Hello?")
    asked = endpoint.by_model(2)
    with httpx.stream("GET", app.address + "whetstone/compare/events", headers={"accept-encoding": "gzip"}) as stream:
        assert "content-encoding" not in stream.headers
        lines = (line for line in stream.iter_lines() if line.startswith("data:"))
        next(lines)
        begun = time.monotonic()
        for _ in range(15):
            asked["a"].say("word ")
            next(lines)
        assert time.monotonic() - begun >= 1.4
    for one in asked.values():
        one.end()
    wait_idle(compare, 1)
    expect(reply(compare, 0).locator(".ws-reply")).to_have_text("word " * 14 + "word")


def test_the_app_ends_at_once_although_a_reply_is_followed(make_app, open_page, endpoint, faults):
    faults.allowed += NO_ANSWER  # the app is ended on purpose
    app = make_app(arguments=("--endpoint", f"desk={endpoint.url}"))
    page = open_two(open_page(app.address))
    ask(page, "Hello?")
    endpoint.by_model(2)["a"].say("Half")
    expect(reply(page, 0).locator(".ws-reply")).to_have_text("Half")
    assert app.end() == 0


def test_a_reload_in_the_middle_of_a_reply_goes_on_with_it(compare, endpoint):
    ask(compare, "Hello?")
    asked = endpoint.by_model(2)
    asked["a"].say("Before ")
    expect(reply(compare, 0).locator(".ws-reply")).to_have_text("Before")
    compare.reload()
    compare.locator(f"{PLACE}[data-turns]").wait_for()
    expect(reply(compare, 0).locator(".ws-reply")).to_have_text("Before")
    asked["a"].end("and after.")
    asked["b"].end("Done.")
    wait_idle(compare, 1)
    expect(reply(compare, 0).locator(".ws-reply")).to_have_text("Before and after.")


def test_a_reply_cut_off_by_the_end_of_the_app_says_so_and_is_asked_again(open_page, make_app, endpoint, faults):
    faults.allowed += NO_ANSWER  # the app is killed on purpose
    app = make_app(arguments=("--endpoint", f"desk={endpoint.url}"))
    page = open_two(open_page(app.address))
    ask(page, "Hello?")
    endpoint.by_model(2)["a"].say("Half a sentence")
    expect(reply(page, 0).locator(".ws-reply")).to_have_text("Half a sentence")
    page.close()
    app.process.send_signal(signal.SIGKILL)
    app.process.wait()
    with started_app(app.root, "--endpoint", f"desk={endpoint.url}") as revived:
        for locale, broken, again in (("en-US", "broken off", "Try again"), ("ja-JP", "中断", "もう一度試す")):
            page = open_page(revived.address, locale=locale)
            open_compare(page)
            expect(reply(page, 0).locator(".ws-reply")).to_have_text("Half a sentence")
            for index in (0, 1):
                expect(reply(page, index)).to_contain_text(broken)
                expect(reply(page, index).get_by_role("button", name=again)).to_be_visible()
        reply(page, 0).get_by_role("button", name=again).click()
        endpoint.next().end("Whole.")
        wait_idle(page, 1)
        expect(reply(page, 0).locator(".ws-reply")).to_have_text("Whole.")


def test_enter_sends_but_not_with_shift_nor_while_a_conversion_goes_on(compare, endpoint):
    box = compare.locator(BOX)
    box.fill("すし")
    box.evaluate("""box => {
      for (const more of [{ isComposing: true }, { keyCode: 229 }])
        box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...more }));
    }""")
    box.press("Shift+Enter")
    box.press_sequentially("ください")
    settle(compare)
    assert endpoint.asked.empty()
    box.press("Enter")
    asked = answer(compare, endpoint, "はい。")
    assert asked["a"].messages == [("user", "すし\nください")]
    box.fill("   ")
    box.press("Enter")
    settle(compare)
    assert endpoint.asked.empty()


def test_settings_are_checked_kept_and_used(compare, endpoint):
    settings = compare.locator(".ws-compare-settings")
    compare.locator("#compare-settings").click()
    compare.locator("#compare-temperature").fill("9")
    compare.locator("#compare-seed").fill("42")
    compare.locator("#compare-system").fill("Be brief.")
    compare.locator("#compare-seed").focus()
    expect(settings.get_by_role("alert")).to_contain_text("Temperature: 9 is too large; the most is 2.")
    compare.locator("#compare-temperature").fill("0.2")
    compare.locator("#compare-temperature").blur()
    expect(settings.get_by_role("alert")).to_be_hidden()
    expect(compare.locator("#compare-settings")).to_have_text("system prompt · temperature 0.2 · seed 42")
    compare.locator("#compare-seed").focus()
    compare.keyboard.press("Escape")
    expect(settings).to_be_hidden()
    expect(compare.locator("#compare-settings")).to_be_focused()
    ask(compare, "Hello?")
    asked = answer(compare, endpoint, "Hi.")
    assert (asked["a"].body["temperature"], asked["a"].body["seed"]) == (0.2, 42)
    assert asked["a"].messages[0] == ("system", "Be brief.")


def test_clearing_asks_first_and_examples_come_back(compare, endpoint):
    expect(compare.locator(".ws-compare-example").first).to_be_visible()
    compare.locator(".ws-compare-example").first.click()
    answer(compare, endpoint, "Hi.")
    expect(compare.locator(".ws-compare-example")).to_have_count(0)
    compare.locator("#compare-clear").click()
    compare.locator("dialog[open]").get_by_role("button", name="Cancel").click()
    wait_idle(compare, 1)
    compare.locator("#compare-clear").click()
    compare.locator("dialog[open]").get_by_role("button", name="Clear").click()
    wait_idle(compare, 0)
    expect(compare.locator(".ws-compare-example").first).to_be_visible()
    expect(compare.locator(COLUMN)).to_have_count(2)


def test_a_third_model_that_joins_is_asked_what_the_others_were(compare, endpoint):
    ask(compare, "Hello?")
    answer(compare, endpoint, "Hi.")
    compare.locator(".ws-compare-add-button").click()
    column(compare, 2).locator("select").select_option("endpoint:desk/c")
    expect(column(compare, 2)).to_have_attribute("data-model", "endpoint:desk/c")
    column(compare, 2).get_by_role("button", name="Ask it too").click()
    endpoint.next().end("Late.")
    wait_idle(compare, 1)
    expect(reply(compare, 2).locator(".ws-reply")).to_have_text("Late.")
    expect(compare.locator(BOX)).to_have_attribute(
        "placeholder", "Ask all three (Enter sends, Shift+Enter is a new line)"
    )
    assert compare.locator(f"{COLUMN} .ws-compare-add-button").count() == 0


def test_a_reply_is_copied_as_it_was_written(compare, endpoint):
    compare.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(compare, "Hello?")
    answer(compare, endpoint, "**Hi** there.")
    reply(compare, 0).get_by_role("button", name="Copy").click()
    expect(compare.locator(".ws-toast")).to_be_visible()
    assert compare.evaluate("navigator.clipboard.readText()") == "**Hi** there."


def test_an_endpoint_of_ones_own_fills_a_column(compare, endpoint):
    compare.locator("#compare-settings").click()
    compare.locator("#compare-endpoints").click()
    dialog = compare.locator("dialog[open]")
    expect(dialog).to_contain_text("desk")
    dialog.locator("#endpoint-name").fill("my desk")
    dialog.locator("#endpoint-url").fill("ftp://nowhere")
    dialog.locator("#endpoint-add").click()
    expect(dialog.get_by_role("alert")).to_contain_text("http://")
    dialog.locator("#endpoint-name").fill("mine")
    dialog.locator("#endpoint-url").fill(endpoint.url)
    dialog.locator("#endpoint-url").press("Enter")
    expect(dialog.get_by_role("alert")).to_have_count(0)
    expect(dialog.locator("td").get_by_text("mine", exact=True)).to_be_visible()
    dialog.locator(".ws-foot button").click()
    expect(column(compare, 0).locator('option[value="endpoint:mine/c"]')).to_be_attached()
    choose_columns(compare, "endpoint:mine/c")
    ask(compare, "Hello?")
    endpoint.next().end("Here.")
    wait_idle(compare, 1)
    expect(reply(compare, 0).locator(".ws-reply")).to_have_text("Here.")


def test_every_word_around_a_conversation_is_translated(make_app, open_page, endpoint):
    """Each state of a reply, the settings, the endpoints and the question before clearing, in the pseudo-language."""
    page = open_two(open_page(make_app(lang=PSEUDO, arguments=("--endpoint", f"desk={endpoint.url}")).address))
    assert untranslated(page) == []
    ask(page, "Hello?")
    asked = endpoint.by_model(2)
    asked["a"].say("Half")
    expect(reply(page, 0).locator(".ws-reply")).to_have_text("Half")
    assert untranslated(page) == []
    asked["a"].drop()
    asked["b"].end("Cut", reason="length")
    wait_idle(page, 1)
    expect(reply(page, 0).get_by_role("alert")).to_be_visible()
    assert untranslated(page) == []
    ask(page, "Again?")
    endpoint.by_model(2)["a"].end()
    expect(reply(page, 0, 1)).to_have_attribute("data-state", "done")
    page.locator("#compare-stop").click()
    wait_idle(page, 2)
    page.locator(".ws-compare-add-button").click()
    expect(page.locator(".ws-compare-missing")).to_be_visible()
    assert untranslated(page) == []
    for opener in ("#compare-settings", "#compare-endpoints", "#compare-clear"):
        page.locator(opener).click()
        settle(page)
        assert untranslated(page) == [], opener
        if page.locator("dialog[open]").count():
            page.keyboard.press("Escape")
            expect(page.locator("dialog[open]")).to_have_count(0)
