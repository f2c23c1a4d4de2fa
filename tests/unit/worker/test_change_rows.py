"""The job that changes very many rows: what it planned is written only as far as it still holds."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from studio.data.selection import Selection
from studio.errors import ChangedMeanwhile, PatternTooSlow
from studio.events import Finished, Phase
from studio.people import Person
from studio.services.checks import Checks
from studio.services.dataset_bulk import Bulk
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.store.dataset_file import open_dataset
from studio.store.masks import Masks, masks_path
from studio.store.other_rows import one_fix_at_a_time
from studio.worker import change_rows, make_rows
from studio.worker.context import WorkerJob
from tests.checked_datasets import Checked, write_dataset
from tests.dataset_jobs import NoQueue, conversation, make_job


@pytest.fixture
def datasets(settings) -> Datasets:
    return Datasets(settings, NoQueue())


def _job(made: Checked, action: dict, selection: Selection | None = None):
    asked = (selection or Selection()).as_json()
    return make_job(
        made.workspace, "change_rows", {"dataset_id": made.dataset_id, "selection": asked, "action": action}
    )


def _changed(job, meanwhile) -> dict:
    """The job's summary; meanwhile: what happens after it has planned and before it writes."""
    for event in change_rows.run(job):
        if isinstance(event, Phase) and event.name == "changing":
            meanwhile()
    assert isinstance(event, Finished)
    return event.summary


def test_of_two_equal_rows_one_stays_where_the_other_is_deleted_while_the_fix_is_planned(datasets, person: Person):
    made = write_dataset(person.workspace, [conversation("Do you sell mugs?", "Yes.")] * 2)
    made.check("exact_duplicates")
    job = _job(made, {"kind": "fix", "check": "exact_duplicates", "code": "same_row"})
    told = _changed(job, lambda: datasets.delete_row(person, made.dataset_id, 1, "delete"))
    assert (told["changed"], told["skipped"]) == (0, {"other_gone": 1})
    assert datasets.info(person, made.dataset_id)["rows"] == 1


def test_a_check_that_ran_again_meanwhile_does_not_make_an_old_plan_true(datasets, person: Person):
    """After the edit row 2 is like no other; the newer run has seen that, the plan has not."""
    made = write_dataset(person.workspace, [conversation("Do you sell mugs?", "Yes.")] * 2)
    made.check("exact_duplicates")

    def meanwhile() -> None:
        datasets.save_row(person, made.dataset_id, 1, 1, conversation("Do you sell pens?", "Yes."), "edit")
        made.check("exact_duplicates")

    job = _job(made, {"kind": "fix", "check": "exact_duplicates", "code": "same_row"})
    assert _changed(job, meanwhile)["changed"] == 0


def test_what_is_ignored_while_its_fix_is_planned_stays_as_it_is(datasets, settings, person: Person):
    """First one of three rows, then whatever the code found: the plan is older than either."""
    rows = [conversation(f"I am {name}@mugs.shop.", "Hello.") for name in ("ann", "ken", "mia")]
    made = write_dataset(person.workspace, rows)
    made.check("personal_data")
    queue = Queue(settings)
    service = Checks(datasets, None, queue, Bulk(datasets, queue))
    code = ("personal_data", "email")
    fix = {"kind": "fix", "check": code[0], "code": code[1]}
    of_ken = made.found(*code)[1].finding_id
    told = _changed(_job(made, fix), lambda: service.ignore(person, made.dataset_id, *code, "It is ours.", of_ken))
    assert (told["changed"], told["skipped"]) == (2, {"ignored": 1})
    assert datasets.row(person, made.dataset_id, 2)["record"] == rows[1]
    datasets.undo(person, made.dataset_id, "undo")
    made.check("personal_data")
    told = _changed(_job(made, fix), lambda: service.ignore(person, made.dataset_id, *code, "All are ours."))
    assert (told["changed"], told["skipped"]) == (0, {"ignored": 2})


