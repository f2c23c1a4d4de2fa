"""Refused rows after the import: mended into their place, left out by somebody, taken back, and always adding up."""

from __future__ import annotations

import orjson
import pytest

from studio.errors import NotYours, RecordInvalid, RequestRefused
from studio.people import person_from
from studio.services.dataset_bulk import Bulk
from studio.services.datasets import Datasets
from studio.services.refusals import Refusals
from studio.store.dataset_file import open_dataset
from studio.store.table import Table
from tests.dataset_jobs import Imported, NoQueue, conversation, import_file

ROWS = [
    '{"prompt": "one", "completion": "1"}',
    '{"prompt": "two", "completion": ""}',
    '{"prompt": "three", "completion": "3"}',
    '{"prompt": "four" "completion": "4"}',
    "nonsense",
]


@pytest.fixture
def made(person, tmp_path) -> Imported:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(ROWS) + "\n", "utf-8")
    return import_file(person.workspace, path)


@pytest.fixture
def datasets(settings) -> Datasets:
    return Datasets(settings, NoQueue())


@pytest.fixture
def refusals(datasets) -> Refusals:
    return Refusals(datasets)


def texts(made: Imported) -> list[str]:
    return [record["messages"][0]["content"] for record in made.records()]


def test_a_mended_row_takes_its_place_and_undo_and_redo_move_it_between_the_counts(datasets, refusals, person, made):
    """Rows 1 and 3 were understood, rows 2, 4 and 5 refused."""
    bulk = Bulk(datasets, NoQueue())
    counts = lambda: tuple(refusals.page(person, made.dataset_id, 1)["counts"].values())  # noqa: E731
    assert counts() == (3, 3, 0, 0) and texts(made) == ["one", "three"]
    first = refusals.page(person, made.dataset_id, 1)["rows"][0]
    opened = refusals.open(person, made.dataset_id, first["refused_id"])
    assert opened["text"] == ROWS[1] + "\n" and opened["field"] == "completion"
    mended = opened["text"].replace('""', '"2"')
    assert refusals.attempt(person, made.dataset_id, opened["text"], False)["problem"] == "The text is empty."
    assert refusals.attempt(person, made.dataset_id, mended, False)["kind"] == "conversation"
    assert counts() == (3, 3, 0, 0), "an attempt keeps nothing"
    row_id = refusals.mend(person, made.dataset_id, first["refused_id"], "m1", mended, False)
    assert refusals.mend(person, made.dataset_id, first["refused_id"], "m1", mended, False) == row_id
    assert counts() == (3, 2, 1, 0) and texts(made) == ["one", "two", "three"]
    assert datasets.row(person, made.dataset_id, row_id)["meta"] == {"row": 2, "mended": True}
    assert bulk.history(person, made.dataset_id)[0]["action"] == "mend"
    bulk.undo(person, made.dataset_id, "u1")
    assert counts() == (3, 3, 0, 0) and texts(made) == ["one", "three"]
    bulk.redo(person, made.dataset_id, "r1")
    assert counts() == (3, 2, 1, 0) and texts(made) == ["one", "two", "three"]
    bulk.undo(person, made.dataset_id, "u2")
    again = refusals.mend(person, made.dataset_id, first["refused_id"], "m2", mended.replace('"2"', '"zwei"'), False)
    assert again == row_id and counts() == (3, 2, 1, 0)
    assert datasets.row(person, made.dataset_id, row_id)["record"]["messages"][1]["content"] == "zwei"
    assert datasets.info(person, made.dataset_id)["refused"] == 2


def test_a_row_is_written_as_a_record_where_its_text_is_beyond_help(datasets, refusals, person, made):
    record = orjson.dumps(conversation("five", "5")).decode()
    refused_id = refusals.page(person, made.dataset_id, 1)["rows"][2]["refused_id"]
    assert refusals.attempt(person, made.dataset_id, "nonsense", True)["problem"]
    assert refusals.attempt(person, made.dataset_id, '{"messages": []}', True)["field"] == "messages"
    refusals.mend(person, made.dataset_id, refused_id, "m", record, True)
    assert texts(made) == ["one", "three", "five"]


def test_what_is_still_not_understood_is_refused_again_and_nothing_changes(refusals, person, made):
    refused_id = refusals.page(person, made.dataset_id, 1)["rows"][1]["refused_id"]
    for text, as_record in ((ROWS[3], False), ("", False), ("[1]", False), ('{"prompt": NaN}', False), ("{}", True)):
        with pytest.raises(RecordInvalid) as wrong:
            refusals.mend(person, made.dataset_id, refused_id, "m", text, as_record)
        assert "\ufffd" not in wrong.value.message("ja") and "{" not in wrong.value.message("en")
    with pytest.raises(RequestRefused):
        refusals.mend(person, made.dataset_id, refused_id, "m", "x" * 2_000_000, False)
    assert refusals.page(person, made.dataset_id, 1)["counts"]["open"] == 3 and len(made.rows()) == 2


