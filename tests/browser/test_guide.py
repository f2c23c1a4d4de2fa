"""The Guide: a newcomer's whole way round the loop by its buttons, and what it keeps and tells."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from studio.words import say
from tests.browser.compare_page import BOX, reply, wait_idle
from tests.browser.conftest import open_tab
from tests.browser.data_page import IMPORT_MS
from tests.browser.preferences_page import CARD, DIALOG, saved, wait_pair
from tests.browser.train_page import LONG_MS, number, press_start, type_setting, wait_ready, wait_status

GUIDE = "[data-widget=guide]"
GLOSSARY = "[data-widget=glossary]"
PARTS = f"{GUIDE} .ws-lineage-panel"
VOTES = 6
LANGUAGES = {"en-US": "en", "ja-JP": "ja"}
QUESTIONS = {
    "en": ["How much is the mug?", "I got the wrong clock."],
    "ja": ["営業時間を教えてください。", "間違ったキャンドルが来ました。"],
}


class Hands:
    """A person's hands on a page: what they click and press is counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.keys = 0

    def click(self, place: str | Locator) -> None:
        (self.page.locator(place) if isinstance(place, str) else place).click()
        self.clicks += 1

    def tab(self, name: str) -> None:
        open_tab(self.page, name)
        self.clicks += 1

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1

    def guide(self, step: str) -> None:
        """Back to the Guide, which asks for that step by now."""
        self.tab("guide")
        at_step(self.page, step)

    def act(self, step: str) -> None:
        self.click(f'{GUIDE} [data-act="{step}"]')


def at_step(page: Page, step: str, timeout: int = LONG_MS) -> None:
    expect(page.locator(GUIDE)).to_have_attribute("data-step", step, timeout=timeout)


def state(page: Page, step: str) -> str | None:
    return page.locator(f'{GUIDE} [data-name="{step}"]').get_attribute("data-state")


def train_one_epoch(hands: Hands) -> None:
    page = hands.page
    wait_ready(page)
    type_setting(page, "epochs", "1")
    wait_ready(page)
    press_start(page)
    hands.clicks += 1
    wait_status(page, "finished")


def ask_both(hands: Hands, text: str, turns: int) -> None:
    """One question to the base and to the adapter."""
    page = hands.page
    expect(page.locator(".ws-compare-column")).to_have_count(2)
    page.locator(BOX).fill(text)
    hands.press("Enter")
    wait_idle(page, turns)
    for index in (0, 1):
        expect(reply(page, index, turns - 1)).to_have_attribute("data-state", "done")


def vote(hands: Hands, count: int) -> None:
    for _ in range(count):
        wait_pair(hands.page)
        hands.press("s")
    saved(hands.page)


@pytest.mark.slow
@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_newcomer_goes_round_the_whole_loop(make_app, open_page, locale):
    language, began = LANGUAGES[locale], time.monotonic()
    first, second = QUESTIONS[language]
    hands = Hands(open_page(make_app().address, locale=locale, tab=None))
    page = hands.page
    at_step(page, "data")
    expect(page.locator(PARTS)).to_have_attribute("data-parts", "0")

    hands.act("data")
    at_step(page, "train", IMPORT_MS)
    expect(page.locator(f'{GUIDE} [data-name="data"]')).to_contain_text("1,200")
    hands.act("train")
    train_one_epoch(hands)
    assert number(page, "place") == "68 / 68"

    hands.guide("compare")
    expect(page.locator(PARTS)).to_have_attribute("data-parts", "4")
    hands.act("compare")
    ask_both(hands, first, 1)

    hands.guide("label")
    hands.act("label")
    vote(hands, VOTES)
    hands.guide("label")
    take = page.locator(f'{GUIDE} [data-act="label"]')
    expect(take).to_have_text(say(language, "guide.act.take_labels", count=400 - VOTES))
    hands.click(take)
    expect(take).to_have_text(say(language, "guide.act.compile", count=400))
    hands.click(take)
    hands.click(f"{DIALOG} .ws-btn-primary")
    compiled = page.locator(f"{DIALOG} .ws-compiled")
    expect(compiled).to_contain_text("400", timeout=IMPORT_MS)
    if language == "en":  # the dialog leads to the same place as the guide
        hands.click(f"{DIALOG} .ws-btn-primary")
    else:
        hands.click(page.locator(f"{DIALOG} .ws-foot .ws-btn").first)
        hands.guide("train_pairs")
        hands.act("train_pairs")
    expect(page.locator("#train-method input")).to_have_value("DPO")
    expect(page.locator("#train-parent input")).to_have_value(re.compile("sft"))
    train_one_epoch(hands)

    hands.guide("compare_again")
    expect(page.locator(PARTS)).to_have_attribute("data-parts", "8")
    hands.act("compare_again")
    ask_both(hands, second, 2)

    hands.guide("export")
    hands.act("export")
    hands.click("[data-widget=exports] .ws-export-form .ws-btn-primary")
    page.locator('.ws-export-row[data-status="finished"]').wait_for(timeout=LONG_MS)
    hands.guide("end")
    expect(page.locator(PARTS)).to_have_attribute("data-parts", "9")
    expect(page.locator(f"{GUIDE} .ws-guide-words")).to_have_text(say(language, "guide.round"))
    minutes = (time.monotonic() - began) / 60
    print(f"\n{language}: {minutes:.1f} minutes, {hands.clicks} clicks, {hands.keys} keys")
    assert minutes < 10 and hands.clicks < 40


