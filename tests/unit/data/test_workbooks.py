"""Workbooks: the sheet and its header are found with the reason, cells keep their kinds, tricks are refused."""

from __future__ import annotations

import datetime
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest

from studio.data import packing, workbooks
from studio.data.sources import plan_reading, preview_rows
from studio.errors import FileTooLarge, FileUnreadable, OptionsInvalid
from studio.words import catalogue
from tests.data_files import write_shared_workbook, write_workbook
from tests.dataset_jobs import import_file

HEAD = ["prompt", "completion"]
SHEET = "xl/worksheets/sheet1.xml"


def read(path: Path, **chosen: str):
    plan = plan_reading(path, path.name, **chosen)
    rows = list(plan.rows())
    return [row.fields if row.cause is None else row.cause for row in rows], plan, rows


def refusal(path: Path) -> dict:
    with pytest.raises(FileUnreadable) as refused:
        read(path)
    assert f"unreadable.{refused.value.values['cause']}" in catalogue("ja")
    assert "{" not in refused.value.message("ja")
    return refused.value.values


def replaced(path: Path, part: str, change) -> Path:
    """The workbook with one of its parts changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts.get(part, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_the_first_sheet_with_content_is_taken_and_another_can_be_chosen(tmp_path):
    sheets = {"notes": [], "茶": [HEAD, ["a", "b"]], "more": [HEAD, ["c", "d"]]}
    path = write_workbook(tmp_path / "a.xlsx", sheets)
    found, plan, _ = read(path)
    guess = plan.guesses["sheet"]
    assert (guess.value, guess.reason, guess.among) == ("茶", "sheet_first_filled", ("notes", "茶", "more"))
    assert found == [{"prompt": "a", "completion": "b"}]
    assert read(path, sheet="more")[0] == [{"prompt": "c", "completion": "d"}]
    assert read(path, sheet="notes", header="none")[0] == []
    with pytest.raises(OptionsInvalid) as refused:
        read(path, sheet="other")
    assert refused.value.problems == [{"field": "sheet", "code": "not_a_choice", "found": "other"}]


def test_a_hidden_sheet_comes_after_those_that_are_seen(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["hidden"])
    book.active.sheet_state = "hidden"
    book.create_sheet("seen").append(HEAD)
    book.save(tmp_path / "a.xlsx")
    assert plan_reading(tmp_path / "a.xlsx", "a.xlsx").guesses["sheet"].value == "seen"


def test_cells_keep_their_kinds_and_dates_become_iso(tmp_path):
    day, moment = datetime.date(2026, 3, 1), datetime.datetime(2026, 3, 1, 9, 30)
    path = write_workbook(tmp_path / "a.xlsx", {"s": [
        ["text", "int", "float", "bool", "day", "moment", "time", "none"],
        ["茶\n二行", 3, 1.5, True, day, moment, datetime.time(9, 30), None],
    ]})  # fmt: skip
    assert read(path)[0] == [{
        "text": "茶\n二行", "int": 3, "float": 1.5, "bool": True, "day": "2026-03-01",
        "moment": "2026-03-01T09:30:00", "time": "09:30:00", "none": None,
    }]  # fmt: skip


def test_of_a_formula_the_last_result_is_read_and_without_one_the_row_is_refused(tmp_path):
    """openpyxl writes formulas without results; Excel's stands in <v>."""
    path = write_workbook(tmp_path / "a.xlsx", {"s": [HEAD, ["a", "=1+1"], ["b", "=2+2"], ["c", "d"]]})
    replaced(path, SHEET, lambda xml: xml.replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>").replace(
        b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>"))  # fmt: skip
    found, _, rows = read(path)
    assert found == [{"prompt": "a", "completion": 2}, "xlsx_formula", {"prompt": "c", "completion": "d"}]
    assert (rows[1].field, rows[1].values["line"]) == ("completion", 3)


def test_an_error_in_a_cell_refuses_its_row(tmp_path):
    path = write_workbook(tmp_path / "a.xlsx", {"s": [HEAD, ["a", "#N/A"], ["b", "c"]]})
    found, _, rows = read(path)
    assert found == ["xlsx_error", {"prompt": "b", "completion": "c"}]
    assert (rows[0].field, rows[0].values["found"]) == ("completion", "#N/A")


@pytest.mark.parametrize(
    "number", ["123456789012345678901234567890", "-9223372036854775809", "9" * 5000, "1E999", "NaN"]
)
def test_a_number_that_json_cannot_hold_stands_as_it_is_written_and_the_import_goes_on(number, tmp_path):
    """64 bits hold -9223372036854775808 to 18446744073709551615."""
    path = write_workbook(tmp_path / "a.xlsx", {"s": [[*HEAD, "id"], ["a", "b", 777], ["c", "d", 888]]})
    written = {"777": number, "888": "18446744073709551615"}
    for old, new in written.items():
        replaced(path, SHEET, lambda xml, old=old, new=new: xml.replace(f"<v>{old}<".encode(), f"<v>{new}<".encode()))
    assert [row["id"] for row in read(path)[0]] == [number, 18446744073709551615]
    imported = import_file(tmp_path / "workspace", path)
    assert imported.error is None
    assert imported.report["understood"] == 2


def test_a_refused_row_is_kept_as_json_with_the_names_of_its_columns(tmp_path):
    rows = [[*HEAD, "column 4"], ["a", "#N/A", 1], ["b", "=1+1", 2], ["c", "d", 3, "e", "f"], ["g", "h", 4]]
    found = read(write_workbook(tmp_path / "a.xlsx", {"s": rows}))[2]
    assert [json.loads(row.raw) for row in found[:3]] == [
        {"prompt": "a", "completion": None, "column 4": 1},
        {"prompt": "b", "completion": None, "column 4": 2},
        {"prompt": "c", "completion": "d", "column 4": 3, "column 5": "f"} | {"column 3": "e"},
    ]
    assert [row.cause for row in found] == ["xlsx_error", "xlsx_formula", "csv_too_many_cells", None]


def test_texts_that_stand_once_for_all_cells_are_read_as_far_as_they_are_needed(tmp_path):
    path = write_shared_workbook(tmp_path / "a.xlsx", [HEAD, ["茶 & <b>", "a"], ["a", "茶 & <b>"]])
    assert read(path)[0] == [{"prompt": "茶 & <b>", "completion": "a"}, {"prompt": "a", "completion": "茶 & <b>"}]


def test_merged_cells_keep_their_value_once_and_it_is_said(tmp_path):
    book = openpyxl.Workbook()
    for row in (HEAD, ["a", "b"], ["x", "c"]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "a.xlsx")
    found, plan, _ = read(tmp_path / "a.xlsx")
    assert found == [{"prompt": "a", "completion": "b"}, {"prompt": None, "completion": "c"}]
    assert plan.notices == [("cells_merged", {"count": 1})]


def test_a_workbook_without_names_of_columns_and_one_with_cells_past_them(tmp_path):
    path = write_workbook(tmp_path / "a.xlsx", {"s": [["Where does the tea come from?", "From Uji."], ["a", "b"]]})
    found, plan, _ = read(path)
    assert plan.guesses["header"].reason == "header_prose"
    assert found[1] == {"column 1": "a", "column 2": "b"}
    path = write_workbook(tmp_path / "b.xlsx", {"s": [HEAD, ["a", "b", "c"], ["d"], [None, None], ["e", "f"]]})
    assert read(path)[0] == [
        "csv_too_many_cells",
        {"prompt": "d", "completion": None},
        {"prompt": "e", "completion": "f"},
    ]


def test_a_cell_at_the_far_corner_of_a_small_file_is_refused_with_its_place(tmp_path):
    """A dense table of this sheet would hold 17 thousand million cells."""
    book = openpyxl.Workbook()
    book.active.append(HEAD)
    book.active.cell(1_048_576, 16_384, "z")
    book.save(tmp_path / "a.xlsx")
    assert (tmp_path / "a.xlsx").stat().st_size < 10_000
    assert refusal(tmp_path / "a.xlsx")["column"] == 16_384


def test_a_row_past_the_last_that_excel_knows_is_refused(tmp_path):
    path = write_workbook(tmp_path / "a.xlsx", {"s": [HEAD, ["a", "b"]]})
    replaced(path, SHEET, lambda xml: xml.replace(b'<row r="2"', b'<row r="99999999999"').replace(b' r="A2"', b"").replace(b' r="B2"', b""))  # fmt: skip
    assert refusal(path)["cause"] == "xlsx_too_long"


def test_a_workbook_that_says_it_unpacks_too_far_is_refused_unread(tmp_path, monkeypatch):
    path = write_shared_workbook(tmp_path / "a.xlsx", [HEAD, ["a", "b" * 30_000]])
    monkeypatch.setattr(workbooks, "LARGEST_PART_BYTES", 20_000)
    with pytest.raises(FileTooLarge):
        read(path)
    monkeypatch.undo()
    monkeypatch.setattr(packing, "ALWAYS_ALLOWED_BYTES", 0)
    monkeypatch.setattr(packing, "MOST_TIMES_LARGER", 2)
    with pytest.raises(FileTooLarge):
        read(path)


def test_one_string_that_stands_in_every_row_is_bounded(tmp_path, monkeypatch):
    """The string stands once in the file; 300 rows of it are 9 MB."""
    path = write_shared_workbook(tmp_path / "a.xlsx", [HEAD, *[["a", "b" * 30_000]] * 300])
    monkeypatch.setattr(packing, "ALWAYS_ALLOWED_BYTES", 1_000_000)
    with pytest.raises(FileTooLarge) as refused:
        read(path)
    assert refused.value.values["limit_bytes"] > path.stat().st_size


@pytest.mark.parametrize(
    ("part", "content"),
    [
        (SHEET, b"<worksheet><sheetData><row"),
        (SHEET, b"no xml"),
        ("xl/workbook.xml", b"<workbook/>"),
        ("xl/styles.xml", b"<"),
        ("[Content_Types].xml", b""),
        ("xl/sharedStrings.xml", b"<sst></sst>"),
        ("xl/sharedStrings.xml", b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">' + b"".join(
            b'<!ENTITY %c "%b">' % (n, b"&%c;" % (n - 1) * 10) for n in range(99, 110)) + b"]><sst><si><t>&m;</t></si></sst>"),
    ],
)  # fmt: skip
def test_a_damaged_part_refuses_the_workbook_with_words(part, content, tmp_path):
    path = replaced(write_shared_workbook(tmp_path / "a.xlsx", [HEAD, ["a", "b"]]), part, lambda _: content)
    assert refusal(path)["cause"] in ("xlsx_damaged", "file_empty")


def test_the_first_rows_are_there_without_the_strings_of_the_later_ones(tmp_path):
    """The part with the strings is torn after two thirds, which only the rows after that meet."""
    rows = [HEAD, *[[f"question {n}", f"answer {n}"] for n in range(300)]]
    path = write_shared_workbook(tmp_path / "a.xlsx", rows)
    replaced(path, "xl/sharedStrings.xml", lambda xml: xml[: len(xml) * 2 // 3])
    found = preview_rows(plan_reading(path, path.name), 50, within_s=60)
    assert [row.fields["completion"] for row in found] == [f"answer {n}" for n in range(50)]
    assert refusal(path)["cause"] == "xlsx_damaged"
