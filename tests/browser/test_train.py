"""A person trains a real model from an empty app: what they see on the way, and that nothing takes the run away."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NO_ANSWER, open_tab, started_app
from tests.browser.data_page import DIALOG, wait_report
from tests.browser.train_page import (
    RUN,
    RUNS,
    number,
    open_train,
    points,
    prepare_version,
    press_start,
    said,
    type_setting,
    wait_points,
    wait_ready,
    wait_status,
)

WORDS = {
    "en-US": {"data": "Open the Data tab", "sample": "Load the sample", "save": "Save version", "start": "Start: ", "end": "Finished in"},
    "ja-JP": {"data": "データのタブを開く", "sample": "サンプルを読み込む", "save": "バージョンを保存", "start": "開始：", "end": "完了しました"},
}  # fmt: skip


def worker_of(root: Path, run: str) -> int:
    log = root / "people" / "local" / "jobs" / run / "events.jsonl"
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    return next(event["pid"] for event in events if event["kind"] == "started")


@pytest.fixture
def app(tmp_path):
    root = tmp_path / "root"
    prepare_version(root)
    with started_app(root) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_a_newcomer_gets_from_the_empty_app_to_a_finished_run(make_app, open_page, locale):
    words = WORDS[locale]
    page = open_page(make_app().address, locale=locale)
    open_tab(page, "train")
    page.get_by_role("button", name=words["data"], exact=True).click()
    page.get_by_role("button", name=words["sample"], exact=True).click()
    wait_report(page)
    page.keyboard.press("Escape")
    page.locator("#ws-tab-data").get_by_role("button", name=words["save"], exact=True).first.click()
    page.locator(DIALOG).get_by_role("button", name=words["save"], exact=True).click()
    expect(page.locator(DIALOG)).to_have_count(0)
    open_train(page)
    wait_ready(page)
    type_setting(page, "epochs", "1")
    expect(page.locator("#train-start")).to_contain_text("68")
    expect(page.locator("#train-start")).to_contain_text(words["start"])
    press_start(page)
    wait_points(page, 1)
    assert float(number(page, "loss")) > 0
    wait_status(page, "finished")
    assert words["end"] in said(page)
    assert number(page, "place") == "68 / 68"
    expect(page.locator(f"{RUN} .ws-run-replies tbody tr").first).to_be_visible()
    expect(page.locator(f"{RUN} .ws-run-details tbody tr").first).to_be_visible()
    expect(page.locator(f"{RUNS} tbody tr")).to_have_count(1)


@pytest.mark.slow
def test_a_run_outlives_a_reload_a_second_browser_and_the_app(app, open_page, faults):
    faults.allowed += NO_ANSWER  # the app is ended on purpose
    page = open_page(app.address)
    open_train(page)
    wait_ready(page)
    type_setting(page, "epochs", "200")
    run = press_start(page)
    wait_points(page, 3)

    page.reload()
    open_train(page)
    expect(page.locator(RUN)).to_have_attribute("data-run", run)
    wait_points(page, 3)
    second = open_page(app.address, locale="ja-JP")
    open_train(second)
    expect(second.locator(RUN)).to_have_attribute("data-run", run)
    wait_points(second, points(page) + 1)
    page.close()
    second.close()

    worker = worker_of(app.root, run)
    assert app.end() == 0
    with started_app(app.root) as again:
        page = open_page(again.address)
        open_train(page)
        expect(page.locator(RUN)).to_have_attribute("data-run", run)
        expect(page.locator(RUN)).to_have_attribute("data-status", "running")
        before = points(page)
        wait_points(page, before + 2)
        assert worker_of(app.root, run) == worker, "the run is the one that was started, not one begun anew"
        page.locator("#run-stop").click()
        wait_status(page, "stopped")


@pytest.mark.slow
def test_stop_keeps_the_adapter_and_a_second_click_does_no_harm(app, open_page):
    page = open_page(app.address)
    open_train(page)
    wait_ready(page)
    type_setting(page, "epochs", "200")
    run = press_start(page)
    wait_points(page, 3)
    page.locator("#run-stop").evaluate("button => { button.click(); button.click(); }")
    wait_status(page, "stopped")
    assert "is kept and can be used" in said(page)
    expect(page.locator("#run-stop")).to_be_hidden()
    result = app.root / "people" / "local" / "jobs" / run / "result" / "adapter"
    assert (result / "adapter_model.safetensors").stat().st_size > 10_000
    expect(page.locator(f'{RUNS} tr[data-run="{run}"] .ws-tag')).to_have_text("stopped")


@pytest.mark.slow
def test_a_killed_worker_is_told_as_it_was_and_the_run_can_be_repeated(app, open_page):
    page = open_page(app.address)
    open_train(page)
    wait_ready(page)
    type_setting(page, "epochs", "200")
    run = press_start(page)
    wait_points(page, 3)
    os.kill(worker_of(app.root, run), signal.SIGKILL)
    wait_status(page, "failed")
    words = said(page)
    assert "SIGKILL" in words
    assert "Last event" in words
    page.locator(f"{RUN} .ws-run-log summary").click()
    expect(page.locator(f"{RUN} .ws-run-log .ws-log")).not_to_be_empty()
    page.locator(f"{RUN} .ws-run-state").get_by_role("button", name="Run again").click()
    expect(page.locator(RUN)).not_to_have_attribute("data-run", run)
    expect(page.locator(f"{RUNS} tbody tr")).to_have_count(2)
    with_same = [
        json.loads(path.read_text("utf-8"))["options"]
        for path in (app.root / "people/local/jobs").glob("*-train-*/job.json")
    ]
    assert with_same[0]["method_options"] == with_same[1]["method_options"]
    page.locator("#run-stop").click()
    wait_status(page, "stopped")


def test_a_double_click_starts_one_run(app, open_page):
    page = open_page(app.address)
    open_train(page)
    wait_ready(page)
    page.locator("#train-start").evaluate("button => { button.click(); button.click(); }")
    expect(page.locator(f"{RUNS} tbody tr")).to_have_count(1)
    page.locator("#run-stop").click()
    wait_status(page, "stopped")
    expect(page.locator(f"{RUNS} tbody tr")).to_have_count(1)


def test_the_empty_tab_leads_to_the_data(make_app, open_page):
    page = open_page(make_app().address)
    open_tab(page, "train")
    expect(page.locator("#start")).to_contain_text("there is none yet")
    expect(page.locator("#train-start")).to_be_hidden()
    page.get_by_role("button", name="Open the Data tab").click()
    expect(page.locator("#ws-tab-data-button")).to_have_attribute("aria-selected", "true")
