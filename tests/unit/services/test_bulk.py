"""Rows picked by what they hold and changed many at once: counted, shown, skipped where somebody was quicker, undone."""

from __future__ import annotations

import time

import orjson
import pytest

from studio.data.selection import Selection
from studio.errors import (
    ChangedMeanwhile,
    NothingToRedo,
    NothingToUndo,
    OptionsInvalid,
    PatternInvalid,
    ReplacementTooLong,
    RequestRefused,
)
from studio.services.dataset_bulk import KEEP, Bulk, RowChange, apply_changes
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.store.findings import CheckRun, Findings
from tests.dataset_jobs import NoQueue, conversation, import_file

EVERYTHING = Selection()


@pytest.fixture
def tea(settings, person, tmp_path) -> tuple[Datasets, Bulk, str]:
    """Thirty conversations "Question n?", "Reply n.", of which the tenth has a system prompt, and a document."""
    records = [conversation(f"Question {n}?", f"Reply {n}.") for n in range(1, 31)]
    records[9]["messages"].insert(0, {"role": "system", "content": "Be brief."})
    path = tmp_path / "tea.jsonl"
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    made = import_file(person.workspace, path)
    datasets = Datasets(settings, NoQueue())
    datasets.add_row(person, made.dataset_id, {"text": "Question of a document."}, "document")
    return datasets, Bulk(datasets, NoQueue()), made.dataset_id


def positions(tea, person, **asked) -> list[int]:
    datasets, _, dataset_id = tea
    return [row["position"] for row in datasets.page(person, dataset_id, {"page_size": 200, **asked})["rows"]]


def state(tea, person) -> list[tuple]:
    """Everything of the rows that a change can touch."""
    datasets, _, dataset_id = tea
    rows = datasets.page(person, dataset_id, {"page_size": 200})["rows"]
    shown = ("row_id", "split", "tags", "edited", "characters", "kind")
    return [
        (*(str(row[name]) for name in shown), orjson.dumps(datasets.row(person, dataset_id, row["row_id"])["record"]))
        for row in rows
    ]


# Selecting ------------------------------------------------------------------------------------------------------------


def test_rows_are_found_by_everything_that_can_be_asked_for(tea, person):
    datasets, bulk, dataset_id = tea
    bulk.apply(person, dataset_id, Selection(row_ids=(3, 5)), {"kind": "tag", "add": ["flag", "odd"]}, "tag")
    bulk.apply(person, dataset_id, Selection(row_ids=(5,)), {"kind": "tag", "add": ["five"]}, "tag-2")
    datasets.save_row(person, dataset_id, 7, 1, conversation("A very much longer question?", "Yes."), "edit")
    assert positions(tea, person, query="question 1") == [1, *range(10, 20)]
    assert positions(tea, person, query=r"Question (\d)\1\?", is_regex=True) == [11, 22]
    assert positions(tea, person, query="reply", role="user") == []
    assert positions(tea, person, query="brief", role="system") == [10]
    assert positions(tea, person, role="text") == positions(tea, person, kind="document") == [31]
    assert positions(tea, person, tags=["odd"]) == positions(tea, person, is_flagged=True) == [3, 5]
    assert positions(tea, person, tags=["odd", "five"]) == [5]
    assert positions(tea, person, is_edited=True) == [7, 31]
    assert positions(tea, person, min_length=22, max_length=25) == [31]
    assert positions(tea, person, row_ids=[9, 2, 77], query="question") == [2, 9]
    assert positions(tea, person, is_edited=False, split="held_out") == [13, 25], "the third held-out row is edited"


def test_rows_are_ordered_by_length_edits_and_findings_and_equal_ones_stay_in_order(tea, person):
    datasets, _, dataset_id = tea
    for number, row_id in enumerate((20, 4)):
        datasets.save_row(person, dataset_id, row_id, 1, conversation("Q?", "A."), f"edit-{number}")
    with datasets.rows(person, dataset_id) as rows:
        run = CheckRun("schema", "2026", "job", 31, 0.1, rows.changes.last_id(), {}, None)
        Findings(rows.connection).replace(run, [("code", 8, 1, "{}"), ("code", 8, 1, '{"n":1}'), ("code", 9, 1, "{}")])
    assert positions(tea, person, sort="length")[:4] == [4, 20, 1, 2]
    assert positions(tea, person, sort="length", descending=True)[:2] == [10, 31]
    by_edit = positions(tea, person, sort="edited", descending=True)
    assert by_edit[:4] == [4, 20, 31, 1]
    assert positions(tea, person, sort="edited") == by_edit[::-1]
    for turned in (True, False):  # found by looking at every row, and by the index
        every = positions(tea, person, sort="edited", descending=turned, min_length=0)
        assert every == positions(tea, person, sort="edited", descending=turned)
    assert positions(tea, person, sort="findings", descending=True)[:4] == [8, 9, 1, 2]
    assert positions(tea, person, check="any") == positions(tea, person, check="schema", check_code="code") == [8, 9]
    assert len(positions(tea, person, check="none")) == 29
    assert positions(tea, person, descending=True)[:2] == [31, 30]
    datasets.save_row(person, dataset_id, 8, 1, conversation("New?", "New."), "stale")
    assert positions(tea, person, check="any") == [9], "what was found before the edit no longer stands"


