"""Tables of text: how cells are quoted and whether the first row names the columns, found with the reason or chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.containers.csv import QUOTINGS
from studio.data.headers import HEADERS, guess_header
from studio.data.sources import plan_reading
from studio.errors import OptionsInvalid
from studio.words import catalogue


def read(folder: Path, text: str, **chosen: str):
    (folder / "file.csv").write_bytes(text.encode())
    plan = plan_reading(folder / "file.csv", "file.csv", **chosen)
    return [row.fields if row.cause is None else row.cause for row in plan.rows()], plan


@pytest.mark.parametrize(
    ("text", "quoting", "reason", "cells"),
    [
        ('prompt,completion\n"a, ""b""",c\n"d",e\n', "doubled", "quoting_doubled", ('a, "b"', "c")),
        ('prompt,completion\n"a, \\"b\\"",c\n"d, \\"e\\", f",g\n', "escaped", "quoting_escaped", ('a, "b"', "c")),
        ("prompt,completion\n'a, b','c'\n'd','e'\n", "single", "quoting_single", ("a, b", "c")),
        ('prompt\tcompletion\n"a\tb\n"c" he said\td\n"e" and\tf\n', "none", "quoting_none", ('"a', "b")),
        ("prompt,completion\na,b\nit's,don't\n", "doubled", "quoting_usual", ("a", "b")),
    ],
)
def test_the_quoting_is_found_with_its_reason(text, quoting, reason, cells, tmp_path):
    found, plan = read(tmp_path, text)
    guess = plan.guesses["quoting"]
    assert (guess.value, guess.reason, guess.among) == (quoting, reason, QUOTINGS)
    assert f"choice.{reason}" in catalogue("ja")
    assert tuple(found[0].values()) == cells
    assert all(isinstance(row, dict) for row in found)


def test_another_quoting_can_be_chosen(tmp_path):
    text = "a,b\n\"x\",'y'\n"
    found = {name: read(tmp_path, text, quoting=name)[0] for name in QUOTINGS}
    assert found["doubled"] == found["escaped"] == [{"a": "x", "b": "'y'"}]
    assert found["single"] == [{"a": '"x"', "b": "y"}]
    assert found["none"] == [{"a": '"x"', "b": "'y'"}]
    with pytest.raises(OptionsInvalid):
        read(tmp_path, text, quoting="other")


@pytest.mark.parametrize(
    ("rows", "header", "reason"),
    [
        ([["prompt", "completion"], ["a", "b"]], "first_row", "header_usual_name"),
        ([["foo", "bar"], ["a", "b"]], "first_row", "header_likely"),
        ([["1", "2.5"], ["3", "4"]], "none", "header_numbers"),
        ([["Where does the best tea come from?", "Uji"], ["a", "b"]], "none", "header_prose"),
        ([["日本で一番有名なお茶は何ですか。", "煎茶"], ["a", "b"]], "none", "header_prose"),
        (
            [
                ["Timestamp", "What is your favourite tea?"],
                *[[f"2026/11/{n} 9:30:00", "Sencha"] for n in range(10, 15)],
            ],
            "first_row",
            "header_above_numbers",
        ),
        (
            [["What is two and two, please?", "4"], ["Three?", "3"], ["Four?", "4"], ["One?", "1"]],
            "none",
            "header_prose",
        ),
        ([["x", "D"], *[[f"q{n}", "ABCD"[n % 4]] for n in range(12)]], "none", "header_repeats"),
        ([["country", "2010", "2011"], ["Japan", "1", "2"]], "first_row", "header_likely"),
        ([["a", "b", "c"], ["1", "b", "c"], ["2", "b", "c"]], "first_row", "header_likely"),
        ([], "first_row", "header_likely"),
    ],
)
def test_the_first_row_names_the_columns_unless_it_reads_like_the_others(rows, header, reason):
    guess = guess_header(rows)
    assert (guess.value, guess.reason, guess.among) == (header, reason, HEADERS)
    assert f"choice.{reason}" in catalogue("ja")


def test_without_a_header_columns_are_numbered_and_no_row_is_lost(tmp_path):
    found, plan = read(tmp_path, "1,2\n3,4\n5,6,7\n")
    assert found == [{"column 1": "1", "column 2": "2"}, {"column 1": "3", "column 2": "4"}, "csv_too_many_cells"]
    assert plan.notices == [("columns_numbered", {"columns": 2})]
    assert read(tmp_path, "1,2\n3,4\n", header="first_row")[0] == [{"1": "3", "2": "4"}]
    assert read(tmp_path, "prompt,completion\na,b\n", header="none")[0][0] == {
        "column 1": "prompt",
        "column 2": "completion",
    }


def test_what_a_container_does_not_ask_is_no_choice_of_it(tmp_path):
    """A sheet chosen for a table of text changes nothing; a word that is no choice is refused."""
    assert read(tmp_path, "prompt,completion\na,b\n", sheet="x")[0] == [{"prompt": "a", "completion": "b"}]
    with pytest.raises(OptionsInvalid) as refused:
        read(tmp_path, "a,b\n1,2\n", header="second", flavour="green")
    assert [problem["field"] for problem in refused.value.problems] == ["header", "flavour"]


def test_a_first_row_with_bytes_that_are_no_text_is_told_without_them(tmp_path):
    """A report holds text alone; the row itself is refused with its byte."""
    (tmp_path / "file.csv").write_bytes(b"Where does \xff the best tea of all come from?,x\na,b\n")
    plan = plan_reading(tmp_path / "file.csv", "file.csv", encoding="utf-8")
    assert "\ufffd" in plan.guesses["header"].values["found"]
    assert [row.cause for row in plan.rows()] == ["undecodable", None]
