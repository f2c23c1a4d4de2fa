"""A dataset as a whole: versions, its name, its held-out share, its end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from studio.events import Started, Stopped
from studio.jobs.folder import create_job
from studio.jobs.log import LogWriter
from studio.jobspec import JobSpec
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.data_page import (
    DIALOG,
    EDITOR,
    TABLE,
    VERSIONS,
    button,
    close_dialog,
    conversations,
    edit_turn,
    facts,
    import_rows,
    pick_row,
    turn_box,
)
from tests.written_runs import run_options


@pytest.fixture
def rows(page, tmp_path):
    """A page with a dataset of 40 conversations, 4 of them held out."""
    import_rows(page, tmp_path, conversations(40), tmp_path.name)
    return page


def save_version(page, message: str = "") -> None:
    button(page.locator(TABLE), "Save version").click()
    page.locator(f"{DIALOG} input").fill(message)
    button(page.locator(DIALOG), "Save version").click()
    expect(page.locator(DIALOG)).to_have_count(0)


def open_menu(page, name: str) -> None:
    page.locator(f"{TABLE} .ws-more").click()
    page.get_by_role("menuitem", name=name).click()


def test_a_version_is_saved_with_its_message_and_counts_later_edits(rows):
    save_version(rows, "as it came, 最初")
    version = rows.locator(f"{VERSIONS} [data-version]")
    expect(version).to_have_count(1)
    expect(version).to_contain_text("as it came, 最初")
    expect(version).to_contain_text("40 rows")
    expect(version).to_contain_text("4 held out")
    assert facts(rows)[-1] == "v1"
    expect(button(rows.locator(TABLE), "Save version")).to_have_class("ws-btn")
    edit_turn(rows, 1, "changed")
    expect(rows.locator(f"{TABLE} .ws-fine > span").last).to_have_text("v1 + 1 edit")
    expect(button(rows.locator(TABLE), "Save version")).to_have_class("ws-btn ws-btn-primary")
    save_version(rows)
    expect(version).to_have_count(2)
    assert facts(rows)[-1] == "v2"


def test_saving_a_version_says_which_edits_are_not_in_it(rows):
    turn_box(rows, 1).fill("not saved yet")
    button(rows.locator(TABLE), "Save version").click()
    expect(rows.locator(DIALOG)).to_contain_text("1 row has edits that are not saved.")
    button(rows.locator(DIALOG), "Cancel").click()
    expect(turn_box(rows, 1)).to_have_value("not saved yet")


def test_train_on_this_version_leads_to_the_train_tab_with_it_chosen(rows, tmp_path):
    save_version(rows)
    edit_turn(rows, 1, "changed")
    save_version(rows)
    button(rows.locator(VERSIONS), "Train on version 1").click()
    expect(rows.locator("#ws-tab-train")).to_be_visible()
    expect(rows.locator("#train-version input")).to_have_value(re.compile(f"^{re.escape(tmp_path.name)} v1"))


def write_run(workspace: Path, version: str, title: str) -> None:
    """A run that was stopped, on a version."""
    spec = JobSpec(
        id="20260101T000000900Z-train-shop", kind="train", lane="device", owner="local", title=title,
        created="2026-01-01T00:00:00Z", deed=title, options=run_options(title) | {"version": version},
    )  # fmt: skip
    log = LogWriter(create_job(spec, workspace / "jobs").events_path)
    log.write(Started(pid=1, process_started=0.0, device="cpu", versions={}))
    log.write(Stopped(0))
    log.close()


def open_version_menu(page, number: int, name: str) -> None:
    page.get_by_role("button", name=f"More for version {number}").click()
    page.get_by_role("menuitem", name=name).click()


def test_two_versions_are_compared_word_by_word_and_one_is_restored_as_one_change(rows):
    save_version(rows)
    edit_turn(rows, 1, "Answer 1, 今日は晴れです。")
    save_version(rows)
    edit_turn(rows, 1, "Answer 1, 明日は晴れです。")
    pick_row(rows, 3)
    button(rows.locator(EDITOR), "Delete row").click()
    expect(rows.locator(f"{TABLE} .ws-bar")).to_contain_text("of 39")
    rows.locator('[data-view="versions"]').click()
    open_version_menu(rows, 2, "Compare with the rows as they stand")
    dialog = rows.locator(DIALOG)
    changed = dialog.locator("[data-what=changed].ws-diff-row")
    expect(changed.locator("del")).to_have_text("今日")
    expect(changed.locator("ins")).to_have_text("明日")
    expect(dialog.locator(".ws-diff-chip")).to_have_text(["All 2", "Added 0", "Removed 1", "Changed 1", "Moved 0"])
    dialog.locator("[data-what=removed].ws-diff-chip").click()
    expect(dialog.locator(".ws-diff-row")).to_have_count(1)
    expect(dialog.locator(".ws-diff-row del").first).to_have_text("Question 3")
    dialog.locator("select").nth(1).select_option("1")
    expect(changed.locator("del")).to_have_text(", 今日は晴れです。")
    button(dialog, "Show these rows in the table").click()
    open_version_menu(rows, 1, "What was kept with it")
    expect(dialog.locator("tr", has_text="Held out")).to_contain_text("10 %")
    close_dialog(rows)
    expect(rows.locator(f"{TABLE} tbody td.ws-col-number")).to_have_text(["1"])
    open_version_menu(rows, 1, "Restore …")
    expect(dialog).to_contain_text("1 row comes back, 0 go, 1 changes")
    button(dialog, "Restore").click()
    expect(dialog).to_have_count(0)
    expect(rows.locator(f"{TABLE} .ws-fine")).to_contain_text("40 rows")
    expect(turn_box(rows, 1)).to_have_value("Answer 1")
    rows.locator(f"{TABLE} [data-step=undo]").click()
    expect(rows.locator(f"{TABLE} .ws-fine")).to_contain_text("39 rows")
    expect(turn_box(rows, 1)).to_have_value("Answer 1, 明日は晴れです。")


def test_a_version_says_what_was_made_from_it_and_one_that_nobody_needs_is_deleted(rows, app):
    edit_turn(rows, 1, "These rows are no other test's.")
    save_version(rows)
    edit_turn(rows, 1, "changed")
    save_version(rows)
    first = rows.locator(f"{VERSIONS} [data-version='1']")
    expect(first).to_contain_text("by you")
    fingerprint = first.locator(".ws-version-print").get_attribute("title").split(": ")[1]
    write_run(app.root / "people" / "local", fingerprint, "A run of version 1")
    rows.reload()
    rows.locator('[data-view="versions"]').click()
    rows.get_by_role("button", name="More for version 1").click()
    expect(rows.get_by_role("menuitem", name="Delete version …")).to_have_count(0)
    rows.keyboard.press("Escape")
    open_version_menu(rows, 2, "Delete version …")
    button(rows.locator(DIALOG), "Delete version").click()
    expect(rows.locator(f"{VERSIONS} [data-version]")).to_have_count(1)
    first.get_by_role("button", name="run A run of version 1").click()
    expect(rows.locator("#ws-tab-train")).to_be_visible()
    expect(rows.locator("#ws-tab-train")).to_contain_text("A run of version 1")


def test_versions_their_differences_and_restoring_are_said_in_japanese_and_fit_a_phone(rows, open_page, app_url):
    save_version(rows, "最初の版")
    edit_turn(rows, 1, "変更しました。")
    for size, scheme in ((DESKTOP, "dark"), (PHONE, "light")):
        seen = open_page(app_url, locale="ja-JP", scheme=scheme, size=size)
        seen.locator('[data-view="versions"]').click()
        expect(seen.locator(VERSIONS)).to_contain_text("最初の版")
        expect(seen.locator(VERSIONS)).to_contain_text("自分で保存")
        seen.get_by_role("button", name="バージョン 1 のその他の操作").click()
        seen.get_by_role("menuitem", name="今の行と比較").click()
        expect(seen.locator(f"{DIALOG} .ws-diff-row ins")).to_have_text("変更しました。")
        assert seen.locator(".ws-diff-rows").evaluate("n => n.scrollWidth <= n.clientWidth")
        assert seen.evaluate("document.documentElement.scrollWidth") <= size[0]
        seen.keyboard.press("Escape")


def test_a_dataset_is_renamed_and_a_taken_name_is_refused_with_a_sentence(rows, tmp_path):
    import_rows(rows, tmp_path, conversations(2), f"{tmp_path.name}-other")
    open_menu(rows, "Rename …")
    rows.locator(f"{DIALOG} input").fill(tmp_path.name)
    button(rows.locator(DIALOG), "Rename").click()
    expect(rows.locator(f"{DIALOG} .ws-problem")).to_contain_text(f"The name {tmp_path.name} is taken.")
    rows.locator(f"{DIALOG} input").fill(f"{tmp_path.name} ねこ")
    rows.locator(f"{DIALOG} input").press("Enter")
    expect(rows.locator(DIALOG)).to_have_count(0)
    expect(rows.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text(f"{tmp_path.name} ねこ")


def test_the_held_out_share_changes_and_undo_brings_it_back(rows):
    assert "4 held out" in facts(rows)
    open_menu(rows, "Held-out share …")
    expect(rows.locator(DIALOG)).to_contain_text("never trained on")
    rows.locator(f"{DIALOG} input").fill("25")
    button(rows.locator(DIALOG), "Change the share").click()
    expect(rows.locator(f"{TABLE} .ws-fine")).to_contain_text("10 held out")
    rows.locator(f"{TABLE} [data-step=undo]").click()
    expect(rows.locator(f"{TABLE} .ws-fine")).to_contain_text("4 held out")


def test_deleting_a_dataset_names_what_depends_on_it(rows):
    save_version(rows)
    name = rows.locator(f"{TABLE} .ws-dataset option:checked").inner_text()
    open_menu(rows, "Delete dataset …")
    expect(rows.locator(DIALOG)).to_contain_text(name)
    expect(rows.locator(f"{DIALOG} li")).to_have_text(["Version 1"])
    button(rows.locator(DIALOG), "Cancel").click()
    open_menu(rows, "Delete dataset …")
    button(rows.locator(DIALOG), "Delete dataset").click()
    expect(rows.locator(f"{TABLE} .ws-dataset option", has_text=name)).to_have_count(0)


def test_the_open_dataset_is_open_again_after_a_reload(rows, tmp_path):
    name = rows.locator(f"{TABLE} .ws-dataset option:checked").inner_text()
    import_rows(rows, tmp_path, conversations(2), f"{name}-newer")
    rows.locator(f"{TABLE} .ws-dataset").select_option(label=name)
    expect(rows.locator(f"{TABLE} .ws-fine")).to_contain_text("40 rows")
    rows.reload()
    expect(rows.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text(name)
