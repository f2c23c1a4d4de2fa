"""A row that is cut is made short enough: shown first, applied as one change, taken back by one undo."""

from __future__ import annotations

import orjson
import pytest

from studio.errors import EditConflict, NotYours, OptionsInvalid, RecordInvalid, RequestRefused
from studio.people import Person
from studio.services.studio import Studio
from tests.dataset_jobs import conversation, import_file

SYSTEM = {"role": "system", "content": "Be kind."}


def dialogue(count: int) -> dict:
    turns = [conversation(f"Question {n}: " + "word " * 10, f"Reply {n}.")["messages"] for n in range(1, count + 1)]
    return {"messages": [SYSTEM, *(turn for pair in turns for turn in pair)]}


@pytest.fixture
def dataset(studio: Studio, person: Person, tmp_path) -> str:
    """12 rows, the third a dialogue of 6 exchanges."""
    records = [conversation(f"Question {n}?", f"Reply {n}.") for n in range(1, 12)]
    records.insert(2, dialogue(6))
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, records)))
    return import_file(person.workspace, path).dataset_id


def asked(**more) -> dict:
    return {"row_id": 3, "base": "pocket", "max_length": 100, "way": None, "turn": None} | more


def rows_of(studio: Studio, person: Person, dataset: str) -> list[tuple]:
    page = studio.datasets.page(person, dataset, {"page": 1, "page_size": 50})["rows"]
    return [
        (row["row_id"], studio.datasets.row(person, dataset, row["row_id"])["record"], row["split"]) for row in page
    ]


def test_the_oldest_exchanges_are_cut_as_it_was_shown_and_undo_brings_them_back(studio, person, dataset):
    before = rows_of(studio, person, dataset)
    shown = studio.mending.preview(person, dataset, asked(way="oldest"))
    (made,) = shown["records"]
    assert shown["total"] > 100 >= made["total"] and made["cut"] == 0 < made["trained"]
    gone = [part["before"] for part in made["parts"] if part["after"] is None]
    assert gone and gone[0].startswith("Question 1") and shown["ways"] == ["oldest", "windows", "drop"]
    told = studio.mending.apply(person, dataset, asked(way="oldest"), shown["revision"], "deed")
    assert told == {"row_id": 3, "position": 3, "added": 0}
    assert studio.mending.apply(person, dataset, asked(way="oldest"), shown["revision"], "deed") == told, "once"
    after = studio.datasets.row(person, dataset, 3)["record"]["messages"]
    assert after[0] == SYSTEM and after[-1]["content"] == "Reply 6." and len(after) == 13 - len(gone)
    with pytest.raises(EditConflict):
        studio.mending.apply(person, dataset, asked(way="oldest"), shown["revision"], "other")
    studio.datasets.undo(person, dataset, "undo")
    assert rows_of(studio, person, dataset) == before


def test_a_dialogue_becomes_windows_on_the_same_side_of_the_split(studio, person, dataset):
    before = rows_of(studio, person, dataset)
    shown = studio.mending.preview(person, dataset, asked(way="windows"))
    assert len(shown["records"]) > 1 and all(made["cut"] == 0 for made in shown["records"])
    assert all(part["after"] is not None for made in shown["records"] for part in made["parts"])
    told = studio.mending.apply(person, dataset, asked(way="windows"), shown["revision"], "deed")
    rows = rows_of(studio, person, dataset)
    windows = [row for row in rows if row[0] == 3 or row[0] > 12]
    assert told["added"] == len(windows) - 1 == len(rows) - 12
    assert {row[2] for row in windows} == {before[2][2]}
    assert [turn for row in windows for turn in row[1]["messages"][1:]] == dialogue(6)["messages"][1:]
    assert all(row[1]["messages"][0] == SYSTEM for row in windows)
    studio.datasets.undo(person, dataset, "undo")
    assert rows_of(studio, person, dataset) == before


def test_a_turn_is_dropped_and_what_cannot_be_is_refused(studio, person, dataset, settings):
    shown = studio.mending.preview(person, dataset, asked(way="drop", turn=1))
    assert [part["after"] for part in shown["records"][0]["parts"]][1] is None
    assert [turn["role"] for turn in shown["turns"]][:3] == ["system", "user", "assistant"]
    for wrong, error in (
        (asked(way="drop"), OptionsInvalid),
        (asked(way="drop", turn=99), OptionsInvalid),
        (asked(way="shred"), RequestRefused),
        (asked(way="oldest", row_id=1), OptionsInvalid),
        (asked(way="drop", turn=1, row_id=1), RecordInvalid),
        (asked(row_id=99), NotYours),
    ):
        with pytest.raises(error):
            studio.mending.preview(person, dataset, wrong)
    workspace = settings.root / "people" / "stranger"
    workspace.mkdir(parents=True)
    stranger = Person("stranger", "Stranger", "en", workspace)
    for call in (lambda: studio.mending.preview(stranger, dataset, asked()), lambda: studio.mending.apply(stranger, dataset, asked(way="oldest"), 1, "x")):  # fmt: skip
        with pytest.raises(NotYours):
            call()
