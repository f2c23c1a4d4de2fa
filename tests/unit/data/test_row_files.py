"""Rows as files: what is written is read back as the same record, and no cell is taken for a formula."""

from __future__ import annotations

import csv
import io

import pyarrow.parquet as pq
import pytest

from studio.data.formats import FORMATS
from studio.data.row_files import CSV, FORMS, JSONL, Columns, find_row, neutral_cell, open_row_file, typed_row


@pytest.mark.parametrize("plug", list(FORMATS), ids=lambda plug: plug.name)
@pytest.mark.parametrize("form", FORMS)
def test_a_row_is_only_written_where_it_reads_back_as_its_record(plug, form):
    """What a format cannot say is None, never another record; its own example it can always say in JSON."""
    row = find_row(plug, plug.example.record, form)
    assert row is not None or form == CSV
    if form == CSV and row is not None:
        assert all(isinstance(value, str) for value in row.values())


@pytest.mark.parametrize("record", [{"text": "A page."}, {"messages": [{"role": "user", "content": "Hm"}] * 3}])
def test_a_record_of_another_kind_cannot_be_said(record):
    assert find_row(FORMATS["preference"], record, JSONL) is None
    assert find_row(FORMATS["alpaca"], record, JSONL) is None


@pytest.mark.parametrize(
    "text", ["=1+1", "+81 3", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "\ufeff=1", "＝1", "＋1", "－1", "＠A"]
)
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(text):
    assert neutral_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=b", "'=1", " =1", "営業時間", "５＋５"])
def test_other_cells_stay_as_they_are(text):
    assert neutral_cell(text) == text


def write(path, form, rows, with_bom=False):
    columns = Columns()
    for row in rows:
        columns.add(row)
    file = open_row_file(path, form, columns, with_bom)
    file.write([typed_row(row, columns.kinds()) for row in rows] if form == "parquet" else rows)
    file.close()
    return file


def test_a_csv_file_neutralises_its_cells_and_its_header_and_counts_the_cells(tmp_path):
    file = write(
        tmp_path / "rows.csv", CSV, [{"=q": "=cmd()", "a": 'says "hi",\nthen leaves'}, {"a": "-1", "c": [1]}], True
    )
    raw = (tmp_path / "rows.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") and file.neutralised == 2
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert rows == [["'=q", "a", "c"], ["'=cmd()", 'says "hi",\nthen leaves', ""], ["", "'-1", "[1]"]]


def test_a_parquet_file_has_one_type_a_column_and_mixed_sides_become_messages(tmp_path):
    said = [{"role": "assistant", "content": "Yes."}]
    rows = [
        {"prompt": "Open?", "chosen": said, "margin": 1, "calls": {"a": 1}, "label": ["x"], "ok": True, "none": None},
        {"prompt": "Open?", "chosen": "Yes.", "margin": 0.5, "calls": [1], "label": ["y", "z"], "ok": False},
    ]
    write(tmp_path / "rows.parquet", "parquet", rows)
    assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == [
        {**rows[0], "margin": 1.0, "calls": '{"a":1}'},
        {**rows[1], "chosen": said, "calls": "[1]", "none": None},
    ]