def test_rows_are_left_out_by_somebody_at_a_time_and_taken_back(refusals, person, made):
    first, second, third = refusals.page(person, made.dataset_id, 1)["rows"]
    refusals.leave_out(person, made.dataset_id, first["refused_id"])
    refusals.leave_out(person, made.dataset_id, first["refused_id"])
    row = refusals.page(person, made.dataset_id, 1)["rows"][0]
    assert (row["state"], row["person"]) == ("left_out", "local") and row["time"].endswith("Z")
    assert refusals.leave_out_all(person, made.dataset_id, third["cause"]) == 2, "both rows are no JSON"
    assert refusals.page(person, made.dataset_id, 1)["counts"] == {"all": 3, "open": 0, "mended": 0, "left_out": 3}
    refusals.reopen(person, made.dataset_id, first["refused_id"])
    refusals.mend(person, made.dataset_id, first["refused_id"], "m", ROWS[1].replace('""', '"2"'), False)
    for deed in (refusals.leave_out, lambda *asked: refusals.mend(*asked, "other", ROWS[0], False)):
        with pytest.raises(NotYours):
            deed(person, made.dataset_id, first["refused_id"])
    assert refusals.leave_out_all(person, made.dataset_id, None) == 0
    assert refusals.page(person, made.dataset_id, 1)["counts"] == {"all": 3, "open": 0, "mended": 1, "left_out": 2}
    assert second["refused_id"] == 2


def test_a_cell_of_a_table_is_mended_by_the_name_of_its_column(refusals, person, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("instruction;output\nA;1\nB;\nC\n", "utf-8")
    made = import_file(person.workspace, path)
    empty, short = refusals.page(person, made.dataset_id, 1)["rows"]
    opened = refusals.open(person, made.dataset_id, empty["refused_id"])
    assert orjson.loads(opened["text"]) == {"instruction": "B", "output": ""}
    refusals.mend(person, made.dataset_id, empty["refused_id"], "m1", '{"instruction": "B", "output": "2"}', False)
    assert refusals.open(person, made.dataset_id, short["refused_id"])["text"].strip() == "C"
    refusals.mend(person, made.dataset_id, short["refused_id"], "m2", 'C;"3; or 4"', False)
    assert [record["messages"][1]["content"] for record in made.records()] == ["1", "2", "3; or 4"]


def test_a_dataset_that_was_mapped_mends_by_its_mapping_and_keeps_it(refusals, person, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("front,back,level\nsencha,tea,easy\n,powder,hard\n", "utf-8")
    roles = {"user": {"text": "What is {front}?"}, "assistant": {"column": "back"}}
    mapping = {"kind": "conversation", "roles": roles | {"system": {"column": "front"}}, "tags": ["level"]}
    made = import_file(person.workspace, path, mapping=mapping)
    assert made.report["understood"] == 2, "an empty front leaves the system text out"
    with open_dataset(made.path) as connection:
        assert Table(connection).fact("reading")["mapping"] == mapping
        assert connection.execute("SELECT row_id, tag FROM row_tags ORDER BY row_id").fetchall()[0][1] == "easy"
    assert refusals.attempt(person, made.dataset_id, "a,b,c", False)["record"]["messages"][1]["content"] == "What is a?"


def test_a_mended_row_keeps_its_other_fields_and_its_tags_as_the_import_would_have_kept_them(
    datasets, refusals, person, tmp_path
):
    path = tmp_path / "t.csv"
    path.write_text("front,back,level,source\nsencha,tea,easy,shop\nmatcha,,hard,web\ngyokuro,,hard,web\n", "utf-8")
    roles = {"user": {"column": "front"}, "assistant": {"column": "back"}}
    made = import_file(person.workspace, path, mapping={"kind": "conversation", "roles": roles, "tags": ["level"]})
    bulk = Bulk(datasets, NoQueue())

    def mended(refused_id: int, deed: str, text: str) -> tuple[dict, list[str]]:
        row = datasets.row(
            person, made.dataset_id, refusals.mend(person, made.dataset_id, refused_id, deed, text, False)
        )
        return row["meta"], row["tags"]

    meta, tags = mended(1, "m1", "matcha,powder,hard,web")
    assert (meta, tags) == ({"row": 2, "mended": True, "fields": {"source": "web"}}, ["hard"])
    bulk.undo(person, made.dataset_id, "u1")
    meta, tags = mended(1, "m2", '{"front": "matcha", "back": "powder", "level": "easy", "source": "letter"}')
    assert (meta["fields"], tags) == ({"source": "letter"}, ["easy"])
    with open_dataset(made.path) as connection:  # as one of an older version, which did not keep its place
        connection.execute("UPDATE refused SET place = NULL")
    meta, tags = mended(2, "m3", "gyokuro,green tea,hard,web")
    assert (meta["fields"], tags) == ({"source": "web"}, ["hard"])
    bulk.undo(person, made.dataset_id, "u2")
    assert [row["tags"] for row in datasets.page(person, made.dataset_id, {"page": 1, "page_size": 9})["rows"]] == [
        ["easy"],
        ["easy"],
    ]


def test_a_row_that_is_too_long_to_be_kept_can_only_be_written_anew_or_left_out(refusals, person, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"prompt": "a", "completion": "b"}\n{"prompt": "' + "x" * 400_000 + '", "completion": ""}\n', "utf-8"
    )
    made = import_file(person.workspace, path)
    (row,) = refusals.page(person, made.dataset_id, 1)["rows"]
    assert not row["is_whole"] and len(row["raw"]) <= 2000
    assert refusals.open(person, made.dataset_id, row["refused_id"])["text"] == ""


def test_nobody_mends_anothers_rows(refusals, person, settings, made):
    other = person_from("mori", {}, {}, settings)
    for deed in (
        lambda: refusals.page(other, made.dataset_id, 1),
        lambda: refusals.mend(other, made.dataset_id, 1, "m", ROWS[0], False),
        lambda: refusals.leave_out(other, made.dataset_id, 1),
        lambda: refusals.leave_out_all(other, made.dataset_id, None),
        lambda: refusals.mend(person, made.dataset_id, 99, "m", ROWS[0], False),
    ):
        with pytest.raises(NotYours):
            deed()
