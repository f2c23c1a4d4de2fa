"""The checks: run by themselves, read, mended after a look, ignored with a reason; the dataset card; what Train says."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from studio.data.checks import CHECKS as PLUGS
from tests.browser.conftest import PHONE, open_tab, settle, started_app
from tests.browser.data_page import DIALOG, EDITOR, TABLE, button
from tests.browser.test_crawl import untranslated
from tests.browser.train_page import LONG_MS, open_train, wait_ready
from tests.checked_datasets import write_dataset
from tests.dataset_jobs import conversation

CHECKS = '[data-widget="checks"]'
DUPLICATE, SAME = 31, 4
"""Row 31 says the same as row 4, in wide letters."""


def _records(thing: str) -> list[dict]:
    """Each dataset sells a thing of its own, so that none is found in another."""
    priced = [_priced(f"How much is {thing} {n}?", thing, n) for n in range(1, 31)]
    duplicate = _priced(f"ＨＯＷ much is {thing} {SAME}?", thing, SAME)
    private = conversation(f"My phone at {thing} is 090-1234-5678.", f"We call {thing} at 090-1234-5678 tomorrow.")
    turns = conversation(f"Is {thing} free?", "No.")["messages"]
    return [*priced, duplicate, private, {"messages": [*turns, {"role": "user", "content": "Thanks."}]}]


def _priced(question: str, thing: str, number: int) -> dict:
    return conversation(question, f"The {thing} {number} costs {500 + number} yen, tax included.")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("app") / "root"
    workspace = root / "people" / "local"
    for name in ("english", "japanese", "chips", "needs", "phone"):
        write_dataset(workspace, _records(name), range(1, 31, 10), name=name)
    leak = _priced("ＨＯＷ much is leaking 1?", "leaking", 1)
    write_dataset(workspace, [*_records("leaking")[:30], leak], range(1, 31, 10), name="leaking")
    with started_app(root) as running:
        yield running


def _open_dataset(page: Page, name: str) -> None:
    """Chooses a dataset and waits until its checks have run, which nobody asked for."""
    page.locator(f"{TABLE} .ws-dataset").select_option(label=name)
    expect(page.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text(name)
    expect(page.locator(f"{TABLE} .ws-checks-button .ws-badge")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(f"{CHECKS} progress")).to_be_hidden(timeout=LONG_MS)


def _open_check(page: Page, name: str) -> Locator:
    page.locator(f"{TABLE} .ws-checks-button").click()
    check = page.locator(f'{CHECKS} [data-check="{name}"]')
    if check.locator(".ws-check-head").get_attribute("aria-expanded") == "false":
        check.locator(".ws-check-head").click()
    return check


def _rows(page: Page) -> Locator:
    return page.locator(f"{TABLE} tbody tr[data-row]")


@pytest.mark.parametrize(
    ("locale", "names"),
    [
        ("en-US", ["Holds e-mail addresses", "Holds the word ….", "Letters are lost, as � shows."]),
        ("ja-JP", ["メールアドレス", "禁止語 … が使われています。", "… 文字が失われ、� になっています。"]),
    ],
)
def test_a_kind_of_finding_is_named_without_the_values_of_one(open_page, app, locale, names):
    page = open_page(app.address, locale=locale)
    words = [PLUGS["personal_data"].words["email"], *PLUGS["forbidden_words"].words.values()]
    words.append(next(words for words in PLUGS["garbled"].words.values() if "�" in words.en))
    assert [page.evaluate("whetstone.nameOf", {"en": one.en, "ja": one.ja}) for one in words] == names


def test_what_is_found_is_shown_mended_and_undone(page):
    _open_dataset(page, "english")
    check = _open_check(page, "exact_duplicates")
    expect(check.locator(".ws-check-sentence")).to_have_text(f"This row says the same as row {SAME}.")
    expect(check.locator('[data-code="same_row"] .ws-check-lines .ws-key')).to_have_text(f"Row {DUPLICATE}")

    button(check, "Show 1 row").click()
    expect(_rows(page)).to_have_count(1)
    expect(_rows(page).first).to_contain_text("ＨＯＷ much is english 4?")

    button(check, "Fix…").click()
    dialog = page.locator(DIALOG)
    expect(dialog).to_contain_text("This changes 1 row as one step, which Undo takes back.")
    expect(dialog.locator(f'[data-fix="{DUPLICATE}"] del')).to_have_count(2)
    button(dialog, "Cancel").click()
    expect(_rows(page)).to_have_count(1)

    personal = _open_check(page, "personal_data")
    button(personal, "Fix…").click()
    expect(dialog.locator("del")).to_have_text(["090-1234-5678"] * 2)
    expect(dialog.locator("ins")).to_have_text(["⟨PHONE_1⟩"] * 2)
    button(dialog, "Fix 1 row").click()
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(personal).to_have_attribute("data-found", "0")
    expect(page.locator(f"{CHECKS} .ws-check-words")).to_have_text("Rows were changed since the checks ran.")
    button(page.locator(CHECKS), "Run again").click()
    expect(personal).to_have_attribute("data-status", "passed", timeout=LONG_MS)
    expect(page.locator(f"{CHECKS} .ws-check-words .ws-tag-warn")).to_be_visible(timeout=LONG_MS)

    page.locator(f"{TABLE} .ws-steps button").first.click()
    page.locator(f"{TABLE} .ws-filter-check").select_option("")
    expect(page.locator(f"{TABLE} tbody")).to_contain_text("090-1234-5678")


def test_in_japanese_a_finding_is_ignored_with_a_reason_and_the_card_is_kept(open_page, app_url):
    page = open_page(app_url, locale="ja-JP", scheme="dark")
    _open_dataset(page, "japanese")
    check = _open_check(page, "exact_duplicates")
    expect(check.locator(".ws-check-sentence")).to_have_text(f"{SAME} 行目と同じ内容です。")
    button(check, "無視…").click()
    dialog = page.locator(DIALOG)
    button(dialog, "無視する").click()
    expect(dialog.locator(".ws-problem")).to_contain_text("無視する理由を 500 文字以内で書いてください。")
    dialog.locator("textarea").fill("よくある質問なので重ねています。")
    button(dialog, "無視する").click()
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(check).to_have_attribute("data-found", "0")
    expect(page.locator(f"{CHECKS} .ws-ignored q")).to_have_text("よくある質問なので重ねています。")

    page.locator(".ws-card-open").click()
    points = dialog.locator("[data-point]")
    expect(points).to_have_count(4)
    met = {point.get_attribute("data-point"): point.get_attribute("data-met") for point in points.all()}
    assert met == {"purpose": "false", "examples": "false", "personal_data": "false", "evaluation": "true"}
    expect(dialog).to_contain_text("評価用の行は 3 行あり、学習用の行との重なりは見つかりませんでした。")
    expect(dialog).to_contain_text("よくある質問なので重ねています。")
    dialog.locator("textarea").fill("お客様の質問に\n丁寧に答える。")
    button(dialog, "カードを保存").click()
    expect(page.locator(".ws-card-purpose")).to_have_text("お客様の質問に 丁寧に答える。")
    expect(page.locator(".ws-card-open")).to_have_text("カード：4 項目中 2 項目")

    button(page.locator(f"{CHECKS} .ws-ignored"), "無視をやめる").click()
    expect(check).to_have_attribute("data-found", "1")


def test_a_row_carries_chips_of_its_findings_and_is_mended_alone(page):
    _open_dataset(page, "chips")
    _rows(page).nth(DUPLICATE - 1).click()
    chip = page.locator(f'{EDITOR} .ws-row-checks [data-check="exact_duplicates"]')
    expect(chip).to_have_attribute("title", f"This row says the same as row {SAME}.")
    _rows(page).first.click()
    expect(page.locator(f"{EDITOR} .ws-row-checks")).to_be_hidden()
    _rows(page).nth(DUPLICATE - 1).click()
    chip.click()
    dialog = page.locator(DIALOG)
    expect(dialog).to_contain_text(f"This row says the same as row {SAME}.")
    button(dialog, "Fix…").click()
    button(dialog, "Fix 1 row").click()
    expect(page.locator(f"{TABLE} .ws-dataset-head .ws-fine > span").first).to_have_text("32 rows")


def test_what_a_check_needs_is_asked_for_and_it_runs_with_that(page):
    _open_dataset(page, "needs")
    words = _open_check(page, "forbidden_words")
    expect(words).to_contain_text("needs words")
    button(words, "Settings…").click()
    page.locator(f"{DIALOG} textarea").fill("tomorrow\n")
    button(page.locator(DIALOG), "Save and check").click()
    expect(words).to_have_attribute("data-found", "1", timeout=LONG_MS)
    cut = _open_check(page, "truncation")
    button(cut, "Settings…").click()
    page.locator(f"{DIALOG} select").select_option(index=1)
    page.locator(f"{DIALOG} input[type=number]").fill("0")
    button(page.locator(DIALOG), "Save and check").click()
    expect(page.locator(f"{DIALOG} .ws-problem")).to_contain_text("max_length")
    page.locator(f"{DIALOG} input[type=number]").fill("12")
    button(page.locator(DIALOG), "Save and check").click()
    expect(cut).to_have_attribute("data-found", "33", timeout=LONG_MS)


def test_a_run_on_rows_with_open_errors_asks_once_more(page):
    _open_dataset(page, "leaking")
    leak = _open_check(page, "leakage")
    expect(leak.locator(".ws-check-sentence")).to_have_text(
        "This training row says the same as row 1, which is held out."
    )
    button(page.locator(TABLE), "Save version").click()
    button(page.locator(f"{DIALOG} .ws-foot"), "Save version").click()
    expect(page.locator(DIALOG)).to_have_count(0, timeout=LONG_MS)
    open_train(page)
    wait_ready(page)
    start = page.locator("#start")
    expect(start.locator(".ws-tag-bad")).to_have_text("1 error found by checks")
    page.locator("#train-start").click()
    expect(page.locator(DIALOG)).to_contain_text("Train although the checks found errors?")
    button(page.locator(DIALOG), "Cancel").click()
    expect(page.locator("#train-start")).to_be_enabled()
    button(start, "Show findings").click()
    expect(page.locator(f'{CHECKS} [data-check="leakage"]')).to_be_visible()

    button(leak, "Ignore…").click()
    page.locator(f"{DIALOG} textarea").fill("It is asked in both on purpose.")
    button(page.locator(DIALOG), "Ignore").click()
    expect(leak).to_have_attribute("data-found", "0")
    open_tab(page, "train")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    open_train(page)
    wait_ready(page)
    expect(start.locator(".ws-tag-bad")).to_have_count(0)


def test_every_word_of_the_checks_and_the_card_is_translated(open_page, make_app, tmp_path):
    root = tmp_path / "root"
    write_dataset(root / "people" / "local", _records("pseudo"), range(1, 31, 10), name="pseudo")
    page = open_page(make_app(lang="en-XA", root=root).address)
    _open_dataset(page, "pseudo")
    for name in ("exact_duplicates", "leakage", "truncation"):
        _open_check(page, name)
    settle(page)
    assert untranslated(page) == []
    page.locator(f'{CHECKS} [data-check="exact_duplicates"] .ws-actions button').nth(1).click()
    expect(page.locator(f"{DIALOG} del")).to_have_count(2)
    assert untranslated(page) == []
    page.keyboard.press("Escape")
    page.locator(".ws-card-open").click()
    expect(page.locator(f"{DIALOG} [data-point]")).to_have_count(4)
    assert untranslated(page) == []


def test_on_a_phone_the_checks_are_brought_into_view(open_page, app_url):
    page = open_page(app_url, size=PHONE)
    _open_dataset(page, "phone")
    page.locator(f"{TABLE} .ws-checks-button").click()
    expect(page.locator(f"{CHECKS} .ws-check").first).to_be_in_viewport()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
