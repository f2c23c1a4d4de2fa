"""Whole datasets: begun by hand, duplicated, merged with weights, exported as files that read back the same."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from studio.data.kinds import KINDS
from studio.data.selection import Selection
from studio.errors import (
    DatasetEmpty,
    InputError,
    JobNotFound,
    NameTaken,
    NameUnsafe,
    NotYours,
    OptionsInvalid,
    RequestRefused,
)
from studio.people import person_from
from studio.services.dataset_bulk import Bulk
from studio.services.dataset_deeds import Deeds
from studio.services.datasets import Datasets
from studio.store.catalogue import open_catalogue
from studio.store.dataset_file import SUFFIX, open_dataset, remove_abandoned
from studio.store.table import Table
from tests.dataset_jobs import NoQueue, conversation, import_file, make_job, run_job

PATIENCE_S = 60.0


def turn(role: str, content: str, **more) -> dict:
    return {"role": role, "content": content, **more}


RECORDS = {
    "conversation": {
        "messages": [
            turn("system", "You look up prices."),
            turn("user", "お茶はいくら？\n=2+3"),
            turn("assistant", "", tool_calls=[{"type": "function", "function": {"name": "price", "arguments": {}}}]),
            turn("tool", "800", name="price"),
            turn("assistant", "800 円です。"),
        ],
        "tools": [{"type": "function", "function": {"name": "price", "parameters": {}}}],
    },
    "prompt_completion": {"prompt": [turn("user", "1+1")], "completion": [turn("assistant", "2")]},
    "preference": {
        "prompt": [turn("user", "Open?"), turn("assistant", "When?"), turn("user", "Today")],
        "chosen": [turn("assistant", "Until six.")],
        "rejected": [turn("assistant", "Dunno.")],
        "margin": 1.5,
    },
    "unpaired": {"prompt": [turn("user", "Hi")], "completion": [turn("assistant", "Go away")], "label": False},
    "verifiable": {
        "prompt": [turn("user", "3 mugs at 500 yen, what is that?")],
        "answer": "1500",
        "verifier": "number",
    },
    "document": {"text": "Grit.\n\nA coarse stone takes away metal."},
    "classification": {"text": "It is late", "label": ["complaint", "delivery"]},
    "extraction": {
        "text": "田中さん🍵は Tokyo にいます",
        "entities": [{"start": 7, "end": 12, "label": "PLACE", "text": "Tokyo"}],
    },
}


@pytest.fixture
def datasets(settings) -> Datasets:
    return Datasets(settings, NoQueue())


@pytest.fixture
def deeds(datasets) -> Deeds:
    return Deeds(datasets, NoQueue())


def made(deeds: Deeds, datasets: Datasets, person, name: str, records: list[dict], kind: str = "conversation") -> str:
    dataset_id = deeds.new(person, secrets.token_hex(8), name, kind)
    for record in records:
        datasets.add_row(person, dataset_id, record, secrets.token_hex(8))
    return dataset_id


def ran(person, job_kind: str, **options):
    """The summary and the result of a job that ran in this process."""
    ended = list(run_job(make_job(person.workspace, job_kind, options)))[-1]
    return ended.summary, ended.result


def rows_of(person, dataset_id: str):
    with open_dataset(person.workspace / "datasets" / (dataset_id + SUFFIX)) as connection:
        table = Table(connection)
        threshold = table.fact("held_out_threshold")
        rows = list(table.iterate())
        tags = table.tags_of([row.row_id for row in rows])
    return [
        (orjson.loads(row.record), orjson.loads(row.meta), row.split_key <= threshold, sorted(tags.get(row.row_id, ())))
        for row in rows
    ]


def said(rows) -> list[str]:
    return [row[0]["messages"][0]["content"] for row in rows]


# From nothing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_every_kind_are_typed_into_a_dataset_of_ones_own(kind, deeds, datasets, person):
    dataset_id = made(deeds, datasets, person, "mine", [RECORDS[kind]], kind)
    info = datasets.info(person, dataset_id)
    assert (info["name"], info["kind"], info["rows"], info["problem"]) == ("mine", kind, 1, None)
    assert rows_of(person, dataset_id)[0][0] == RECORDS[kind]


def test_a_new_dataset_is_made_once_however_often_it_is_asked_for(deeds, datasets, person):
    first = deeds.new(person, "one click", "mine", "document")
    assert deeds.new(person, "one click", "mine", "document") == first and len(datasets.list(person)) == 1
    with pytest.raises(NameTaken):
        deeds.new(person, "another click", "mine", "document")
    for name in ("", " ", "a/b", "x" * 81, "a\u202eb", "\ud800"):
        with pytest.raises(InputError):
            deeds.new(person, f"bad {name!r}", name, "document")
    with pytest.raises(OptionsInvalid):
        deeds.new(person, "kind", "other", "poem")
    for deed in ("", "x" * 500, None):
        with pytest.raises(RequestRefused):
            deeds.new(person, deed, "other", "document")
    assert len(datasets.list(person)) == 1


def test_about_a_tenth_of_the_rows_typed_by_hand_is_held_out(deeds, datasets, person):
    dataset_id = made(deeds, datasets, person, "mine", [conversation(f"Question {n}", "Yes.") for n in range(200)])
    assert 8 <= datasets.info(person, dataset_id)["held_out"] <= 36


# Duplicates -----------------------------------------------------------------------------------------------------------


def test_a_duplicate_holds_rows_edits_and_tags_as_they_stand_and_goes_its_own_way(tea, person):
    datasets, tea_id = tea
    row = datasets.row(person, tea_id, 2)
    datasets.save_row(person, tea_id, 2, row["revision"], conversation("Edited?", "Yes."), "edit")
    datasets.delete_row(person, tea_id, 3, "delete")
    Bulk(datasets, NoQueue()).apply(
        person, tea_id, Selection(row_ids=(5,)), {"kind": "tag", "add": ["good"], "remove": []}, "tag"
    )
    before = rows_of(person, tea_id)
    copy_id = f"d-{secrets.token_hex(8)}"
    summary, result = ran(person, "duplicate_dataset", source_id=tea_id, dataset_id=copy_id, name="copy")
    assert (summary["rows"], result) == (29, copy_id) and rows_of(person, copy_id) == before
    datasets.delete_row(person, tea_id, 1, "later")
    assert rows_of(person, copy_id) == before
    datasets.undo(person, copy_id, "undo the tag")
    assert rows_of(person, copy_id) != before and len(rows_of(person, tea_id)) == 28
    assert datasets.info(person, copy_id)["refused"] == 2


_KILLED = """
import os, sys
sys.path.insert(0, {project!r})
from studio.store import dataset_file
from studio.worker import duplicate
from studio.worker.context import JobLog, WorkerJob
dataset_file._COPIED_PAGES = 1
real = duplicate.copy_dataset
def killed(source, path, tell):
    real(source, path, lambda done, total: os.kill(os.getpid(), 9) if done >= total * {share} else tell(done, total))
