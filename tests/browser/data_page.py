"""The Data tab as a person's hands use it: import, choose a row, edit, save, read what is said."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=20_000)

TABLE = '[data-widget="table"]'
EDITOR = '[data-widget="editor"]'
VERSIONS = '[data-widget="versions"]'
DIALOG = "dialog[open]"
IMPORT_MS = 60_000
"""An import starts a process of its own, which takes its time where the machine has other work."""


def write_jsonl(path: Path, records: list[dict]) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    return path


def conversations(count: int) -> list[dict]:
    """Two-turn conversations whose texts carry their number, from 1."""
    turns = [(f"Question {n}", f"Answer {n}") for n in range(1, count + 1)]
    return [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}
        for asked, said in turns
    ]


def button(place: Page | Locator, name: str) -> Locator:
    return place.get_by_role("button", name=name, exact=True)


def open_import(page: Page) -> None:
    """The import dialog, as the button opens it."""
    page.evaluate("whetstone.sendTo('report', 'data:import', {})")


def start_import(page: Page, path: Path, choices: dict[str, str] | None = None) -> Locator:
    """Chooses a file in the import dialog and starts; the dialog that follows."""
    actions = page.locator(TABLE).get_by_role("button", name=re.compile("^Import( a file)?$"))
    actions.first.click()
    page.locator(f"{DIALOG} input[type=file]").set_input_files(path)
    choose(page, choices or {})
    begin_import(page)
    return page.locator(DIALOG)


def begin_import(page: Page) -> None:
    """Clicks the button that imports, once it is known whether the file was imported before."""
    page.locator(f'{DIALOG} .ws-import:is([data-same="no"], [data-same="yes"])').wait_for()
    page.locator(f"{DIALOG} .ws-foot .ws-btn-primary").click()


def choose(page: Page, choices: dict[str, str]) -> None:
    """Changes some of what was found."""
    for name, value in choices.items():
        page.locator(f'{DIALOG} [data-choice="{name}"]').select_option(value)


def import_file(page: Page, path: Path, choices: dict[str, str] | None = None) -> Locator:
    """Imports a file to its end; the report that is shown."""
    start_import(page, path, choices)
    return wait_report(page)


def wait_report(page: Page) -> Locator:
    page.locator(f"{DIALOG} .ws-report").wait_for(timeout=IMPORT_MS)
    return page.locator(DIALOG)


def close_dialog(page: Page) -> None:
    button(page.locator(f"{DIALOG} .ws-foot"), "Close").click()
    expect(page.locator(DIALOG)).to_have_count(0)


def import_rows(page: Page, folder: Path, records: list[dict], name: str = "rows") -> None:
    """A dataset of these records, open, with its first row in the editor."""
    import_file(page, write_jsonl(folder / f"{name}.jsonl", records))
    close_dialog(page)
    expect(page.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text(name)
    expect(page.locator(f"{EDITOR} .ws-title")).to_have_text("Row 1")


def report_counts(report: Locator) -> tuple[str, ...]:
    """Rows in, understood, refused, as they are shown."""
    return tuple(
        report.locator(f'[data-count="{name}"] .ws-num').inner_text() for name in ("rows_in", "understood", "refused")
    )


def pick_row(page: Page, position: int) -> None:
    page.locator(f"{TABLE} tbody tr").nth((position - 1) % 50).click()
    expect(page.locator(f"{EDITOR} .ws-title")).to_have_text(f"Row {position}")


def turn_box(page: Page, index: int, section: str = "messages") -> Locator:
    return page.locator(f'{EDITOR} [data-section="{section}"][data-index="{index}"] textarea')


def cells(page: Page, position: int) -> list[str]:
    """The texts of a row of the table: the columns of its record."""
    return page.locator(f"{TABLE} tbody tr").nth((position - 1) % 50).locator("td.ws-cell").all_inner_texts()


def edit_turn(page: Page, index: int, text: str, section: str = "messages") -> None:
    """Types into a turn and saves the row."""
    turn_box(page, index, section).fill(text)
    page.keyboard.press("Control+s")
    expect(page.locator(f"{EDITOR} [data-unsaved]")).to_have_count(0)


def facts(page: Page) -> list[str]:
    """The grey words in the head of the table."""
    return page.locator(f"{TABLE} .ws-dataset-head .ws-fine > span").all_inner_texts()


def open_dataset(page: Page, dataset_id: str) -> Page:
    """Reads the list of datasets again, opens one, and waits for its first row."""
    page.evaluate("id => localStorage.setItem('whetstone.data.open', id)", dataset_id)
    page.reload()
    page.locator(f'{EDITOR}[data-dataset="{dataset_id}"][data-row="1"]').wait_for()
    return page


def field(page: Page, label: str) -> Locator:
    """A box of the editor by its label."""
    return page.locator(EDITOR).get_by_label(label, exact=True)


def saved(page: Page) -> None:
    """Saves the open row with the keyboard."""
    page.keyboard.press("Control+s")
    expect(page.locator(f"{EDITOR} [data-unsaved]")).to_have_count(0)
