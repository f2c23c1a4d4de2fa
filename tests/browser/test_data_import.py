"""Import, as a newcomer does it: a sample, a file of one's own, a wrong encoding, a dirty file, a hostile one."""

from __future__ import annotations

import csv
import io
import json
import re

from playwright.sync_api import expect

from tests.browser.data_page import (
    DIALOG,
    EDITOR,
    TABLE,
    begin_import,
    button,
    cells,
    choose,
    close_dialog,
    conversations,
    facts,
    import_file,
    import_rows,
    open_import,
    report_counts,
    start_import,
    wait_report,
    write_jsonl,
)

REPLIES = [
    ("営業時間を教えてください。", "10時から19時までです。\n水曜日は定休日です。"),
    ("送料は？", "5,000円以上は無料です。"),
]


def write_cp932(path):
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["instruction", "output"])
    table.writerows(REPLIES * 20)
    path.write_bytes(text.getvalue().encode("cp932"))
    return path


def test_the_empty_tab_says_what_will_be_here_and_one_click_loads_the_sample(make_app, open_page):
    page = open_page(make_app().address)
    expect(page.get_by_text("No dataset yet")).to_be_visible()
    button(page, "Load the sample").click()
    report = wait_report(page)
    assert report_counts(report) == ("1,200", "1,200", "0")
    close_dialog(page)
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(50)
    assert facts(page) == ["1,200 rows", "120 held out", "no version yet"]
    expect(button(page.locator(TABLE), "Save version")).to_have_class("ws-btn ws-btn-primary")


def test_a_sample_is_chosen_from_cards_and_a_double_click_imports_it_once(page):
    page.locator(f"{TABLE} .ws-rows").wait_for()
    open_import(page)
    page.locator(f'{DIALOG} [data-source="sample"]').click()
    card = page.locator(f'{DIALOG} [data-sample="shop_pairs"]')
    card.click()
    expect(card).to_have_attribute("aria-checked", "true")
    expect(page.locator(f"{DIALOG} [data-record]")).to_have_count(3)
    button(page.locator(DIALOG), "Import").dblclick()
    wait_report(page)
    close_dialog(page)
    names = page.locator(f"{TABLE} .ws-dataset option").all_inner_texts()
    assert names.count("Polite or curt") == 1 and "Polite or curt (2)" not in names
    assert {"Prompt", "Chosen", "Rejected"} <= set(page.locator(f"{TABLE} th").all_inner_texts())


