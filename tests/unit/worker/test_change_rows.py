"""The job that changes very many rows: what it planned is written only as far as it still holds."""

from __future__ import annotations

import pytest

from studio.data.selection import Selection
from studio.events import Finished, Phase
from studio.people import Person
from studio.services.datasets import Datasets
from studio.worker import change_rows
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
