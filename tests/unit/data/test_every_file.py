"""Every file of the real inputs, imported: rows add up, counts are those of the index, oracles agree."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from studio.data.rows import RawRow
from studio.data.sources import plan_reading
from studio.errors import FileUnreadable, StudioError
from studio.words import catalogue
from tests.conftest import PROJECT
from tests.every_file import Outcome, file_names, import_outcome, render_table

DATA = Path(os.environ.get("WHETSTONE_DATA") or PROJECT.parent / "shared" / "data")
NAMES = file_names(DATA) if DATA.is_dir() else ["-"]


@pytest.fixture(scope="module")
def outcome_of(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    """What became of a file; each is imported once."""
    workspace = tmp_path_factory.mktemp("workspace")
    return cache(lambda name: import_outcome(workspace, shared_data, name))


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_accounted_for_row_by_row_or_refused_with_words(name, outcome_of):
    outcome = outcome_of(name)
    imported, report = outcome.imported, outcome.imported.report
    assert report["read"] == report["understood"] + report["refused"]
    assert all(f"refused.{cause}" in catalogue("ja") for cause in report["causes"])
    assert all(f"notice.{notice['code']}" in catalogue("ja") for notice in report["notices"])
    assert all(f"choice.{guess['reason']}" in catalogue("ja") for guess in report["guesses"].values())
    if imported.error is None:
        assert report["understood"] == len(imported.rows())
        assert report["refused"] == len(imported.refused())
        return
    assert isinstance(imported.error, StudioError), imported.error
    assert not imported.path.exists()
    if isinstance(imported.error, FileUnreadable):
        assert f"unreadable.{imported.error.values['cause']}" in catalogue("ja")
    if name.endswith(".xls"):
        assert imported.error.values["cause"] == "is_xls"


def indexed() -> list[tuple[str, int]]:
    """The files of which the index counts rows."""
    if not DATA.is_dir():
        return [("-", 0)]
    with (DATA / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file, delimiter="\t")
        return [(line["file"], int(line["rows"])) for line in lines if line["rows"].isdigit()]


@pytest.mark.parametrize(("name", "rows"), indexed())
def test_a_file_holds_as_many_rows_as_the_index_says(name, rows, outcome_of):
    """Among them IFEval, BBH, JGLUE, MMLU, JMMLU, the entities and banking77 with its line feeds inside of fields."""
    outcome = outcome_of(name)
    assert outcome.rows == rows
    if outcome.error is None:
        assert (outcome.understood, outcome.refused) == (rows, 0)


FOLDERS_UNDERSTOOD = ("banking77/train", "bbh/", "gsm8k/", "humaneval/", "ifeval/", "instruct_en/", "instruct_ja/",
                      "jglue/", "jmmlu/", "mgsm/", "mmlu/", "ner_ja/", "nlupp/hotels/", "parquet/", "pref_en/", "pref_ja/",
                      "text/")  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(FOLDERS_UNDERSTOOD)])
def test_real_training_data_is_understood_to_the_last_row(name, outcome_of):
    outcome = outcome_of(name)
    assert (outcome.error, outcome.refused) == (None, 0)
    assert outcome.understood


def test_the_five_containers_of_the_same_dialogues_give_identical_records(outcome_of):
    """CP932 lacks a character of one dialogue, whose row its file leaves out, and has U+FF5E for the wave dash."""
    records = {
        name: outcome_of(f"instruct_ja/{name}").imported.records()
        for name in ("messages_a.jsonl", "sharegpt_a.json", "alpaca_a.json", "utf8bom_crlf_a.csv", "cp932_crlf_a.csv")
    }
    cp932 = records.pop("cp932_crlf_a.csv")
    oracle = records["messages_a.jsonl"]
    assert len(oracle) == 400
    assert all(found == oracle for found in records.values())
    in_cp932 = [str(record).replace("\N{WAVE DASH}", "\N{FULLWIDTH TILDE}") for record in oracle]
    assert len(cp932) == 399
    missing = next(n for n, text in enumerate(in_cp932) if n == len(cp932) or str(cp932[n]) != text)
    del in_cp932[missing]
    assert [str(record) for record in cp932] == in_cp932
    with pytest.raises(UnicodeEncodeError):
        str(oracle[missing]).replace("\N{WAVE DASH}", "\N{FULLWIDTH TILDE}").encode("cp932")


@pytest.mark.parametrize(
    ("name", "understood", "causes"),
    [
        ("gsm8k_crlf_bom.jsonl", 660, {}),
        ("gsm8k_notjson_lines.jsonl", 196, {"json_syntax": 4}),
        ("gsm8k_truncated.jsonl", 177, {"json_torn": 1}),
    ],
)
def test_broken_json_lines_lose_the_broken_rows_only(name, understood, causes, outcome_of):
    """Counted with Python's json, line by line: 660, 196 + 4 that are no JSON (+ 4 blank), 177 + 1 torn."""
    outcome = outcome_of(f"dirty/{name}")
    assert (outcome.understood, outcome.causes) == (understood, causes)


