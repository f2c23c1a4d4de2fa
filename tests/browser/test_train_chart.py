"""The curves and numbers of a run as its log grows: drawn at once, zoom kept, spikes and gaps true, files saved."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.events import Choice, Evaluated, Failed, Finished, Notice, Phase, Rows, Sample
from tests.browser.conftest import open_tab
from tests.browser.train_page import CHART, RUN, RUNS, number, points, said, wait_points, wait_status
from tests.written_runs import PROMPTS, WrittenRun


def falling(count: int) -> list[float]:
    return [2.4 * math.exp(-4 * step / count) + 0.2 for step in range(1, count + 1)]


@pytest.fixture
def app(make_app, tmp_path):
    return make_app(root=tmp_path / "root")


@pytest.fixture
def workspace(app) -> Path:
    return app.root / "people" / "local"


@pytest.fixture
def run(workspace):
    made = WrittenRun(workspace)
    made.write(Phase("training", 76, "steps"), Evaluated(0, "held_out", {"loss": 2.5}))
    made.write_steps(falling(20), total=76)
    yield made
    made.close()


@pytest.fixture
def page(app, run, open_page) -> Page:
    page = open_page(app.address)
    open_tab(page, "train")
    wait_points(page, 20)
    return page


def drawn(page: Page, what: str):
    """A part of what plotly draws now, by an expression over `chart`."""
    return page.evaluate(f"() => {{ const chart = document.querySelector('{CHART}'); return {what}; }}")


def drag(page: Page, first: float, last: float) -> None:
    """Zooms into a part of the width, given by two fractions."""
    box = page.locator(f"{CHART} .nsewdrag").first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * first, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (first + last) / 2, y)
    page.mouse.move(box["x"] + box["width"] * last, y)
    page.mouse.up()
    expect(page.locator(CHART)).to_have_attribute("data-zoomed", "yes")


def test_a_written_step_is_drawn_and_its_numbers_are_shown(page, run):
    assert drawn(page, "chart.data.map(t => t.line.dash)") == ["solid", "solid", "dash"]
    run.step(21, 0.5)
    run.write(Evaluated(21, "held_out", {"loss": 0.75}))
    wait_points(page, 21)
    assert number(page, "place") == "21 / 76"
    assert number(page, "pace") == "6,120"
    expect(page.locator(f'{RUN} [data-number="held_out"]')).to_have_text("0.750")
    assert drawn(page, "chart.data[2].x") == [0, 21]


def test_zoom_and_hover_survive_updates(page, run):
    drag(page, 0.2, 0.6)
    before = drawn(page, "[chart.layout.xaxis.range, chart.layout.yaxis.range]")
    box = page.locator(CHART).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(f"{CHART} .hoverlayer .legend").wait_for()
    for step in (21, 22, 40):
        run.step(step)
        page.wait_for_function(f"Number(document.querySelector('{CHART}').dataset.lastStep) === {step}")
    assert drawn(page, "[chart.layout.xaxis.range, chart.layout.yaxis.range]") == before
    expect(page.locator(f"{CHART} .hoverlayer .legend")).to_have_count(1)
    page.get_by_role("button", name="whole run").click()
    expect(page.locator(CHART)).to_have_attribute("data-zoomed", "no")
    page.wait_for_function(f"document.querySelector('{CHART}').layout.xaxis.range[0] <= 0")


def test_a_null_loss_leaves_a_gap(page, run):
    run.step(21, None)
    run.step(22, 0.5)
    wait_points(page, 22)
    assert drawn(page, "chart.data[0].y.slice(-2)") == [None, 0.5]
    assert drawn(page, "chart.data[0].connectgaps") is False


def test_a_run_of_100000_steps_shows_its_spike_and_a_zoom_shows_every_point(page, workspace):
    losses = falling(100_000)
    losses[31_414] = 9.0
    long = WrittenRun(workspace, 1, "long")
    long.write_steps(losses, total=100_000)
    long.write(Finished("result", 14.0, {"held_out_before": 2.5, "held_out_after": 0.2}))
    long.close()
    page.locator(f'{RUNS} tr[data-run="{long.id}"]').click()
    expect(page.locator(CHART)).to_have_attribute("data-last-step", "100000")
    assert 500 < points(page) <= 2_000
    assert drawn(page, "Math.max(...chart.data[0].y)") == 9.0
    drag(page, 0.305, 0.323)
    page.wait_for_function(f"Number(document.querySelector('{CHART}').dataset.detail || 0) > 0")
    steps = drawn(page, "chart.data[0].x")
    assert steps == list(range(steps[0], steps[-1] + 1)), "every step of the range"
    assert 31_415 in steps


def test_scale_and_curve_are_chosen_and_the_words_follow_the_language(page, run):
    page.get_by_role("button", name="log", exact=True).click()
    page.wait_for_function(f"document.querySelector('{CHART}').layout.yaxis.type === 'log'")
    page.get_by_role("button", name="learning rate", exact=True).click()
    page.wait_for_function(f"document.querySelector('{CHART}').data.length === 1")
    expect(page.locator(f"{RUN} .ws-run-curves h2")).to_have_text("Learning rate")
    page.locator("#ws-language").select_option("ja")
    expect(page.locator(f"{RUN} .ws-run-curves h2")).to_have_text("学習率")
    page.wait_for_function(f"document.querySelector('{CHART}').layout.xaxis.title.text === 'ステップ'")


def test_colours_follow_the_theme(page):
    light = drawn(page, "chart.layout.paper_bgcolor")
    page.locator("#ws-theme").click()
    page.wait_for_function(f"document.querySelector('{CHART}').layout.paper_bgcolor !== '{light}'")
    assert drawn(page, "chart.layout.paper_bgcolor") == page.evaluate(
        "getComputedStyle(document.querySelector('.ws-run')).getPropertyValue('--panel').trim()"
    )


def test_numbers_and_picture_can_be_saved(page, tmp_path):
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()
    lines = Path(table.value.path()).read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("step,loss,learning_rate")
    assert len(lines) == 22, "a head, step 0's held-out loss and twenty steps"
    with page.expect_download() as picture:
        page.get_by_role("button", name="PNG").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")


def test_replies_settings_rows_and_notes_are_told(page, run):
    run.write(
        Choice("learning_rate", 0.002, "learning_rate_tiny_model", {"parameters": 2_361_536}),
        Rows(read=1200, kept=1197, truncated=4, dropped={"no_reply": 3}),
        Notice("warning", "nonfinite", {"fields": "loss"}),
        *[Sample(step, prompt, f"{prompt} <b>{step}</b>") for step in (0, 20) for prompt in PROMPTS],
    )
    replies = page.locator(f"{RUN} .ws-run-replies")
    expect(replies.locator("tbody tr")).to_have_count(2)
    expect(replies.locator("tbody tr").last).to_contain_text("How much is the mug? <b>20</b>")
    replies.get_by_role("button", name="閉店は何時ですか？").click()
    expect(replies.locator("tbody tr").first).to_contain_text("閉店は何時ですか？ <b>0</b>")
    details = page.locator(f"{RUN} .ws-run-details")
    expect(details).to_contain_text("2,361,536 parameters is tiny")
    expect(details).to_contain_text("Set by you")
    details.get_by_role("button", name="Rows").click()
    expect(details).to_contain_text("3 rows without a reply to learn")
    details.get_by_role("button", name="Notes").click()
    expect(details).to_contain_text("not finite")


def test_an_error_is_worded_in_the_language_of_the_page(page, run):
    run.write(Failed("OutOfMemory", "in English", "in English", {"asked_bytes": None, "free_bytes": None}))
    run.close()
    wait_status(page, "failed")
    assert "There is not enough memory." in said(page)
    page.locator("#ws-language").select_option("ja")
    expect(page.locator(f"{RUN} .ws-run-state")).to_contain_text("メモリ")


def test_deleting_asks_and_a_run_that_is_gone_already_is_no_error(page, workspace, open_page, app):
    ended = WrittenRun(workspace, 2, "old")
    ended.write(Finished("result", 14.0, {}))
    ended.close()
    row = page.locator(f'{RUNS} tr[data-run="{ended.id}"]')
    row.wait_for()
    other = open_page(app.address)
    open_tab(other, "train")
    elsewhere = other.locator(f'{RUNS} tr[data-run="{ended.id}"]')
    elsewhere.get_by_role("button").click()
    row.get_by_role("button").click()
    page.locator("dialog[open]").get_by_role("button", name="Cancel").click()
    expect(row).to_have_count(1)
    row.get_by_role("button").click()
    for one in (other, page):
        one.locator("dialog[open]").get_by_role("button", name="Delete the run").click()
        expect(one.locator(f'{RUNS} tr[data-run="{ended.id}"]')).to_have_count(0)
        expect(one.locator("#ws-toasts .ws-toast")).to_have_count(0)


def test_a_page_that_is_not_seen_asks_for_nothing(page, run):
    page.locator("#ws-tab-settings-button").click()
    expect(page.locator("#run")).to_be_hidden()
    before = points(page)
    run.step(21)
    asked: list[str] = []
    page.on("request", lambda request: "component_server" in request.url and asked.append(request.url))
    began = page.evaluate("performance.now()")
    page.wait_for_function("began => performance.now() > began + 1500", arg=began)  # three looks of a page that is seen
    assert not asked
    page.locator("#ws-tab-train-button").click()
    wait_points(page, before + 1)


def test_another_browser_sees_the_same_run_without_holding_up_the_first(page, run, open_page, app):
    second = open_page(app.address, locale="ja-JP", scheme="dark")
    open_tab(second, "train")
    wait_points(second, 20)
    for step in (21, 22, 23):
        run.step(step)
    for one in (page, second):
        wait_points(one, 23)