@pytest.mark.parametrize(
    "asked",
    [
        {"split": "both"},
        {"sort": "colour"},
        {"tags": "odd"},
        {"row_ids": [1.5]},
        {"min_length": "9"},
        {"nonsense": 1},
        {"length_unit": "tokens", "min_length": 3},
        {"query": "x" * 1001},
        {"is_regex": "yes"},
    ],
)
def test_what_no_page_sends_is_refused(asked):
    with pytest.raises(RequestRefused):
        Selection.from_json(asked)


def test_a_selection_reads_back_what_it_says_of_itself():
    asked = Selection(query="茶", tags=("a", "b"), row_ids=(3, 4), is_edited=False, sort="length", descending=True)
    assert Selection.from_json(orjson.loads(orjson.dumps(asked.as_json()))) == asked
    assert Selection().as_json() == {}
    with pytest.raises(PatternInvalid):
        Selection.from_json({"query": "(", "is_regex": True})


def test_a_pattern_that_takes_long_keeps_neither_a_page_nor_a_change_waiting(tea, person, settings, monkeypatch):
    """Three thousand texts of some milliseconds each: looking gives up and says so, and changing them is a job's."""
    datasets, _, dataset_id = tea
    monkeypatch.setattr("studio.services.dataset_bulk.LOOK_S", 0.1)
    monkeypatch.setattr("studio.services.dataset_bulk.AT_ONCE_S", 0.1)
    turns = [message for _ in range(1500) for message in conversation("a" * 26, "a" * 26)["messages"]]
    added = datasets.add_row(person, dataset_id, {"messages": turns}, "long")["row_id"]
    bulk = Bulk(datasets, Queue(settings))
    hard = Selection(query="(a|aa)+b", is_regex=True)
    began_s = time.monotonic()
    assert bulk.look(person, dataset_id, hard, {"kind": "delete"}) == {
        "rows": 0, "places": 0, "complete": False, "first": [],
    }  # fmt: skip
    assert set(bulk.apply(person, dataset_id, hard, {"kind": "delete"}, "delete")) == {"job_id"}
    replacing = {"kind": "replace", "find": "a{26}", "put": "b"}
    monkeypatch.setattr("studio.services.dataset_bulk.AT_ONCE_S", 0.0)
    assert set(bulk.apply(person, dataset_id, Selection(row_ids=(added,)), replacing, "replace")) == {"job_id"}
    assert time.monotonic() - began_s < 5
    assert datasets.row(person, dataset_id, added)["revision"] == 1
    assert bulk.steps(person, dataset_id)["undo"]["action"] == "add", "nothing of it was written"


# Changing -------------------------------------------------------------------------------------------------------------


def test_every_kind_of_change_is_undone_and_done_again_across_restarts(tea, person, settings):
    datasets, bulk, dataset_id = tea
    actions = [
        (
            Selection(query="Question 1"),
            {"kind": "replace", "find": r"Question (\d+)", "put": r"Q\1", "is_regex": True},
        ),
        (Selection(query="reply 2"), {"kind": "tag", "add": ["two", "flag"]}),
        (Selection(tags=("two",)), {"kind": "tag", "add": ["2"], "remove": ["two"]}),
        (Selection(row_ids=(1, 2, 30)), {"kind": "split", "to": "held_out"}),
        (Selection(split="held_out"), {"kind": "split", "to": "train"}),
        (EVERYTHING, {"kind": "system", "text": "Be kind."}),
        (EVERYTHING, {"kind": "system", "text": ""}),
        (Selection(query="5"), {"kind": "delete"}),
    ]
    states = [state(tea, person)]
    for number, (selection, action) in enumerate(actions):
        assert bulk.apply(person, dataset_id, selection, action, f"do-{number}")["changed"], action
        states.append(state(tea, person))
    with datasets.rows(person, dataset_id) as rows:
        changes = [RowChange(None, None, conversation("New?", "Row."), tags_add=("made",)), RowChange(2, None, None)]
        assert apply_changes(rows.connection, "me", "mixed", "mend", {}, changes) == 2
    states.append(state(tea, person))
    datasets.set_held_out(person, dataset_id, 0.5, "share")
    states.append(state(tea, person))
    for turn in range(2):
        restarted = Bulk(Datasets(settings, NoQueue()), NoQueue())
        for before in states[-2::-1]:
            step = f"undo-{turn}-{len(restarted.history(person, dataset_id))}-{hash(str(before))}"
            restarted.undo(person, dataset_id, step)
            assert state(tea, person) == before
        for number, after in enumerate(states[1:]):
            restarted.redo(person, dataset_id, f"redo-{turn}-{number}")
            assert state(tea, person) == after
        with pytest.raises(NothingToRedo):
            restarted.redo(person, dataset_id, f"one-too-many-{turn}")
    assert datasets.info(person, dataset_id)["rows"] == len(states[-1])


