"""CSV and Parquet as they really come: quotes, ragged rows, strange headers, damaged pages, sizes told in advance."""

from __future__ import annotations

import datetime
import decimal
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.data.containers import csv as csv_container
from studio.data.containers import parquet as parquet_container
from studio.data.sources import DELIMITERS, plan_reading
from studio.errors import FileTooLarge, FileUnreadable


def read(folder: Path, text: str, **chosen):
    (folder / "file.csv").write_bytes(text.encode())
    plan = plan_reading(folder / "file.csv", "file.csv", **chosen)
    return [row.fields if row.cause is None else row.cause for row in plan.rows()], plan


def test_a_quote_that_is_never_closed_refuses_its_own_line_and_no_other(tmp_path):
    found, _ = read(tmp_path, 'a,b\n1,2\n"3,4\n5,6\n7,8\n')
    assert found == [{"a": "1", "b": "2"}, "csv_quote_open", {"a": "5", "b": "6"}, {"a": "7", "b": "8"}]


def test_a_quote_that_swallows_up_to_the_next_one_refuses_one_line(tmp_path):
    found, _ = read(tmp_path, 'a,b\n"1,2\n3,4\n"5",6\n"7",8\n')
    assert found == ["csv_quote", {"a": "3", "b": "4"}, {"a": "5", "b": "6"}, {"a": "7", "b": "8"}]


def test_text_after_a_closing_quote_is_refused(tmp_path):
    assert read(tmp_path, 'a,b\n"x"y,2\n3,4\n')[0] == ["csv_quote", {"a": "3", "b": "4"}]


def test_quotes_inside_unquoted_cells_stay_as_they_are(tmp_path):
    assert read(tmp_path, 'a,b\n5" pipe,6\n')[0] == [{"a": '5" pipe', "b": "6"}]


def test_an_endless_quote_is_called_unclosed_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_container, "_MOST_LINES_IN_A_ROW", 5)
    found, _ = read(tmp_path, 'a,b\n"1,2\n' + "3,4\n" * 20 + '"5",6\n')
    assert found == ["csv_quote_open", *[{"a": "3", "b": "4"}] * 20, {"a": "5", "b": "6"}]


def test_ragged_rows_are_refused_and_empty_cells_past_the_end_are_not(tmp_path):
    """A cell too many or too few means that a delimiter or a quote went wrong: which cell is whose is a guess."""
    found, plan = read(tmp_path, "a,b\n1,2,,\n1,2,3\n1\n,\n\n4,5\n")
    assert found == [
        {"a": "1", "b": "2"},
        "csv_too_many_cells",
        "csv_too_few_cells",
        {"a": "", "b": ""},
        {"a": "4", "b": "5"},
    ]
    assert plan.source.notices == [("blank_lines", {"count": 1})]


def test_every_column_keeps_a_name_of_its_own_and_the_change_is_said(tmp_path):
    found, plan = read(tmp_path, "a,a,,b,,\n1,2,3,4,,\n")
    assert found == [{"a": "1", "a (2)": "2", "column 3": "3", "b": "4"}]
    assert [values["name"] for code, values in plan.source.notices if code == "column_renamed"] == ["a (2)", "column 3"]


@pytest.mark.parametrize("text", ['"a', ",,\n1,2,3\n", 'a"b\n"x'])
def test_a_header_that_names_no_columns_refuses_the_file(text, tmp_path):
    if text.startswith("a"):
        assert read(tmp_path, text)[0] == ["csv_quote_open"]
        return
    with pytest.raises(FileUnreadable) as refused:
        read(tmp_path, text)
    assert refused.value.values["cause"] == "csv_header"


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_delimiter_is_found_with_its_reason_and_can_be_chosen(delimiter, tmp_path):
    text = f"prompt{delimiter}completion\nHello, you; there{delimiter}Hi\nYes{delimiter}No\n".replace(
        f"Hello{delimiter} you", "Hello you"
    ).replace(f"you{delimiter} there", "you there")
    found, plan = read(tmp_path, text)
    assert (plan.source.delimiter, plan.guesses["delimiter"].reason) == (delimiter, "delimiter_consistent")
    assert [row["completion"] for row in found] == ["Hi", "No"]
    other = next(d for d in DELIMITERS if d != delimiter)
    assert read(tmp_path, text, delimiter=other)[1].guesses["delimiter"].reason == "chosen_by_person"


def test_old_macintosh_line_ends_and_zero_bytes_are_read(tmp_path):
    assert read(tmp_path, "a,b\r1,2\r3,\x004\r", container="csv", encoding="utf-8")[0] == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": "\x004"},
    ]


# Parquet --------------------------------------------------------------------------------------------------------------


def read_parquet(folder: Path, table: pa.Table, **options):
    pq.write_table(table, folder / "file.parquet", **options)
    plan = plan_reading(folder / "file.parquet", "file.parquet")
    return list(plan.rows()), plan


def test_binary_columns_are_text_where_they_are_utf8_and_refused_where_not(tmp_path):
    rows, _ = read_parquet(tmp_path, pa.table({"a": pa.array(["茶".encode(), b"x\xff"], pa.binary()), "n": [1, 2]}))
    assert rows[0].fields == {"a": "茶", "n": 1}
    assert (rows[1].cause, rows[1].field, rows[1].values) == ("undecodable", "a", {"byte": "0xff", "position": 2})


def test_two_columns_of_one_name_are_both_kept(tmp_path):
    rows, plan = read_parquet(tmp_path, pa.table([[1], [2]], names=["a", "a"]))
    assert rows[0].fields == {"a": 1, "a (2)": 2}
    assert plan.source.notices[0][0] == "column_renamed"