def test_a_step_asks_for_what_is_missing_and_its_votes_are_counted(make_app, open_page):
    hands = Hands(open_page(make_app().address, tab=None))
    page = hands.page
    hands.act("data")
    at_step(page, "train", IMPORT_MS)
    assert [state(page, name) for name in ("data", "train", "label", "export")] == ["done", "now", "later", "later"]
    hands.act("label")
    vote(hands, 2)
    hands.guide("train")
    expect(page.locator(f'{GUIDE} [data-name="label"]')).to_contain_text(f"2 of {VOTES} votes")
    page.reload()
    at_step(page, "train")
    hands.act("train")
    wait_ready(page)
    expect(page.locator("#train-version input")).to_have_value(re.compile("Shop conversations v1"))
    expect(page.locator("#train-method input")).to_have_value("SFT")


def test_steps_put_away_stay_away_in_another_browser_until_they_are_asked_for(make_app, open_page):
    app = make_app()
    page = open_page(app.address, tab=None)
    at_step(page, "data")
    page.get_by_role("button", name=say("en", "guide.hide")).click()
    expect(page.locator(f"{GUIDE} .ws-step")).to_have_count(0)
    other = open_page(app.address, tab=None, locale="ja-JP")
    expect(other.locator(f"{GUIDE} .ws-guide-words")).to_have_text(say("ja", "guide.hidden"))
    other.get_by_role("button", name=say("ja", "guide.show")).click()
    expect(other.locator(f"{GUIDE} .ws-step")).to_have_count(7)
    expect(page.locator(f"{GUIDE} .ws-step")).to_have_count(7)


def test_the_glossary_finds_a_word_in_either_language(open_page, app_url):
    page = open_page(app_url, tab=None)
    terms = page.locator(f"{GLOSSARY} .ws-term")
    expect(terms.first).to_be_visible()
    everything = terms.count()
    page.locator("#glossary-search").fill("held-out loss")
    expect(terms.first.locator("dt")).to_have_text("Held-out loss")
    page.locator("#glossary-search").fill("損失")
    expect(terms.filter(has_text="How surprised the model is")).to_have_count(1)
    page.locator("#glossary-search").fill("no such word")
    expect(page.locator(f"{GLOSSARY} .ws-empty")).to_have_text("No word matches.")
    page.locator("#glossary-search").fill("")
    expect(terms).to_have_count(everything)
    page.locator("#ws-language").select_option("ja")
    expect(terms.filter(has_text="重みを1回更新")).to_have_count(1)


ADVICE = {
    ("once",): "prompt",
    ("form", "facts", "once"): "prompt",
    ("form",): "train",
    ("form", "facts"): "both",
    ("facts",): "retrieve",
    (): "leave",
}
"""The questions that are answered with yes, the others with no, and what is advised."""


def test_three_answers_give_an_honest_advice(open_page, app_url):
    page = open_page(app_url, tab=None)
    for yes, advice in ADVICE.items():
        page.get_by_role("button", name=say("en", "advice.title")).click()
        said = page.locator(f"{DIALOG} .ws-advice")
        expect(said).to_have_attribute("data-advice", "open")
        for question in ("form", "facts", "once"):
            page.locator(f'[data-question="{question}"] [data-value="{str(question in yes).lower()}"]').click()
        expect(said).to_have_text(say("en", f"advice.says.{advice}"))
        page.keyboard.press("Escape")


def test_a_double_click_loads_the_sample_once(make_app, open_page):
    page = open_page(make_app().address, tab=None)
    page.locator(f'{GUIDE} [data-act="data"]').dblclick()
    at_step(page, "train", IMPORT_MS)
    open_tab(page, "preferences")
    expect(page.locator("[data-widget=projects]")).to_have_attribute("data-projects", "1")
    expect(page.locator(CARD)).to_have_attribute("data-pair", re.compile(r"\d+"))
    open_tab(page, "data")
    expect(page.locator("[data-widget=table] .ws-dataset option")).to_have_count(1)