def test_a_row_stays_where_the_other_dataset_s_is_left_out_because_of_it_while_the_fix_is_planned(
    datasets, settings, person: Person
):
    rows = [conversation("Do you sell mugs?", "Yes.")]
    one, other = (write_dataset(person.workspace, rows, name=name) for name in ("First", "Second"))
    one.check("leakage")
    other.check("leakage")
    fix = {"kind": "fix", "check": "leakage", "code": "other_exact"}
    bulk = Bulk(datasets, NoQueue())
    told = _changed(_job(one, fix), lambda: bulk.apply(person, other.dataset_id, Selection(), fix, "other"))
    assert (told["changed"], told["skipped"]) == (0, {"elsewhere_gone": 1})
    assert [datasets.info(person, each.dataset_id)["rows"] for each in (one, other)] == [1, 0]
    with one_fix_at_a_time(person.workspace, lambda: None):
        waiting = _job(one, fix)
        events = change_rows.run(waiting)
        assert [next(events).name, next(events).name] == ["planning", "changing"]
        (waiting.folder / "stop").touch()
        assert list(events) == [], "a job that waits for another fix hears the stop"


def test_what_a_job_works_out_before_it_writes_is_kept_as_if_it_were_worked_out_then(datasets, person: Person):
    """The same rows changed at once and by a job: one is not touched, one would be left without a text."""
    rows = [
        conversation("A grey mug, a grey cup?", "Grey 茶."),
        conversation("Hello.", "Hi."),
        conversation("grey", "x"),
    ]
    replacing = {"kind": "replace", "find": "grey", "put": "", "is_regex": False}
    kept = []
    for name, is_job in (("At once", False), ("By a job", True)):
        made = write_dataset(person.workspace, rows, name=name)
        if is_job:
            told = _changed(_job(made, replacing), lambda: None)
        else:
            told = Bulk(datasets, NoQueue()).apply(person, made.dataset_id, Selection(), replacing, "deed")
        assert (told["changed"], told["skipped"]) == (1, {"unusable": 1})
        with open_dataset(made.path) as connection:
            tables = ("rows", "change_rows", "blocks")
            kept.append([tuple(row) for table in tables for row in connection.execute(f"SELECT * FROM {table}")])
        datasets.undo(person, made.dataset_id, "undo")
        assert [datasets.row(person, made.dataset_id, n)["record"] for n in (1, 2, 3)] == rows
    assert kept[0] == kept[1]


def test_a_job_that_waits_until_another_large_change_is_written_hears_the_stop(datasets, person: Person):
    """The stop comes when the job first looks for it while it waits."""
    made = write_dataset(person.workspace, [conversation("Do you sell mugs?", "Yes.")])
    template = {"prompt": "Do you sell {thing}?", "reply": "Yes.", "slots": {"thing": ["pens", "cups"]}}
    asked = {"kind": "conversation", "seeds": [1], "count": 2, "seed": 7, "template": template}
    making = make_job(made.workspace, "make_rows", {"dataset_id": made.dataset_id} | asked)
    for job, run in ((_job(made, {"kind": "delete"}), change_rows.run), (making, make_rows.run)):

        def stop_and_heed(job: WorkerJob = job) -> None:
            (job.folder / "stop").touch()
            WorkerJob.heed_stop(job)

        job.heed_stop = stop_and_heed
        with open_dataset(made.path) as other:
            other.execute("BEGIN IMMEDIATE")
            kinds = [event.kind for event in run(job)]
        assert kinds == (["phase"] if run is change_rows.run else ["phase", "stopped"])
    assert datasets.info(person, made.dataset_id)["rows"] == 1


def test_a_job_that_still_searches_is_stopped_and_one_that_found_changes_what_it_found(datasets, person: Person):
    """Row 2 is edited after it was found: it may say something else by now, and stays."""
    made = write_dataset(person.workspace, [conversation(f"Order {n}?", "Yes.") for n in range(4)])
    tag = {"kind": "tag", "add": ["order"]}
    stopped = _job(made, tag, Selection(query="(a|aa)+b", is_regex=True))
    (stopped.folder / "stop").touch()
    assert list(change_rows.run(stopped)) == []
    job = _job(made, tag, Selection(query=r"Order [0-2]", is_regex=True))
    edited = conversation("Nothing.", "Yes.")
    told = _changed(job, lambda: datasets.save_row(person, made.dataset_id, 2, 1, edited, "edit"))
    assert (told["changed"], told["skipped"], told["skipped_rows"]) == (2, {"changed": 1}, [2])
    page = datasets.page(person, made.dataset_id, {"tags": ["order"]})
    assert [row["row_id"] for row in page["rows"]] == [1, 3]