@pytest.mark.parametrize(
    ("limit", "value", "cause"),
    [
        ("MOST_ROWS", 9, "parquet_rows"),
        ("MOST_COLUMNS", 1, "parquet_columns"),
        ("LARGEST_GROUP_BYTES", 10, "parquet_group_bytes"),
    ],
)
def test_a_size_that_the_file_itself_tells_is_refused_before_a_row_is_read(limit, value, cause, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_container, limit, value)
    monkeypatch.setattr(parquet_container, "_read_batches", None)
    with pytest.raises(FileUnreadable) as refused:
        read_parquet(tmp_path, pa.table({"a": list(range(10)), "b": ["x"] * 10}))
    assert refused.value.values["cause"] == cause


def test_a_small_file_that_unpacks_to_much_is_stopped_at_its_first_rows(tmp_path, monkeypatch):
    """A dictionary holds the long text once: 2 kB on disk, 25 MB as rows."""
    monkeypatch.setattr(parquet_container, "LARGEST_BATCH_BYTES", 1_000_000)
    with pytest.raises(FileUnreadable) as refused:
        read_parquet(tmp_path, pa.table({"a": ["x" * 100_000] * 256}), compression="zstd")
    assert refused.value.values["cause"] == "parquet_batch_bytes"
    assert (tmp_path / "file.parquet").stat().st_size < 100_000


def test_a_text_that_stands_once_and_is_said_a_thousand_times_is_never_written_out(tmp_path):
    """A dictionary of one text of 20 MB: 256 rows of it would be 5 GB, ten times what a batch may hold."""
    before = pa.default_memory_pool().max_memory()
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["x" * 20_000_000]))
    with pytest.raises(FileUnreadable) as refused:
        read_parquet(tmp_path, pa.table({"a": values}), compression="zstd")
    assert refused.value.values["cause"] == "parquet_batch_bytes"
    assert refused.value.values["found"] > 5_000_000_000
    assert (tmp_path / "file.parquet").stat().st_size < 100_000
    assert pa.default_memory_pool().max_memory() - before < 200_000_000


def test_all_that_a_small_file_unpacks_to_is_bounded_too(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.data.packing.ALWAYS_ALLOWED_BYTES", 1_000_000)
    with pytest.raises(FileTooLarge) as refused:
        read_parquet(tmp_path, pa.table({"a": ["x" * 1_000] * 5_000}), compression="zstd")
    assert refused.value.values["bytes"] > refused.value.values["limit_bytes"]


def test_a_date_that_no_calendar_here_holds_refuses_its_row_alone(tmp_path):
    days = pa.array([0, 200_000 * 365, 1], pa.int32()).cast(pa.date32())
    rows, _ = read_parquet(tmp_path, pa.table({"day": days, "n": [1, 2, 3]}))
    assert [row.fields or row.cause for row in rows] == [
        {"day": "1970-01-01", "n": 1},
        "parquet_value",
        {"day": "1970-01-02", "n": 3},
    ]


def test_a_row_longer_than_any_may_be_is_refused_and_the_others_are_read(tmp_path):
    rows, _ = read_parquet(tmp_path, pa.table({"a": ["x", "y" * 9_000_000, "z"]}))
    assert [row.cause for row in rows] == [None, "row_too_long", None]


def test_row_groups_come_one_after_another_in_order(tmp_path):
    rows, plan = read_parquet(tmp_path, pa.table({"n": list(range(1000))}), row_group_size=70)
    assert [row.fields["n"] for row in rows] == list(range(1000))
    assert (rows[-1].number, plan.source.total_rows) == (1000, 1000)


def test_a_cut_file_is_refused_as_a_whole(tmp_path):
    pq.write_table(pa.table({"n": list(range(1000))}), path := tmp_path / "file.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FileUnreadable) as refused:
        list(plan_reading(path, "file.parquet").rows())
    assert refused.value.values["cause"] == "parquet_damaged"


def test_numbers_that_are_none_are_read_as_missing_and_counted(tmp_path):
    """Two on their own, one in a list."""
    values = {"n": [float("nan"), float("inf"), 1.5], "l": [[1.0], [float("nan"), 2.0], []]}
    rows, plan = read_parquet(tmp_path, pa.table(values))
    assert [row.fields for row in rows] == [{"n": None, "l": [1.0]}, {"n": None, "l": [None, 2.0]}, {"n": 1.5, "l": []}]
    assert plan.notices == [("numbers_not_finite", {"count": 3})]


def test_a_refused_row_of_a_parquet_file_is_kept_as_json(tmp_path):
    days = pa.array([1, 2**31 - 1], pa.int32()).cast(pa.date32())
    table = pa.table({
        "a": pa.array([b"x\x96", b"y"], pa.binary()), "day": days, "when": [datetime.time(9, 30)] * 2,
        "n": [decimal.Decimal("1.50")] * 2, "l": [[{"b": "茶"}]] * 2, "f": [float("nan")] * 2,
    })  # fmt: skip
    pq.write_table(table, path := tmp_path / "file.parquet")
    found = list(plan_reading(path, "file.parquet").rows())
    beside = {"when": "09:30:00", "n": "1.50", "l": [{"b": "茶"}], "f": None}
    assert [row.cause for row in found] == ["undecodable", "parquet_value"]
    assert json.loads(found[0].raw) == {"a": "x\\x96", "day": "1970-01-02"} | beside
    assert json.loads(found[1].raw) == {"a": "y", "day": None} | beside