def test_a_new_change_ends_what_could_be_done_again(tea, person):
    datasets, bulk, dataset_id = tea
    bulk.apply(person, dataset_id, Selection(row_ids=(1,)), {"kind": "delete"}, "1")
    assert bulk.undo(person, dataset_id, "u")["rows"] == 1
    assert bulk.undo(person, dataset_id, "u")["kind"] == "delete_rows", "the same deed undoes once"
    assert bulk.steps(person, dataset_id)["redo"]["action"] == "delete_rows"
    datasets.save_row(person, dataset_id, 4, 1, conversation("A?", "B."), "edit")
    steps = bulk.steps(person, dataset_id)
    assert (steps["undo"]["action"], steps["undo"]["position"], steps["redo"]) == ("edit", 4, None)
    with pytest.raises(ChangedMeanwhile):
        bulk.undo(person, dataset_id, "u2", expected=steps["undo"]["change_id"] - 1)
    assert [change["stands"] for change in bulk.history(person, dataset_id)] == [True, False, True]
    for number in range(2):
        bulk.undo(person, dataset_id, f"back-{number}")
    with pytest.raises(NothingToUndo):
        bulk.undo(person, dataset_id, "nothing-left")


def test_rows_that_somebody_changed_meanwhile_are_left_alone_and_told(tea, person):
    datasets, bulk, dataset_id = tea
    seen = datasets.page(person, dataset_id, {})["last_change"]
    datasets.save_row(person, dataset_id, 12, 1, conversation("Theirs?", "Reply 12."), "theirs")
    bulk.apply(person, dataset_id, Selection(row_ids=(13,)), {"kind": "delete"}, "gone")
    action = {"kind": "replace", "find": "Reply", "put": "Answer"}
    told = bulk.apply(person, dataset_id, Selection(query="Reply 1"), action, "mine", seen)
    assert (told["changed"], told["skipped"], told["skipped_rows"]) == (9, {"changed": 1}, [12])
    assert datasets.row(person, dataset_id, 12)["record"] == conversation("Theirs?", "Reply 12.")


def test_low_level_changes_skip_what_is_old_gone_named_twice_or_unusable(tea, person):
    datasets, _, dataset_id = tea
    new = conversation("New?", "New.")
    changes = [
        RowChange(1, 9, new), RowChange(99, None, new), RowChange(2, 1, {"messages": []}),
        RowChange(3, 1, new), RowChange(3, None, None), RowChange(4, 1, KEEP), RowChange(5, 1, None),
    ]  # fmt: skip
    with datasets.rows(person, dataset_id) as rows:
        assert apply_changes(rows.connection, "me", "deed", "mend", {}, changes) == 2
        assert apply_changes(rows.connection, "me", "deed", "mend", {}, changes) == 2, "the same deed changes once"
        with pytest.raises(RequestRefused):
            apply_changes(rows.connection, "me", "deed", "another", {}, changes)
        assert apply_changes(rows.connection, "me", "nothing", "mend", {}, [RowChange(1, 9, new)]) == 0
    assert [datasets.row(person, dataset_id, n)["revision"] for n in (1, 2, 3, 4)] == [1, 1, 2, 1]
    assert datasets.info(person, dataset_id)["rows"] == 30


def test_a_change_is_shown_before_it_is_made_with_its_rows_and_places(tea, person):
    _, bulk, dataset_id = tea
    action = {"kind": "replace", "find": "2", "put": "zwei", "role": "assistant"}
    looked = bulk.look(person, dataset_id, EVERYTHING, action)
    assert (looked["rows"], looked["places"], looked["complete"]) == (12, 13, True)
    assert [part["after"] for part in looked["first"][0]["parts"]] == ["Question 2?", "Reply zwei."]
    assert bulk.preview(person, dataset_id, EVERYTHING, {"kind": "delete"}, 1)[0]["after"] is None
    assert bulk.apply(person, dataset_id, EVERYTHING, action, "deed")["changed"] == looked["rows"]