duplicate.copy_dataset = killed
from pathlib import Path
for _ in duplicate.run(WorkerJob(JobLog(Path({folder!r}), {{}}))): pass
"""


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_duplicate_that_is_killed_leaves_nothing(share, tea, person):
    _, tea_id = tea
    options = {"source_id": tea_id, "dataset_id": f"d-{secrets.token_hex(8)}", "name": "copy"}
    job = make_job(person.workspace, "duplicate_dataset", options)
    project = str(Path(__file__).resolve().parents[3])
    code = _KILLED.format(project=project, folder=str(job.folder), share=share)
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.returncode == -signal.SIGKILL, child.stderr
    folder = person.workspace / "datasets"
    with open_catalogue(person.workspace) as catalogue:
        assert len(catalogue.datasets()) == 1
        remove_abandoned(folder, catalogue.has_dataset)
    assert {path.name.split(".")[0] for path in folder.iterdir()} == {tea_id}
    assert len(rows_of(person, tea_id)) == 30


# Merges ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(deeds, datasets, person, tmp_path) -> tuple[str, str]:
    """100 imported conversations, a tenth held out, and 40 preference pairs of which ten say what ten of those say."""
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(b"\n".join(orjson.dumps(conversation(f"Question {n}", f"Reply {n}")) for n in range(100)))
    first = import_file(person.workspace, rows, held_out_fraction=0.1).dataset_id
    pairs = [
        {
            "prompt": [turn("user", f"Question {n}")],
            "chosen": [turn("assistant", f"Reply {n}")],
            "rejected": [turn("assistant", "No.")],
        }
        for n in range(90, 130)
    ]
    return first, made(deeds, datasets, person, "pairs", pairs, "preference")


def blend_of(two, *amounts, **more) -> dict:
    return {"parts": [{"dataset_id": one, **amount} for one, amount in zip(two, amounts, strict=True)], **more}


def merged(person, two, *amounts, kind="conversation", seed=1, leave_out_shared=True):
    options = blend_of(two, *amounts) | {"dataset_id": f"d-{secrets.token_hex(8)}", "name": secrets.token_hex(4)}
    return ran(person, "merge_datasets", **options, kind=kind, seed=seed, leave_out_shared=leave_out_shared)


def test_a_merge_is_counted_before_it_is_made_and_then_makes_what_was_counted(two, deeds, person):
    seen = deeds.preview_merge(person, blend_of(two, {"times": 1}, {"rows": 40}))
    assert (seen["kind"], seen["total"], seen["shared"], seen["complete"]) == ("conversation", 140, 10, True)
    assert [part["converted"] for part in seen["parts"]] == [{}, {"preference": 40}] and seen["problems"] == []
    summary, result = merged(person, two, {"times": 1}, {"rows": 40})
    assert summary["rows"] == 130 and summary["shared"] == 10 and summary["dropped"] == {"in_earlier_dataset": 10}
    rows = rows_of(person, result)
    assert len(set(said(rows))) == 130
    assert rows[129][1]["origin"] == {"dataset": "pairs", "dataset_id": two[1], "row": 40}


def test_every_row_keeps_its_side_of_the_split_and_no_held_out_words_are_trained(two, person):
    sides = {row[0]["messages"][0]["content"]: row[2] for row in rows_of(person, two[0])}
    _, result = merged(person, two, {"times": 1}, {"times": 1}, leave_out_shared=False)
    rows = rows_of(person, result)
    for record, meta, is_held_out, _ in rows:
        if meta["origin"]["dataset_id"] == two[0]:
            assert is_held_out >= sides[record["messages"][0]["content"]]
    held = {str(row[0]) for row in rows if row[2]}
    assert held and not held & {str(row[0]) for row in rows if not row[2]}


def test_weights_and_numbers_draw_what_they_say_and_the_same_again_with_the_same_seed(two, person):
    amounts = {"times": 2.5}, {"rows": 12}
    summary, result = merged(person, two, *amounts, leave_out_shared=False)
    assert [part["rows"] for part in summary["parts"]] == [250, 12]
    again = merged(person, two, *amounts, leave_out_shared=False)[1]
    other = merged(person, two, *amounts, leave_out_shared=False, seed=2)[1]
    assert said(rows_of(person, result)) == said(rows_of(person, again)) != said(rows_of(person, other))


def test_a_merge_that_cannot_be_says_why_and_makes_nothing(two, deeds, datasets, person):
    papers = made(deeds, datasets, person, "papers", [RECORDS["document"]], "document")
    empty = made(deeds, datasets, person, "empty", [])
    with pytest.raises(OptionsInvalid) as refused:
        deeds.merge(person, "deed", None, blend_of((two[0], papers), {"times": 1}, {"times": 1}, kind="conversation"))
    assert "papers" in refused.value.message("en") and "papers" in refused.value.message("ja")
    for other, code in ((two[0], "merge_twice"), (empty, "merge_part_unusable")):
        with pytest.raises(OptionsInvalid) as refused:
            deeds.merge(person, "deed", None, blend_of((two[0], other), {"times": 1}, {"times": 1}))
        assert [problem["code"] for problem in refused.value.problems] == [code]
    for amount in ({"times": 0}, {"times": 21}, {"times": "2"}, {"rows": 0}, {"rows": 1.5}, {"rows": True}, {}):
        with pytest.raises(OptionsInvalid):
            deeds.preview_merge(person, blend_of(two, {"times": 1}, amount))
    for asked in ({}, {"parts": "all"}, {"parts": [1, 2]}, blend_of(two, {"times": 1}, {"times": 1}, kind="poem")):
        with pytest.raises(RequestRefused):
            deeds.preview_merge(person, asked)
    with pytest.raises(NotYours):
        deeds.preview_merge(person, blend_of((two[0], "d-0000000000000000"), {"times": 1}, {"times": 1}))
    with pytest.raises(DatasetEmpty):
        merged(person, (papers, empty), {"times": 1}, {"times": 1})
    assert len(datasets.list(person)) == 4


# Files ----------------------------------------------------------------------------------------------------------------


def exported(person, dataset_id: str, **options) -> tuple[dict, Path]:
    asked = {"form": "jsonl", "format": "messages"} | options
    summary, result = ran(person, "export_rows", dataset_id=dataset_id, **asked)
    return summary, person.workspace / result


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exported_and_imported_again_is_the_same(kind, form, deeds, datasets, person):
    """With the format that says most; a kind that no CSV can say is told to be so before.

    One question with one reply comes back as a conversation, which trains the same tokens.
    """
    record = RECORDS[kind]
    dataset_id = made(deeds, datasets, person, "mine", [record], kind)
    formats = deeds.preview_export(person, dataset_id, form, None)["formats"]
    if not formats:
        assert form == "csv" and kind in ("conversation", "preference", "classification", "extraction"), (form, kind)
        return
    summary, path = exported(person, dataset_id, form=form, format=formats[0]["name"])
    assert (summary["rows"], summary["unsaid"]) == (1, 0)
    again = import_file(person.workspace, path, format=formats[0]["name"])
    if summary["neutralised"] == 0:
        same = record if kind != "prompt_completion" else {"messages": record["prompt"] + record["completion"]}
        assert again.records() == [same], again.report


def test_only_the_rows_that_are_shown_are_exported_in_their_order(tea, person):
    datasets, tea_id = tea
    selection = Selection(query="Question 1", split="train", sort="position", descending=True).as_json()
    _, path = exported(person, tea_id, selection=selection)
    asked = [orjson.loads(line)["messages"][0]["content"] for line in path.read_bytes().splitlines()]
    shown = datasets.page(person, tea_id, {"page": 1, "page_size": 50} | selection)
    assert asked == [row["cells"][0] for row in shown["rows"]] and 5 < len(asked) < 12


def test_rows_that_a_format_cannot_say_are_counted_before_and_left_out(deeds, datasets, person):
    rows = [conversation("Hi", "Yes."), RECORDS["conversation"]]
    dataset_id = made(deeds, datasets, person, "mine", rows)
    seen = deeds.preview_export(person, dataset_id, "jsonl", None)
    assert {one["name"]: one["said"] for one in seen["formats"]}["alpaca"] == 1
    assert seen["formats"][0]["said"] == seen["rows"] == seen["looked_at"] == 2 and seen["complete"]
    summary, path = exported(person, dataset_id, format="alpaca")
    assert (summary["rows"], summary["unsaid"], len(path.read_bytes().splitlines())) == (1, 1, 1)


def test_a_spreadsheet_takes_no_cell_for_a_formula_and_marks_can_go_along(deeds, datasets, person):
    dataset_id = made(deeds, datasets, person, "mine", [conversation("=HYPERLINK(1)", "+1"), conversation("a=b", "ok")])
    options = {"form": "csv", "format": "alpaca", "with_bom": True, "with_marks": True}
    summary, path = exported(person, dataset_id, **options)
    text = path.read_bytes().decode("utf-8")
    assert summary["neutralised"] == 2 and "'=HYPERLINK(1)" in text and "'+1" in text and text.startswith("\ufeff")
    assert text.splitlines()[0].endswith("split,tags,origin") and summary["bytes"] == path.stat().st_size


def test_an_export_of_no_row_or_of_nothing_known_is_refused(tea, deeds, person):
    _, tea_id = tea
    with pytest.raises(DatasetEmpty):
        exported(person, tea_id, selection={"query": "nowhere"})
    assert not list(person.workspace.glob("jobs/*-export_rows-*/result/*"))
    for asked in ({}, {"form": "xlsx", "format": "messages"}, {"form": "csv", "format": "poem"}):
        with pytest.raises(OptionsInvalid):
            deeds.export(person, "deed", tea_id, asked)
    for selection in ({"query": 1}, {"nobody": 1}, [1]):
        with pytest.raises(RequestRefused):
            deeds.export(person, "deed", tea_id, {"form": "csv", "format": "alpaca", "selection": selection})


def test_deeds_of_the_real_queue_run_once_a_click_and_belong_to_their_person(studio, person, settings):
    deeds, datasets = studio.deeds, studio.datasets
    dataset_id = made(deeds, datasets, person, "mine", [conversation("Hi", "Yes.")])
    asked = {"form": "jsonl", "format": "messages"}
    jobs = {deeds.export(person, "export", dataset_id, asked) for _ in range(2)}
    jobs |= {deeds.duplicate(person, "copy", dataset_id, None) for _ in range(2)}
    assert len(jobs) == 2
    for job in jobs:
        assert studio.queue.wait(job, PATIENCE_S).status == "finished"
    assert sorted(one["name"] for one in datasets.list(person)) == ["mine", "mine (2)"]
    export = next(job for job in jobs if "-export_rows-" in job)
    assert deeds.find_file(person, export).name == "mine.jsonl"
    other = person_from("bob", {}, {}, settings)
    with pytest.raises(JobNotFound):
        deeds.find_file(other, export)
    with pytest.raises(JobNotFound):
        deeds.find_file(person, next(job for job in jobs if job != export))
    with pytest.raises(NotYours):
        deeds.export(other, "export", dataset_id, asked)
    with pytest.raises(NameUnsafe):
        deeds.duplicate(person, "bad", dataset_id, "a/b")