# csv-spectrum ---------------------------------------------------------------------------------------------------------

SPECTRUM = ["comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "location_coordinates", "newlines",
            "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8"]  # fmt: skip


def rows_of(path: Path) -> list[RawRow]:
    return list(plan_reading(path, path.name).rows())


def spectrum_expected(name: str, folder: Path) -> list[dict[str, str]]:
    """The expected rows, with two faults of the copy mended: one file expects CRLF where its CSV holds LF only, one
    expects a phone number that its CSV does not hold, and no list around the row."""
    found = json.loads((folder / "json" / f"{name}.json").read_text("utf-8"))
    rows = found if isinstance(found, list) else [found]
    if name == "newlines_crlf" and b"\r\n" not in (folder / "csvs" / f"{name}.csv").read_bytes():
        rows = [{key: value.replace("\r\n", "\n") for key, value in row.items()} for row in rows]
    if name == "location_coordinates":
        assert rows[0]["Contact Phone Number"] == "1234567890"
        rows[0]["Contact Phone Number"] = "2095257564"
    return rows


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum_reads_as_its_authors_expect(name, shared_data):
    folder = shared_data / "dirty" / "csv_spectrum"
    rows = rows_of(folder / "csvs" / f"{name}.csv")
    assert [row.cause for row in rows] == [None] * len(rows)
    assert [row.fields for row in rows] == spectrum_expected(name, folder)


# Workbooks and packed files against the same rows as CSV -------------------------------------------------------------

PAIRS = [
    ("dummy.xlsx", "dummy.csv"),
    ("test.xlsx", "testxlsx_noinference_converted.csv"),
    ("dummy.csv.gz", "dummy.csv"),
]


@pytest.mark.parametrize(("name", "converted"), PAIRS)
def test_a_workbook_or_packed_file_holds_what_its_authors_converted_it_to(name, converted, shared_data):
    """csvkit writes True and 1; times with a space. Its last column `h` holds a letter past the header, which refuses
    that row here."""
    folder = shared_data / "dirty" / "csvkit"
    found = [row for row in rows_of(folder / name) if row.fields is not None]
    expected = [row.fields for row in rows_of(folder / converted)]
    for row in found:
        wanted = expected[row.number - 1]
        for column, value in row.fields.items():
            assert ("" if value is None else str(value).replace("T", " ") if column == "datetime" else str(value)) == wanted[column]  # fmt: skip


def test_the_table_of_every_file_says_each_of_them_and_adds_up(outcome_of):
    """A script of its own, `python -m tests.bench every_file`, prints it for RESULTS.md."""
    outcomes = [outcome_of(name) for name in NAMES if name.startswith("instruct_ja/")]
    lines = render_table(outcomes)
    print("\n".join(lines))
    assert len(lines) == 2 + len(outcomes)
    assert sum(int(line.split("|")[2].replace(",", "")) for line in lines[2:]) == 6 * 400 - 1