def test_a_replacement_that_no_row_could_hold_is_refused_in_time_and_changes_nothing(tea, person):
    """Ten thousand texts of a row grow to 2,000 characters each: none of them is too long, the row is."""
    datasets, bulk, dataset_id = tea
    turns = [message for _ in range(5000) for message in conversation("a", "a")["messages"]]
    datasets.add_row(person, dataset_id, {"messages": turns}, "long")
    action = {"kind": "replace", "find": "a", "put": "b" * 2000}
    before = state(tea, person)
    for call in (bulk.look, bulk.preview):
        with pytest.raises(ReplacementTooLong):
            call(person, dataset_id, Selection(row_ids=(32,)), action)
    with pytest.raises(ReplacementTooLong):
        bulk.apply(person, dataset_id, EVERYTHING, action, "deed")
    assert state(tea, person) == before
    bulk.apply(person, dataset_id, Selection(row_ids=(32,)), action | {"put": "b" * 500}, "shorter")


def test_a_change_that_would_leave_nothing_to_learn_leaves_the_row_alone(tea, person):
    _, bulk, dataset_id = tea
    action = {"kind": "replace", "find": "Reply 4.", "put": ""}
    assert bulk.apply(person, dataset_id, EVERYTHING, action, "deed")["skipped"] == {"unusable": 1}
    assert bulk.steps(person, dataset_id)["undo"]["action"] == "add", "nothing was written"


@pytest.mark.parametrize(
    ("action", "error"),
    [
        ({"kind": "explode"}, RequestRefused),
        ({"kind": "tag", "add": [" space"]}, OptionsInvalid),
        ({"kind": "tag"}, RequestRefused),
        ({"kind": "replace", "find": ""}, RequestRefused),
        ({"kind": "replace", "find": "(", "is_regex": True}, PatternInvalid),
        ({"kind": "replace", "find": "(a)", "put": r"\2", "is_regex": True}, PatternInvalid),
        ({"kind": "split", "to": "nowhere"}, RequestRefused),
        ({"kind": "fix", "check": "schema", "code": "none"}, RequestRefused),
        ({"kind": "system", "text": 7}, RequestRefused),
        ({"kind": "tag", "add": ["x" * 81]}, OptionsInvalid),
        ({"kind": "tag", "add": ["zero\u200bwidth"]}, OptionsInvalid),
        ({"kind": "tag", "remove": ["x" * 81]}, OptionsInvalid),
        ({"kind": "tag", "remove": [""]}, OptionsInvalid),
        ({"kind": "tag", "remove": ["\ud800"]}, OptionsInvalid),
        ({"kind": "tag", "remove": [7]}, OptionsInvalid),
    ],
)
def test_an_action_that_cannot_be_is_refused_and_changes_nothing(action, error, tea, person):
    _, bulk, dataset_id = tea
    before = state(tea, person)
    with pytest.raises(error):
        bulk.apply(person, dataset_id, EVERYTHING, action, "deed")
    assert state(tea, person) == before


def test_every_tag_of_an_import_is_taken_off_again_also_one_that_nobody_could_type(tea, person):
    datasets, bulk, dataset_id = tea
    tags = ["x" * 80, "zero\u200bwidth", " led by a space"]
    with datasets.rows(person, dataset_id) as rows:
        rows.connection.executemany("INSERT INTO row_tags (row_id, tag) VALUES (4, ?)", [(tag,) for tag in tags])
    assert datasets.row(person, dataset_id, 4)["tags"] == sorted(tags)
    bulk.apply(person, dataset_id, Selection(row_ids=(4,)), {"kind": "tag", "remove": tags}, "deed")
    assert datasets.row(person, dataset_id, 4)["tags"] == []
    assert datasets.row(person, dataset_id, 4)["revision"] == 1
    bulk.undo(person, dataset_id, "undo")
    assert datasets.row(person, dataset_id, 4)["tags"] == sorted(tags)


def test_rows_moved_by_hand_stay_where_they_were_put_when_the_share_changes(tea, person):
    datasets, bulk, dataset_id = tea
    bulk.apply(person, dataset_id, Selection(row_ids=(1,)), {"kind": "split", "to": "held_out"}, "in")
    bulk.apply(person, dataset_id, Selection(row_ids=(2,)), {"kind": "split", "to": "train"}, "out")
    for share in (0.0, 0.9, 0.3):
        datasets.set_held_out(person, dataset_id, share, f"share-{share}")
        held = positions(tea, person, split="held_out")
        assert 1 in held and 2 not in held
        assert datasets.info(person, dataset_id)["held_out"] == len(held)
