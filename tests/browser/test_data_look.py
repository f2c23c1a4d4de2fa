"""The Data tab fits its screens and speaks both languages at once."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.browser.data_page import (
    DIALOG,
    EDITOR,
    TABLE,
    VERSIONS,
    button,
    conversations,
    import_rows,
    turn_box,
    write_jsonl,
)
from tests.browser.test_crawl import untranslated


def test_a_whole_tab_fits_the_small_laptop_screen_without_scrolling_the_page(page, tmp_path):
    import_rows(page, tmp_path, conversations(60), "fits")
    sizes = page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]")
    assert sizes == [768, 1366]
    for place in (f"{TABLE} .ws-bar", f"{EDITOR} .ws-foot"):
        box = page.locator(place).bounding_box()
        assert box["y"] + box["height"] <= 768, place


def test_on_a_phone_panels_stack_and_a_chosen_row_comes_into_view(page, open_page, app_url, tmp_path):
    import_rows(page, tmp_path, conversations(60), "phone")
    phone = open_page(app_url, size=PHONE)
    phone.locator(f"{TABLE} tbody tr").nth(2).click()
    expect(phone.locator(f"{EDITOR} .ws-title")).to_have_text("Row 3")
    expect(turn_box(phone, 0)).to_be_in_viewport()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    turn_box(phone, 1).fill("typed on a phone")
    expect(button(phone.locator(EDITOR), "Save row")).to_be_in_viewport()


def test_the_language_changes_under_an_unsaved_edit_and_nothing_is_lost(page, tmp_path):
    import_rows(page, tmp_path, conversations(60), "switch")
    turn_box(page, 1).fill("まだ保存していません")
    page.locator("#ws-language").select_option("ja")
    expect(page.locator(f"{EDITOR} .ws-title")).to_have_text("1 行目")
    expect(button(page.locator(EDITOR), "行を保存")).to_be_enabled()
    expect(page.locator(f"{TABLE} th.ws-col-user")).to_have_text("ユーザー")
    expect(turn_box(page, 1)).to_have_value("まだ保存していません")
    button(page.locator(TABLE), "取り込み").click()
    expect(page.locator(DIALOG)).to_contain_text("ここにファイルをドロップ")


def test_every_word_around_the_data_is_translated(make_app, open_page, tmp_path):
    """The pseudo-language over what only shows once there is data: rows, pairs, dialogs, a report, a conflict's words."""
    page = open_page(make_app(lang="en-XA").address)

    def check(what: str) -> None:
        assert untranslated(page) == [], what

    def escape() -> None:
        page.keyboard.press("Escape")
        expect(page.locator(DIALOG)).to_have_count(0)

    path = write_jsonl(tmp_path / "rows.jsonl", conversations(400))
    with path.open("a") as file:
        file.write('{"messages": [{"role": "user"}]}\nnonsense\n')
    page.locator(f"{TABLE} .ws-data-empty .ws-btn").nth(1).click()
    page.locator(f"{DIALOG} input[type=file]").set_input_files(path)
    page.locator(f'{DIALOG} .ws-import:is([data-same="no"], [data-same="yes"])').wait_for()
    check("import dialog")
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    expect(page.locator(f"{DIALOG} .ws-refused tbody tr")).to_have_count(2)
    check("report")
    escape()
    turn_box(page, 1).fill("edited")
    check("table and editor")
    page.evaluate("whetstone.send('data:save_version', {})")
    check("save version")
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    expect(page.locator(f"{VERSIONS} [data-version]")).to_have_count(1)
    check("versions")
    for number in (0, 1, *range(3, 10)):  # merging needs a second dataset
        page.locator(f"{TABLE} .ws-more").click()
        check("menu")
        page.get_by_role("menuitem").nth(number).click()
        expect(page.locator(DIALOG)).to_be_visible()
        check(f"menu item {number}")
        escape()
    page.locator(f"{TABLE} .ws-filters .ws-btn").click()
    expect(page.locator(DIALOG)).to_be_visible()
    check("filter dialog")
    escape()
    page.locator(f"{TABLE} tbody .ws-col-pick input").first.click()
    for kind in ("delete", "tag", "replace", "system", "split"):
        page.locator(f'{TABLE} [data-bulk="{kind}"]').click()
        expect(page.locator(DIALOG)).to_be_visible()
        check(f"dialog of {kind}")
        escape()
    page.locator(f"{TABLE} .ws-bar .ws-btn").nth(1).click()
    check("menu of columns")
    page.keyboard.press("Escape")
    page.locator(f"{TABLE} .ws-search").fill("/(/")
    expect(page.locator(f"{TABLE} .ws-filter-problem")).to_be_visible()
    page.locator(f"{TABLE} .ws-search").fill("nowhere")
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(0)
    check("nothing found")
