"""Preferences as a person trains them: the method and the adapter to start from are chosen, the curves tell both sides."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import started_app
from tests.browser.train_page import (
    CHART,
    LONG_MS,
    RUN,
    open_train,
    opened_studio,
    press_start,
    said,
    type_setting,
    wait_ready,
    wait_status,
)
from tests.training_runs import import_sample


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """A root with one tuned adapter and a version of pairs."""
    root = tmp_path_factory.mktemp("pairs") / "root"
    root.mkdir()
    with opened_studio(root) as (studio, person):
        version = import_sample(studio, person, "shop_sft", 96)
        asked = {"base": "pocket", "version": version, "method": "sft", "adapter": "lora", "title": "Shop, tuned"}
        job = studio.runs.start(person, "tune", asked | {"settings": {"epochs": 1}})
        assert studio.queue.wait(job, 240).status == "finished"
        import_sample(studio, person, "shop_pairs", 96)
    with started_app(root) as running:
        yield running


def pick(page: Page, name: str, words: str) -> None:
    """One of the form's dropdowns."""
    page.locator(f"#train-{name} input").click()
    page.get_by_role("option", name=words).click()


def choose_pairs(page: Page) -> None:
    open_train(page)
    pick(page, "version", "shop_pairs")
    pick(page, "method", "DPO")
    expect(page.locator("#train-verifier")).to_be_visible()


def test_a_run_on_pairs_continues_an_adapter_and_shows_margin_and_rate(page: Page):
    choose_pairs(page)
    pick(page, "parent", "Shop, tuned")
    expect(page.locator("#train-adapter")).to_be_hidden()
    expect(page.locator("#train-rank")).to_be_hidden()
    wait_ready(page)
    expect(page.locator("#train-verifier")).to_contain_text("what these pairs are about", timeout=LONG_MS)
    expect(page.locator("#train-verifier input")).to_have_value("Polite")
    press_start(page)
    wait_status(page, "finished")
    assert "now prefers the chosen reply" in said(page) and "pass the rule" in said(page)
    expect(page.locator(f"{RUN} .ws-run-curves h2")).to_have_text("Preference")
    names = page.locator(f"{CHART} .legendtext")
    expect(names).to_contain_text(["margin", "margin, held-out", "prefers the chosen reply", "sampled replies"])
    for view in ("rewards", "loss"):
        page.locator(f"{RUN} .ws-run-curves").get_by_role("button", name=view, exact=True).click()
        expect(page.locator(f"{CHART} .legendtext").first).to_be_visible()
    page.locator(RUN).get_by_role("button", name="Settings").click()
    expect(page.locator(f"{RUN} .ws-run-details")).to_contain_text("Started from")


def test_a_rule_that_needs_a_value_asks_for_it(page: Page):
    choose_pairs(page)
    pick(page, "verifier", "Matches a pattern")
    expect(page.locator("#train-verifier_value")).to_contain_text("needs a value")
    type_setting(page, "verifier_value", "(")
    expect(page.locator("#train-verifier_value")).to_contain_text("cannot use this value")
    type_setting(page, "verifier_value", "yen|円")
    expect(page.locator("#train-start")).to_be_enabled()


def test_rows_without_pairs_are_refused_in_words(page: Page):
    open_train(page)
    pick(page, "version", "shop_sft")
    pick(page, "method", "DPO")
    expect(page.locator("#start")).to_contain_text("holds nothing that DPO can learn from", timeout=LONG_MS)
    expect(page.locator("#train-start")).to_be_disabled()
