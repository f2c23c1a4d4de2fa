"""A dataset as a whole: versions, its name, its held-out share, its end."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.data_page import (
    DIALOG,
    EDITOR,
    TABLE,
    VERSIONS,
    button,
    conversations,
    edit_turn,
    facts,
    import_rows,
    turn_box,
)


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
    button(rows.locator(EDITOR), "Undo").click()
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
