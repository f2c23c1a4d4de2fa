"""The check job: what it finds replaces what it found before, at once or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from studio.data.checking import FACT
from studio.data.checks import CHECKS
from studio.errors import NotYours
from studio.events import Finished, Stopped
from studio.services.dataset_rows import DatasetRows
from studio.store.connection import transaction
from studio.store.dataset_file import open_dataset
from studio.store.findings import Findings
from studio.store.table import Table
from studio.worker import checks
from tests.checked_datasets import Checked, write_dataset
from tests.dataset_jobs import conversation, make_job

POCKET = Path(__file__).resolve().parents[3] / "assets" / "pocket"
SAME = [conversation("Do you sell mugs?", "Yes."), conversation("Do you sell pens?", "No.")]


def _dataset(folder: Path, records: list[dict]) -> Checked:
    return write_dataset(folder / "people" / "local", records)


def _edit(dataset: Checked, row_id: int, record: dict) -> None:
    with open_dataset(dataset.path) as connection:
        rows = DatasetRows(connection, "local")
        rows.save(row_id, rows.row(row_id)["revision"], record, f"edit-{row_id}")


def test_a_run_replaces_what_the_last_one_found_and_tells_when_it_looked(tmp_path):
    dataset = _dataset(tmp_path, [*SAME, SAME[0]])
    assert isinstance(dataset.check("exact_duplicates")[-1], Finished)
    assert dataset.counts() == {("exact_duplicates", "same_row"): (1, 1)}
    _edit(dataset, 3, conversation("Do you sell cups?", "Yes."))
    assert dataset.counts() == {}, "a finding of a row that was changed stands no more"
    dataset.check("exact_duplicates")
    with open_dataset(dataset.path) as connection:
        found = Findings(connection)
        assert found.count_all() == {}
        run = found.runs()["exact_duplicates"]
    assert (run.rows, run.last_change, run.missing) == (3, 1, None)


def test_every_check_runs_by_default_and_says_what_it_would_need(tmp_path):
    dataset = _dataset(tmp_path, SAME)
    finished = dataset.check()[-1]
    assert list(finished.summary["found"]) == list(CHECKS.names)
    with open_dataset(dataset.path) as connection:
        runs = Findings(connection).runs()
    assert set(runs) == set(CHECKS.names)
    assert {name: run.missing for name, run in runs.items()} == {check.name: check.needs for check in CHECKS}


def test_a_stop_keeps_what_finished_checks_found_and_leaves_the_rest_as_it_was(tmp_path):
    dataset = _dataset(tmp_path, [*SAME, SAME[0]])
    dataset.check("exact_duplicates")
    job = make_job(dataset.workspace, "check", {"dataset_id": dataset.dataset_id, "checks": ["exact_duplicates"]})
    (job.folder / "stop").touch()
    events = list(checks.run(job))
    assert isinstance(events[-1], Stopped)
    assert dataset.counts() == {("exact_duplicates", "same_row"): (1, 1)}
    assert not list(job.folder.glob("*.part"))


def test_a_run_that_breaks_while_it_writes_changes_nothing(tmp_path):
    dataset = _dataset(tmp_path, [*SAME, SAME[0]])
    dataset.check("exact_duplicates")
    with open_dataset(dataset.path) as connection:
        found = Findings(connection)
        run = found.runs()["exact_duplicates"]

        def torn():
            yield ("same_row", 1, 1, "{}")
            raise OSError("the disk is gone")

        with pytest.raises(OSError):
            found.replace(run, torn())
        assert found.count_open() == {("exact_duplicates", "same_row"): (1, 1)}


def test_people_save_rows_while_a_check_thinks(tmp_path, monkeypatch):
    dataset = _dataset(tmp_path, [*SAME, SAME[0]])
    plug = CHECKS["exact_duplicates"]
    find = type(plug).find

    def meanwhile(self, rows, context):
        first = next(rows())
        _edit(dataset, 3, conversation("Do you sell cups?", "Yes."))
        assert first.row_id == 1
        yield from find(self, rows, context)

    monkeypatch.setattr(type(plug), "find", meanwhile)
    dataset.check("exact_duplicates")
    assert dataset.counts() == {}, "it saw the row as it was before the edit, and says so"
    with open_dataset(dataset.path) as connection:
        assert Findings(connection).count_stale() == {("exact_duplicates", "same_row"): 1}


def test_what_is_ignored_stays_so_until_it_is_taken_back_or_something_else_is_found(tmp_path):
    dataset = _dataset(tmp_path, [*SAME, SAME[0]])
    dataset.check("exact_duplicates")
    with open_dataset(dataset.path) as connection:
        found = Findings(connection)
        (finding,) = found.page("exact_duplicates", "same_row", 0, 50)
        found.ignore(finding, "It is asked that often.", "Ann")
        found.ignore(finding, "Again.", "Ann")
    dataset.check("exact_duplicates")
    assert dataset.counts() == {}
    with open_dataset(dataset.path) as connection:
        found = Findings(connection)
        (ignored,) = found.ignored()
        assert (ignored.row_id, ignored.reason, ignored.person) == (3, "It is asked that often.", "Ann")
        found.take_back(ignored.ignored_id)
        found.ignore(("exact_duplicates", "same_row"), "All of them are meant.", "Ann")
    dataset.check("exact_duplicates")
    assert dataset.counts() == {}
    with open_dataset(dataset.path) as connection:
        found = Findings(connection)
        found.take_back(found.ignored()[0].ignored_id)
        kept = connection.execute("SELECT COUNT(*) FROM ignored WHERE taken_back IS NOT NULL").fetchone()[0]
    assert kept == 2, "who had ignored what and why stays written"
    assert dataset.counts() == {("exact_duplicates", "same_row"): (1, 1)}


def test_words_that_are_forbidden_come_from_the_dataset_s_own_settings(tmp_path):
    dataset = _dataset(tmp_path, SAME)
    with open_dataset(dataset.path) as connection, transaction(connection):
        Table(connection).write_facts({FACT: {"group_field": "author"}})
    dataset.check("schema")
    with open_dataset(dataset.path) as connection:
        assert Findings(connection).runs()["schema"].settings["group_field"] == "author"


def test_a_dataset_of_nobody_is_not_checked(tmp_path):
    dataset = _dataset(tmp_path, SAME)
    job = make_job(dataset.workspace, "check", {"dataset_id": "d-" + "0" * 16, "checks": []})
    with pytest.raises(NotYours):
        list(checks.run(job))


def test_the_view_of_open_findings_is_quick_for_one_row(tmp_path):
    dataset = _dataset(tmp_path, SAME)
    with open_dataset(dataset.path) as connection:
        plan = connection.execute("EXPLAIN QUERY PLAN SELECT * FROM open_findings WHERE row_id = 1").fetchall()
    assert any("findings_row" in row["detail"] for row in plan), [tuple(row) for row in plan]
    assert isinstance(plan[0], sqlite3.Row)


def test_rows_are_measured_for_the_chosen_base_and_what_its_length_cuts_is_found(tmp_path):
    """As the pocket model reads them, the third reply begins at token 89 of 94, the fourth row has 172 tokens."""
    dataset = _dataset(tmp_path, [*SAME, conversation("Hello. " * 40, "Good morning."), conversation("Hi", "Go " * 80)])
    settings = {"base": "pocket", "max_length": 80}
    with open_dataset(dataset.path) as connection, transaction(connection):
        Table(connection).write_facts({FACT: settings})
    options = {"dataset_id": dataset.dataset_id, "checks": ["truncation"], "base_folder": str(POCKET)}
    list(checks.run(make_job(dataset.workspace, "check", options)))
    (nothing,) = dataset.found("truncation", "nothing_left")
    (cut,) = dataset.found("truncation", "cut")
    assert (nothing.row_id, cut.row_id) == (3, 4)
    assert (nothing.values["tokens"], cut.values["over"]) == (94, 92)