def test_a_row_of_thousands_of_slow_texts_is_given_up_or_stopped_and_stays_as_it_is(
    datasets, person: Person, monkeypatch
):
    """Each of the 3,000 texts takes some 40 ms, far from a text's limit; all of them take two minutes."""
    slow = {"messages": [turn for _ in range(1500) for turn in conversation("a" * 22, "a" * 22)["messages"]]}
    made = write_dataset(person.workspace, [conversation("aab", "Yes."), slow])
    replacing = {"kind": "replace", "find": "(a|aa)+b", "put": "c", "is_regex": True}
    began_s = time.monotonic()
    stopped = _job(made, replacing)
    kinds = []
    for event in change_rows.run(stopped):
        kinds.append(event.name)
        (stopped.folder / "stop").touch()
    assert kinds == ["planning"]
    monkeypatch.setattr("studio.data.row_actions.RECORD_TIME_S", 0.3)
    with pytest.raises(PatternTooSlow) as refused:
        list(change_rows.run(_job(made, replacing)))
    assert refused.value.values["seconds"] == 0.3, "the row's limit, not a text's"
    monkeypatch.setattr("studio.services.dataset_bulk.LOOK_S", 0.2)
    looked = Bulk(datasets, NoQueue()).look(person, made.dataset_id, Selection(), replacing)
    assert (looked["rows"], looked["complete"]) == (1, False)
    assert time.monotonic() - began_s < 5
    assert [datasets.row(person, made.dataset_id, number)["revision"] for number in (1, 2)] == [1, 1]


def test_a_placeholder_keeps_its_one_meaning_where_somebody_masks_a_row_while_a_job_plans(datasets, person: Person):
    """The job numbers Ann first; a person masks Ken's row before it writes, so that 1 is Ken's and Ann becomes 2."""
    mails = ("ann@mugs.shop", "ken@mugs.shop")
    made = write_dataset(person.workspace, [conversation(f"I am {mail}.", "Hello.") for mail in mails])
    made.check("personal_data")
    fix = {"kind": "fix", "check": "personal_data", "code": "email"}
    asked = Selection(check="personal_data", check_code="email")
    bulk = Bulk(datasets, NoQueue())
    told = _changed(
        _job(made, fix, asked),
        lambda: bulk.apply(person, made.dataset_id, replace(asked, row_ids=(2,)), fix, "ken"),
    )
    assert told["changed"] == 1
    said = [datasets.row(person, made.dataset_id, n)["record"]["messages"][0]["content"] for n in (1, 2)]
    assert said == ["I am ⟨EMAIL_2⟩.", "I am ⟨EMAIL_1⟩."]
    kept = Masks(masks_path(person.workspace, made.dataset_id))
    assert [kept.placeholder("email", mail) for mail in mails] == ["⟨EMAIL_2⟩", "⟨EMAIL_1⟩"]


def test_a_number_that_somebody_types_into_a_row_while_a_job_plans_is_given_to_nobody_else(datasets, person: Person):
    made = write_dataset(person.workspace, [conversation("I am ann@mugs.shop.", "Hello."), conversation("Hi.", "Hi.")])
    made.check("personal_data")
    job = _job(made, {"kind": "fix", "check": "personal_data", "code": "email"})
    typed = conversation("Ask ⟨EMAIL_1⟩.", "Hi.")
    told = _changed(job, lambda: datasets.save_row(person, made.dataset_id, 2, 1, typed, "edit"))
    assert told["changed"] == 1
    said = datasets.row(person, made.dataset_id, 1)["record"]["messages"][0]["content"]
    assert said == "I am ⟨EMAIL_2⟩."


def test_a_map_of_placeholders_is_never_saved_over_a_newer_one(tmp_path):
    older, newer = Masks(tmp_path / "map.json"), Masks(tmp_path / "map.json")
    newer.placeholder("email", "ken@example.com")
    newer.save()
    older.placeholder("email", "ann@example.com")
    with pytest.raises(ChangedMeanwhile):
        older.save()
    newer.placeholder("email", "mia@example.com")
    newer.save()
    assert Masks(tmp_path / "map.json").placeholder("email", "mia@example.com") == "⟨EMAIL_2⟩"
