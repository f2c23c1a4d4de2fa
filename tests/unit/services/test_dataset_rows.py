"""The rows of a dataset through its service: paged, edited, undone across restarts, searched."""

from __future__ import annotations

import orjson
import pytest

from studio.errors import EditConflict, NothingToUndo, NotYours, OptionsInvalid, RecordInvalid, RequestRefused
from studio.services.datasets import Datasets
from tests.dataset_jobs import NoQueue, conversation


def test_pages_show_cells_and_know_their_number(tea, person):
    datasets, dataset_id = tea
    page = datasets.page(person, dataset_id, {"page": 2, "page_size": 20})
    assert (page["total"], page["page"], page["pages"], page["columns"]) == (30, 2, 2, ["user", "assistant", "turns"])
    assert [row["position"] for row in page["rows"]] == list(range(21, 31))
    assert page["rows"][0]["cells"] == ["Question 21?", "Reply 21.", 2]
    assert datasets.page(person, dataset_id, {"page": 99})["page"] == 1
    assert datasets.page_of(person, dataset_id, 21, 20) == 2


def test_an_edited_row_keeps_its_id_and_its_side_of_the_split(tea, person):
    datasets, dataset_id = tea
    held = datasets.page(person, dataset_id, {"split": "held_out"})
    row_id = held["rows"][0]["row_id"]
    row = datasets.row(person, dataset_id, row_id)
    saved = datasets.save_row(person, dataset_id, row_id, row["revision"], conversation("New?", "Yes."), "edit-1")
    assert (saved["split"], saved["revision"]) == ("held_out", row["revision"] + 1)
    assert saved["record"] == conversation("New?", "Yes.")
    assert datasets.info(person, dataset_id)["edits"] == 1


def test_an_edit_in_a_browser_changes_no_number_that_nobody_touched(tea, person):
    """A browser knows only floats: it sends …568 for …567 and 1 for 1.0. Sent back as it came, a row is not changed."""
    datasets, dataset_id = tea
    numbers = {"id": 12345678901234567, "share": 1.0}
    record = conversation("Find it.", "I look.")
    record["messages"][1]["tool_calls"] = [{"type": "function", "function": {"name": "find", "arguments": numbers}}]
    row_id = datasets.add_row(person, dataset_id, record, "add")["row_id"]
    sent = orjson.loads(orjson.dumps(record).replace(b"34567,", b"34568,").replace(b"1.0", b"1"))
    assert datasets.save_row(person, dataset_id, row_id, 1, sent, "nothing")["revision"] == 1
    sent["messages"][1]["content"] = "Here."
    record["messages"][1]["content"] = "Here."
    saved = datasets.save_row(person, dataset_id, row_id, 1, sent, "edit")
    assert saved["revision"] == 2 and orjson.dumps(saved["record"]) == orjson.dumps(record)


def test_saving_over_a_newer_row_is_refused_and_changes_nothing(tea, person):
    datasets, dataset_id = tea
    datasets.save_row(person, dataset_id, 4, 1, conversation("A?", "B."), "first")
    with pytest.raises(EditConflict):
        datasets.save_row(person, dataset_id, 4, 1, conversation("C?", "D."), "second")
    assert datasets.row(person, dataset_id, 4)["record"] == conversation("A?", "B.")
    with pytest.raises(EditConflict):
        datasets.delete_row(person, dataset_id, 4, "gone", revision=1)
    for _ in range(2):
        datasets.delete_row(person, dataset_id, 4, "gone now", revision=2)
    with pytest.raises(NotYours):
        datasets.row(person, dataset_id, 4)


def test_the_same_deed_changes_once(tea, person):
    datasets, dataset_id = tea
    for _ in range(2):
        assert datasets.save_row(person, dataset_id, 4, 1, conversation("A?", "B."), "edit")["revision"] == 2
        added = datasets.add_row(person, dataset_id, conversation("C?", "D."), "add")
        datasets.delete_row(person, dataset_id, 5, "delete")
    assert (added["row_id"], added["position"]) == (31, 30)
    assert datasets.info(person, dataset_id)["rows"] == 30
    with pytest.raises(RequestRefused):
        datasets.delete_row(person, dataset_id, 6, "add")


def test_a_record_with_problems_is_refused_with_all_of_them(tea, person):
    datasets, dataset_id = tea
    wrong = {"messages": [{"role": "narrator", "content": "x"}, {"role": "user", "content": " "}], "extra": 1}
    with pytest.raises(RecordInvalid) as refused:
        datasets.save_row(person, dataset_id, 1, 1, wrong, "edit")
    assert [(p["field"], p["code"]) for p in refused.value.problems] == [
        ("extra", "field_unknown"),
        ("messages[0].role", "role_unknown"),
        ("messages[1].content", "content_empty"),
    ]
    assert len(refused.value.message("ja").splitlines()) == 4


def test_every_change_can_be_undone_to_the_first_whoever_opens_the_dataset(tea, person, settings):
    datasets, dataset_id = tea
    before = [datasets.row(person, dataset_id, n)["record"] for n in range(1, 31)]
    datasets.save_row(person, dataset_id, 4, 1, conversation("A?", "B."), "1")
    datasets.delete_row(person, dataset_id, 4, "2")
    datasets.add_row(person, dataset_id, conversation("C?", "D."), "3")
    datasets.set_held_out(person, dataset_id, 0.5, "4")
    assert datasets.info(person, dataset_id)["held_out"] == 15
    restarted = Datasets(settings, NoQueue())
    undone = [restarted.undo(person, dataset_id, f"undo-{n}") for n in range(4)]
    assert [(u["kind"], u["row_id"], u["position"]) for u in undone] == [
        ("held_out", None, None),
        ("add", None, 30),
        ("delete", 4, 4),
        ("edit", 4, 4),
    ]
    assert restarted.undo(person, dataset_id, "undo-3") == undone[3], "the same deed undoes once"
    with pytest.raises(NothingToUndo):
        restarted.undo(person, dataset_id, "undo-5")
    info = restarted.info(person, dataset_id)
    assert (info["rows"], info["held_out"], info["can_undo"]) == (30, 3, False)
    assert [restarted.row(person, dataset_id, n)["record"] for n in range(1, 31)] == before
    with pytest.raises(NotYours):
        restarted.row(person, dataset_id, 31)


def test_a_larger_held_out_share_keeps_every_row_that_was_held_out(tea, person):
    datasets, dataset_id = tea

    def held_out() -> set[int]:
        return {row["row_id"] for row in datasets.page(person, dataset_id, {"split": "held_out"})["rows"]}

    before = held_out()
    datasets.set_held_out(person, dataset_id, 0.3, "more")
    assert before < held_out() and len(held_out()) == 9
    datasets.set_held_out(person, dataset_id, 0, "none")
    assert held_out() == set()
    with pytest.raises(OptionsInvalid):
        datasets.set_held_out(person, dataset_id, 0.95, "too much")


def test_search_finds_words_in_texts_and_not_in_the_names_around_them(tea, person):
    datasets, dataset_id = tea
    datasets.save_row(person, dataset_id, 7, 1, conversation('Say "茶" 100%_\n?', "The USER says so."), "edit")

    def found(query: str) -> list[int]:
        page = datasets.page(person, dataset_id, {"query": query})
        assert page["complete"]
        return [row["position"] for row in page["rows"]]

    assert found("question 12?") == [12]
    assert found("茶") == found('"茶"') == found("100%_\n") == [7]
    assert found("user") == [7], "every row has the role user"
    assert found("content") == found("0%1") == []
    assert datasets.page(person, dataset_id, {"query": "?", "split": "held_out"})["total"] == 3