def test_a_cp932_file_is_read_as_it_was_written_and_the_report_says_why(page, tmp_path):
    report = import_file(page, write_cp932(tmp_path / "店.csv"))
    assert report_counts(report) == ("40", "40", "0")
    found = report.locator('[data-found="encoding"]')
    expect(found.locator(".ws-strong")).to_contain_text("CP932")
    expect(found.locator(".ws-wrap")).not_to_be_empty()
    close_dialog(page)
    assert cells(page, 1) == [REPLIES[0][0], "10時から19時までです。⏎水曜日は定休日です。", "2"]
    expect(page.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text("店")


def test_a_file_is_imported_again_with_another_encoding(page, tmp_path):
    import_file(page, write_cp932(tmp_path / "again.csv"), {"encoding": "utf-8"})
    expect(page.locator(f'{DIALOG} [data-found="encoding"] .ws-strong')).to_contain_text("UTF-8")
    assert report_counts(page.locator(DIALOG))[0::2] == ("40", "40"), "bytes that are no UTF-8 are refused, not guessed"
    button(page.locator(DIALOG), "Import again with other settings").click()
    expect(page.locator(f'{DIALOG} [data-choice="encoding"]')).to_have_value("utf-8")
    expect(page.locator(f"{DIALOG} [data-record].ws-record-refused")).to_have_count(3)
    choose(page, {"encoding": "cp932"})
    expect(page.locator(f"{DIALOG} [data-record]").first).to_contain_text(REPLIES[0][0])
    button(page.locator(DIALOG), "Import").click()
    expect(page.locator(f'{DIALOG} [data-count="understood"] .ws-num')).to_have_text("40")
    close_dialog(page)
    assert cells(page, 2)[0] == REPLIES[1][0]


def test_refused_rows_are_listed_with_number_field_cause_and_raw_text(page, tmp_path):
    path = write_jsonl(tmp_path / "dirty.jsonl", conversations(3))
    with path.open("a") as file:
        file.write('{"messages": [{"role": "user", "content": "cut\n')
        file.write('{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": ""}]}\n')
    report = import_file(page, path)
    assert report_counts(report) == ("5", "3", "2")
    rows = report.locator(".ws-refused tbody tr")
    assert [row.locator("td").first.inner_text() for row in rows.all()] == ["4", "5"]
    expect(rows.nth(0).locator("code")).to_have_text('{"messages": [{"role": "user", "content": "cut')
    assert rows.nth(1).locator("td").nth(1).inner_text() == "messages[1].content"
    expect(rows.nth(1).locator("td").nth(2)).not_to_be_empty()
    close_dialog(page)
    assert "2 refused" in facts(page)
    button(page.locator(TABLE), "2 refused").click()
    assert report_counts(wait_report(page)) == ("5", "3", "2")


def test_a_file_that_cannot_be_read_gets_a_sentence_and_a_hint(page, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 40)
    start_import(page, path)
    problem = page.locator(f"{DIALOG} .ws-problem")
    expect(page.get_by_text("The import failed")).to_be_visible()
    expect(problem.locator("strong")).to_contain_text("rows.jsonl")
    expect(problem.locator("span")).not_to_be_empty()
    assert "Traceback" not in page.locator(DIALOG).inner_text()


def test_hostile_content_stays_text(page, tmp_path):
    bad = '<img src="x" onerror="window.hit=1">'
    turns = [{"role": "user", "content": bad}, {"role": "assistant", "content": f"${{{bad}}} {{{{{bad}}}}}"}]
    path = write_jsonl(tmp_path / "<img src=x onerror=hit()>.jsonl", [{"messages": turns}])
    with path.open("a") as file:
        file.write(f"{bad}\n")
    report = import_file(page, path)
    expect(report.locator("code")).to_have_text(bad)
    close_dialog(page)
    assert cells(page, 1)[0] == bad
    expect(page.locator('[data-widget="editor"] textarea').first).to_have_value(bad)
    assert page.locator("#data-layout img, dialog img").count() == 0
    assert page.evaluate("window.hit === undefined")


def test_a_cancelled_import_leaves_nothing_behind(make_app, open_page, tmp_path):
    app = make_app()
    page = open_page(app.address)
    start_import(page, write_jsonl(tmp_path / "long.jsonl", conversations(200_000)))
    button(page.locator(DIALOG), "Cancel import").click()
    expect(page.get_by_text("The import was cancelled. Nothing was kept.")).to_be_visible()
    expect(page.get_by_text("No dataset yet")).to_be_visible()
    assert not list(app.root.glob("people/*/datasets/*"))


def test_an_import_goes_on_when_its_dialog_is_closed_and_the_page_is_reloaded(page, tmp_path):
    start_import(page, write_jsonl(tmp_path / "background.jsonl", conversations(60_000)))
    button(page.locator(DIALOG), "Go on in the background").click()
    page.reload()
    expect(page.locator(f"{TABLE} .ws-dataset option", has_text="background")).to_have_count(1)


def test_a_large_table_turns_its_pages_by_buttons_and_by_number(page, tmp_path):
    import_rows(page, tmp_path, conversations(620), "pages")
    pager = page.locator(f"{TABLE} .ws-pager")
    pager.get_by_role("button", name="Page 13", exact=True).click()
    expect(page.locator(f"{TABLE} .ws-bar .ws-key").first).to_have_text("Rows 601–620 of 620")
    assert cells(page, 601)[0] == "Question 601"
    pager.locator("input").fill("7")
    pager.locator("input").press("Enter")
    expect(page.locator(f"{TABLE} .ws-bar .ws-key").first).to_have_text("Rows 301–350 of 620")


def test_a_file_is_dropped_into_the_dialog(page):
    page.locator(f"{TABLE} .ws-rows").wait_for()
    open_import(page)
    text = "prompt,completion\nいくらですか,500円です\n"
    dropped = page.evaluate_handle(
        """(text) => {
            const carried = new DataTransfer();
            carried.items.add(new File([text], 'dropped.csv', { type: 'text/csv' }));
            return carried;
        }""",
        text,
    )
    page.locator(f"{DIALOG} .ws-drop").dispatch_event("drop", {"dataTransfer": dropped})
    expect(page.locator(f"{DIALOG} .ws-drop-words")).to_contain_text("dropped.csv")
    begin_import(page)
    assert report_counts(wait_report(page)) == ("1", "1", "0")


def test_a_file_over_the_limit_is_refused_before_it_is_sent(make_app, open_page, tmp_path):
    page = open_page(make_app(arguments=("--upload-limit-gib", "0.00001")).address)
    button(page, "Import a file").click()
    expect(page.locator(DIALOG)).to_contain_text("at most 10.7 kB")
    page.locator(f"{DIALOG} input[type=file]").set_input_files(write_jsonl(tmp_path / "big.jsonl", conversations(200)))
    expect(page.locator(f"{DIALOG} .ws-problem")).to_contain_text("larger than 10.7 kB")
    button(page.locator(DIALOG), "Import").click()
    expect(page.locator(DIALOG)).to_contain_text("Nothing is chosen yet.")


def test_a_pasted_text_shows_what_it_is_and_becomes_a_dataset(page):
    """CSV first, then JSON Lines over it: the second is found anew, and only that is imported."""
    page.locator(f"{TABLE} .ws-rows").wait_for()
    open_import(page)
    page.locator(f'{DIALOG} [data-source="paste"]').click()
    box = page.locator(f"{DIALOG} .ws-paste")
    box.fill("instruction;output\nいくらですか;500円です\n")
    expect(page.locator(f'{DIALOG} [data-found="container"] option:checked')).to_have_text("CSV or TSV (found)")
    expect(page.locator(f'{DIALOG} [data-found="delimiter"] .ws-why')).not_to_be_empty()
    expect(page.locator(f'{DIALOG} [data-record="1"]')).to_contain_text("500円です")
    box.fill(
        '{"question": "1+1?", "answer": "2"}\n{"question": "", "answer": "4"}\n{"question": "2+2?", "answer": "4"}'
    )
    expect(page.locator(f'{DIALOG} [data-found="container"] option:checked')).to_have_text("JSON Lines (found)")
    expect(page.locator(f'{DIALOG} [data-found="delimiter"]')).to_be_hidden()
    expect(page.locator(f'{DIALOG} [data-record="2"]')).to_have_class("ws-record ws-record-refused")
    expect(page.locator(f"{DIALOG} .ws-preview-count")).to_contain_text("Of 3 rows 2 are understood and 1 refused.")
    begin_import(page)
    assert report_counts(wait_report(page)) == ("3", "2", "1")
    close_dialog(page)
    expect(page.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text("Pasted text")


def test_two_clicks_import_a_good_file_and_the_same_file_is_noticed_the_second_time(page, tmp_path):
    path = write_jsonl(tmp_path / "twice.jsonl", conversations(7))
    page.locator(f"{TABLE} .ws-rows").wait_for()
    open_import(page)
    page.locator(f"{DIALOG} input[type=file]").set_input_files(path)
    button(page.locator(DIALOG), "Import").click()
    assert report_counts(wait_report(page)) == ("7", "7", "0")
    close_dialog(page)
    open_import(page)
    page.locator(f"{DIALOG} input[type=file]").set_input_files(path.rename(tmp_path / "renamed.jsonl"))
    expect(page.locator(f"{DIALOG} .ws-same")).to_contain_text("The same file was imported as twice on")
    button(page.locator(DIALOG), "Import anyway").click()
    wait_report(page)
    close_dialog(page)
    expect(page.locator(f"{TABLE} .ws-dataset option:checked")).to_have_text("renamed")


def test_a_refused_row_is_mended_in_the_report_and_another_is_left_out(page, tmp_path):
    """Three good rows around a torn one and one without a reply: they add up to five at every moment."""
    path = write_jsonl(tmp_path / "mend.jsonl", conversations(2))
    with path.open("a") as file:
        file.write('{"messages": [{"role": "user", "content": "torn\n')
        file.write('{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": ""}]}\n')
        file.write(json.dumps(conversations(3)[2]) + "\n")
    report = import_file(page, path)
    assert report_counts(report) == ("5", "3", "2")
    rows = report.locator(".ws-refused tbody tr")
    button(rows.nth(1), "Mend").click()
    box = page.locator(f"{DIALOG} .ws-mend-text")
    expect(box).to_have_value(re.compile("Hello"))
    expect(page.locator(f"{DIALOG} .ws-mend-result")).to_contain_text("The text is empty.")
    button(page.locator(DIALOG).last, "Mend row").click()
    expect(page.locator(f"{DIALOG} .ws-place .ws-problem")).to_be_visible()
    box.fill(box.input_value().replace('""', '"Good day"'))
    expect(page.locator(f"{DIALOG} .ws-mend-result")).to_contain_text("Good day")
    button(page.locator(DIALOG).last, "Mend row").dblclick()
    expect(rows.nth(1)).to_have_attribute("data-state", "mended")
    assert report_counts(report) == ("5", "4", "1")
    button(rows.nth(0), "Leave out").click()
    expect(rows.nth(0)).to_contain_text("Left out by local")
    assert report_counts(report) == ("5", "4", "0")
    expect(report.locator('[data-count="left_out"] .ws-num')).to_have_text("1")
    button(rows.nth(0), "Take back").click()
    expect(report.locator('[data-count="refused"] .ws-num')).to_have_text("1")
    close_dialog(page)
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(4)
    assert cells(page, 3)[0] == "Hello", "in its place, before the row that follows it in the file"
    page.locator(f"{TABLE} .ws-steps button").first.click()
    expect(page.locator(f"{TABLE} tbody tr")).to_have_count(3)


def test_only_a_file_that_was_uploaded_is_imported(page, app, tmp_path):
    """A page could name any path of the server in place of its upload: that call is refused, and the file stays."""
    secret = write_jsonl(tmp_path / "secret.jsonl", conversations(1))
    page.locator(f"{TABLE} .ws-rows").wait_for()
    ask = """async ([path]) => {
        const config = window.gradio_config;
        const component = config.components.find((one) => one.props.elem_id === 'data-report').id;
        const argument = { path, file_name: 'a.jsonl', name: null, deed: 'd', choices: {}, held_out_fraction: 0.1 };
        const body = { data: { name: 'upload', argument }, component_id: component, fn_name: 'ws_call', session_hash: 'x' };
        const reply = await fetch(`${config.root}/gradio_api/component_server/`, {
            method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
        });
        return reply.json();
    }"""
    for path in (secret, app.root / "app.lock", app.root / "gradio" / ".." / "app.lock"):
        assert page.evaluate(ask, [str(path)])["code"] == "NotYours", path
    assert secret.exists()


def test_what_a_file_holds_beside_its_conversations_is_shown_with_the_row(page, tmp_path):
    record = conversations(1)[0] | {"note": "came from the shop"}
    import_rows(page, tmp_path, [record], "beside")
    origin = page.locator(f"{EDITOR} .ws-origin")
    expect(origin).to_contain_text("From row 1 of beside.jsonl")
    origin.locator("summary").click()
    expect(origin.locator("pre")).to_contain_text("came from the shop")
