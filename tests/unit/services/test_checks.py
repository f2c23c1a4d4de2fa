"""Checks as the pages use them: counted, read, mended and taken back, ignored with a reason."""

from __future__ import annotations

import json
import stat
from dataclasses import replace

import pytest

from studio.data.checks import CHECKS
from studio.data.selection import Selection
from studio.errors import FileUnreadable, NotYours, OptionsInvalid, RequestRefused
from studio.people import Person
from studio.services.checks import Checks
from studio.services.dataset_bulk import Bulk
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.store.masks import Masks, masks_path
from studio.store.other_rows import one_fix_at_a_time
from studio.worker.checks import run as run_checks
from tests.checked_datasets import Checked, write_dataset
from tests.dataset_jobs import NoQueue, conversation, make_job, run_job

DUPLICATES = ("exact_duplicates", "same_row")
ROWS = [
    conversation("Do you sell mugs?", "Yes."),
    conversation("Do you sell mugs?", "yes. "),
    {"messages": [*conversation("Is it free?", "No.")["messages"], {"role": "user", "content": "Thanks."}]},
    conversation("ＤＯ you sell mugs?", "Yes."),
]


@pytest.fixture
def datasets(settings) -> Datasets:
    return Datasets(settings, NoQueue())


@pytest.fixture
def service(settings, datasets) -> Checks:
    queue = Queue(settings)
    return Checks(datasets, None, queue, Bulk(datasets, queue))


@pytest.fixture
def checked(person: Person) -> Checked:
    made = write_dataset(person.workspace, ROWS)
    made.check()
    return made


def _check(service: Checks, person: Person, checked: Checked, name: str) -> dict:
    return next(one for one in service.list(person, checked.dataset_id)["checks"] if one["name"] == name)


def test_a_list_says_of_every_check_what_was_found_and_what_it_needs(service, person, checked):
    listed = service.list(person, checked.dataset_id)
    assert [one["name"] for one in listed["checks"]] == list(CHECKS.names)
    assert listed["ran"] == len(CHECKS.names) and not listed["is_stale"] and listed["job"] is None
    states = {one["name"]: one["status"] for one in listed["checks"]}
    assert states["exact_duplicates"] == states["schema"] == "found"
    assert (states["empty_sides"], states["truncation"]) == ("passed", "missing")
    assert listed["counts"]["warn"] >= 3


def test_a_dataset_that_never_was_checked_says_so(service, person):
    made = write_dataset(person.workspace, ROWS)
    listed = service.list(person, made.dataset_id)
    assert listed["ran"] == 0 and {one["status"] for one in listed["checks"]} == {"never"}


def test_a_finding_is_a_sentence_that_names_rows_by_their_place(service, person, checked, datasets):
    datasets.delete_row(person, checked.dataset_id, 3, "delete")
    page = service.findings(person, checked.dataset_id, *DUPLICATES, 1)
    assert [(one["position"], one["words"]) for one in page["findings"]] == [
        (2, "This row says the same as row 1."),
        (3, "This row says the same as row 1."),
    ]
    (japanese,) = service.of_row(replace(person, language="ja"), checked.dataset_id, 2)
    assert japanese["words"] == "1 行目と同じ内容です。"


def test_a_fix_is_shown_first_and_one_undo_takes_it_back(service, person, checked, datasets):
    preview = service.preview_fix(person, checked.dataset_id, *DUPLICATES)
    assert preview["rows"] == 2
    assert [(fix["position"], fix["leaves_out"]) for fix in preview["fixes"]] == [(2, True), (4, True)]
    assert preview["fixes"][0]["parts"][0] == {
        "section": "messages",
        "role": "user",
        "before": "Do you sell mugs?",
        "after": None,
    }
    done = service.fix(person, checked.dataset_id, *DUPLICATES, "deed")
    assert (done["changed"], done["skipped"]) == (2, {})
    assert service.fix(person, checked.dataset_id, *DUPLICATES, "deed")["changed"] == 2, "the same deed changes once"
    assert datasets.info(person, checked.dataset_id)["rows"] == 2
    assert _check(service, person, checked, "exact_duplicates")["found"] == 0
    datasets.undo(person, checked.dataset_id, "undo")
    assert datasets.info(person, checked.dataset_id)["rows"] == 4


def test_a_fix_of_one_row_leaves_the_others(service, person, checked, datasets):
    service.fix(person, checked.dataset_id, "schema", "ends_unanswered", "deed", [3])
    assert len(datasets.row(person, checked.dataset_id, 3)["record"]["messages"]) == 2
    assert service.fix(person, checked.dataset_id, *DUPLICATES, "one", [4])["changed"] == 1
    assert datasets.info(person, checked.dataset_id)["rows"] == 3


def test_of_two_equal_rows_one_always_stays(service, person, checked, datasets):
    """Row 1 is why rows 2 and 4 would go; it was deleted since, or says something else by now."""
    datasets.delete_row(person, checked.dataset_id, 1, "delete")
    done = service.fix(person, checked.dataset_id, *DUPLICATES, "deed")
    assert (done["changed"], done["skipped"]) == (0, {"other_gone": 2})
    datasets.undo(person, checked.dataset_id, "undo")
    datasets.save_row(person, checked.dataset_id, 1, 3, conversation("Do you sell cups?", "Yes."), "edit")
    assert service.fix(person, checked.dataset_id, *DUPLICATES, "again")["changed"] == 0


def test_a_row_stays_once_the_row_that_it_resembled_was_taken_back_to_what_it_said(service, person, datasets):
    made = write_dataset(person.workspace, [conversation("Is it free?", "No."), ROWS[0], ROWS[3]])
    datasets.save_row(person, made.dataset_id, 1, 1, ROWS[0], "edit")
    made.check()
    service._bulk.apply(person, made.dataset_id, Selection(), {"kind": "tag", "add": ["seen"]}, "tag")
    assert [fix["row_id"] for fix in service.preview_fix(person, made.dataset_id, *DUPLICATES)["fixes"]] == [2, 3]
    datasets.undo(person, made.dataset_id, "undo-tag")
    datasets.undo(person, made.dataset_id, "undo-edit")
    assert service.preview_fix(person, made.dataset_id, *DUPLICATES)["fixes"] == []
    done = service.fix(person, made.dataset_id, *DUPLICATES, "deed")
    assert (done["changed"], done["skipped"]) == (0, {"other_gone": 2})


def test_a_leaked_row_stays_once_the_two_are_on_one_side_of_the_split(service, person, datasets):
    rows = [ROWS[0], ROWS[3], *(conversation(f"Is it {n}?", "No.") for n in range(8))]
    made = write_dataset(person.workspace, rows, held_out=(2, 5))
    made.check()
    leaked = (person, made.dataset_id, "leakage", "exact")
    moves = ((2, "train"), (1, "held_out"))
    for row_id, side in moves:
        service._bulk.apply(
            person, made.dataset_id, Selection(row_ids=(row_id,)), {"kind": "split", "to": side}, f"to-{side}"
        )
        assert service.fix(*leaked, f"after-{side}")["skipped"] == {"other_gone": 1}
        datasets.undo(person, made.dataset_id, f"undo-{side}")
    datasets.set_held_out(person, made.dataset_id, 0.0, "share")
    assert service.fix(*leaked, "after-share")["skipped"] == {"other_gone": 1}
    datasets.undo(person, made.dataset_id, "undo-share")
    assert service.fix(*leaked, "deed")["changed"] == 1, "as it stood when it was found"


@pytest.fixture
def twins(service, person) -> tuple[Checked, Checked]:
    """Two datasets that hold the same two rows and one that asks the same; each was checked against the other."""
    made = [
        write_dataset(person.workspace, [*ROWS[:2], conversation("Is it free?", reply)], name=name)
        for name, reply in (("First", "No."), ("Second", "It is."))
    ]
    for one in made:
        one.check("leakage")
    return made[0], made[1]


def test_a_row_that_lies_in_two_datasets_stays_in_one_whichever_is_mended_first(service, person, twins, datasets):
    for one, rows in ((twins[0], 3), (twins[1], 0)):
        preview = service.preview_fix(person, one.dataset_id, "leakage", "other_exact")
        assert [fix["row_id"] for fix in preview["fixes"]] == ([1, 2] if rows else [])
        done = service.fix(person, one.dataset_id, "leakage", "other_exact", "exact")
        assert (done["changed"], done["skipped"]) == ((2, {}) if rows else (0, {"elsewhere_gone": 2}))
        done = service.fix(person, one.dataset_id, "leakage", "other_prompt", "prompt")
        assert (done["changed"], done["skipped"]) == ((1, {}) if rows else (0, {"elsewhere_gone": 1}))
        assert [datasets.info(person, each.dataset_id)["rows"] for each in twins] == [0, 3]
    datasets.undo(person, twins[0].dataset_id, "undo-prompt")
    assert service.fix(person, twins[1].dataset_id, "leakage", "other_prompt", "again")["changed"] == 1


def test_a_row_stays_where_the_row_of_the_other_dataset_says_something_else_or_its_dataset_is_gone(
    service, person, twins, datasets
):
    first, second = twins
    datasets.save_row(person, second.dataset_id, 1, 1, conversation("Do you sell mugs?", "No."), "edit")
    done = service.fix(person, first.dataset_id, "leakage", "other_exact", "one")
    assert (done["changed"], done["skipped"]) == (0, {"elsewhere_gone": 2}), (
        "both name row 1; what is left asks the same"
    )
    datasets.undo(person, second.dataset_id, "undo")
    datasets.rename(person, second.dataset_id, "Third")
    assert service.fix(person, first.dataset_id, "leakage", "other_exact", "two")["skipped"] == {"elsewhere_gone": 2}
    datasets.rename(person, second.dataset_id, "Second")
    assert len(service.preview_fix(person, first.dataset_id, "leakage", "other_exact")["fixes"]) == 2
    datasets.delete(person, second.dataset_id)
    assert service.fix(person, first.dataset_id, "leakage", "other_exact", "three")["skipped"] == {"elsewhere_gone": 2}


def test_a_row_that_stands_in_part_in_another_dataset_goes_while_it_does(service, person, datasets):
    story = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."
    other = write_dataset(person.workspace, [conversation("Who wrote " + story, "Nobody.")], name="Sums")
    made = write_dataset(person.workspace, [conversation(story, "72."), conversation(story + " Sum?", "72.")])
    made.check("leakage")
    contained = ("leakage", "other_contained")
    assert service.fix(person, made.dataset_id, *contained, "one", [1])["changed"] == 1
    datasets.delete_row(person, other.dataset_id, 1, "delete")
    assert service.fix(person, made.dataset_id, *contained, "two")["skipped"] == {"elsewhere_gone": 1}


def test_two_fixes_that_go_by_each_other_s_rows_wait_for_each_other(service, person, twins, monkeypatch):
    monkeypatch.setattr("studio.services.dataset_bulk.AT_ONCE_S", 0.1)
    held_by_another = one_fix_at_a_time(person.workspace, lambda: None)
    with held_by_another:
        left = service.fix(person, twins[0].dataset_id, "leakage", "other_exact", "waits")
        assert set(left) == {"job_id"}, "what cannot be done at once is a job's, which waits"
    assert service.fix(person, twins[0].dataset_id, "leakage", "other_exact", "goes")["changed"] == 2


def test_a_row_that_was_edited_meanwhile_is_left_as_it_is(service, person, checked, datasets):
    datasets.save_row(person, checked.dataset_id, 2, 1, conversation("Do you sell cups?", "Yes."), "edit")
    listed = _check(service, person, checked, "exact_duplicates")
    assert listed["is_stale"]
    assert [(code["found"], code["stale"]) for code in listed["codes"] if code["code"] == "same_row"] == [(1, 1)]
    assert service.fix(person, checked.dataset_id, *DUPLICATES, "deed")["changed"] == 1


def test_what_is_ignored_needs_a_reason_and_can_be_taken_back(service, person, checked):
    for reason in ("", "   ", "x" * 501):
        with pytest.raises(OptionsInvalid):
            service.ignore(person, checked.dataset_id, *DUPLICATES, reason)
    finding = service.findings(person, checked.dataset_id, *DUPLICATES, 1)["findings"][0]
    service.ignore(person, checked.dataset_id, *DUPLICATES, "Asked that often.", finding["finding_id"])
    listed = service.list(person, checked.dataset_id)
    (ignored,) = listed["ignored"]
    assert (ignored["position"], ignored["reason"], ignored["person"]) == (2, "Asked that often.", person.name)
    assert ignored["words"] == "This row says the same as row 1."
    assert _check(service, person, checked, "exact_duplicates")["found"] == 1
    service.ignore(person, checked.dataset_id, *DUPLICATES, "All are meant.")
    codes = _check(service, person, checked, "exact_duplicates")["codes"]
    assert [(one["found"], one["ignored"], one["is_ignored"]) for one in codes if one["code"] == "same_row"] == [
        (0, 2, True)
    ]
    for one in service.list(person, checked.dataset_id)["ignored"]:
        service.take_back(person, checked.dataset_id, one["ignored_id"])
    assert _check(service, person, checked, "exact_duplicates")["found"] == 2


def test_settings_that_cannot_be_used_are_all_named(service, person, checked):
    with pytest.raises(OptionsInvalid) as refused:
        service.set_settings(person, checked.dataset_id, {"forbidden": [""], "max_length": 0})
    assert {problem["field"] for problem in refused.value.problems} == {"forbidden", "max_length"}
    with pytest.raises(NotYours):
        service.set_settings(person, checked.dataset_id, {"compared": ["d-" + "0" * 16]})
    kept = service.set_settings(person, checked.dataset_id, {"group_field": "author"})
    assert kept["group_field"] == "author"
    outdated = [one["name"] for one in service.list(person, checked.dataset_id)["checks"] if one["is_outdated"]]
    assert outdated == ["group_leakage"]


def test_nobody_reaches_a_check_that_is_none_or_another_s_dataset(service, person, checked):
    for check, code in (("nothing", "same_row"), ("schema", "nothing"), ("exact_duplicates", "same_prompt")):
        with pytest.raises(RequestRefused):
            service.preview_fix(person, checked.dataset_id, check, code)
    with pytest.raises(RequestRefused):
        service.run(person, checked.dataset_id, ["nothing"], "deed")
    stranger = replace(person, workspace=person.workspace.parent / "other")
    with pytest.raises(NotYours):
        service.list(stranger, checked.dataset_id)


def test_a_run_on_its_way_is_the_one_that_is_asked_for_again(service, person, checked):
    first = service.run(person, checked.dataset_id, [], "one")
    assert service.run(person, checked.dataset_id, ["schema"], "two") == first
    assert service.list(person, checked.dataset_id)["job"]["job_id"] == first


def test_only_a_small_dataset_that_never_was_checked_is_checked_by_itself(service, person, checked):
    assert service.run_first(person, checked.dataset_id) is None
    made = write_dataset(person.workspace, ROWS)
    assert service.run_first(person, made.dataset_id)
    assert service.run_first(person, write_dataset(person.workspace, []).dataset_id) is None


def test_a_first_run_beside_large_datasets_compares_with_none_and_says_so(service, person, monkeypatch):
    write_dataset(person.workspace, ROWS)
    made = write_dataset(person.workspace, ROWS)
    monkeypatch.setattr("studio.services.checks.COMPARED_ROWS", 3)
    options = service._queue.find(person, service.run_first(person, made.dataset_id)).spec.options
    assert options["compares"] is False
    list(run_checks(make_job(made.workspace, "check", options)))
    checks = {one["name"]: one for one in service.list(person, made.dataset_id)["checks"]}
    assert checks["leakage"]["found"] == 0 and checks["leakage"]["is_outdated"]
    assert not checks["exact_duplicates"]["is_outdated"]
    made.check()
    assert _check(service, person, made, "leakage")["found"] == len(ROWS)


def test_the_map_of_placeholders_is_kept_outside_the_dataset_for_its_owner_alone(
    service, person, checked, datasets, monkeypatch
):
    plug = CHECKS["schema"]

    def mask(self, record, values, fixer):
        text = fixer.placeholder("email", "ann@example.org") + fixer.placeholder("email", "ken@example.org")
        return conversation(text, fixer.placeholder("email", "ann@example.org"))

    monkeypatch.setattr(type(plug), "fix", mask)
    path = masks_path(person.workspace, checked.dataset_id)
    service.preview_fix(person, checked.dataset_id, "schema", "ends_unanswered")
    assert not path.exists(), "a preview keeps nothing"
    service.fix(person, checked.dataset_id, "schema", "ends_unanswered", "deed")
    assert datasets.row(person, checked.dataset_id, 3)["record"] == conversation("⟨EMAIL_1⟩⟨EMAIL_2⟩", "⟨EMAIL_1⟩")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text("utf-8"))["kinds"] == {
        "email": {"ann@example.org": "⟨EMAIL_1⟩", "ken@example.org": "⟨EMAIL_2⟩"}
    }
    assert Masks(path).placeholder("email", "mia@example.org") == "⟨EMAIL_3⟩"
    path.write_text("{}", "utf-8")
    with pytest.raises(FileUnreadable):
        service.preview_fix(person, checked.dataset_id, "schema", "ends_unanswered")
    datasets.delete(person, checked.dataset_id)
    assert not path.exists()


def test_a_version_knows_the_errors_that_stood_open_when_it_was_saved(service, person, datasets):
    rows = [conversation("Do you sell mugs?", "Yes."), conversation("ＤＯ you sell mugs?", "Yes.")]
    made = write_dataset(person.workspace, rows, held_out=(2,))
    made.check()
    first = _save(made)
    assert service.errors_of_version(person, first) == {"id": made.dataset_id, "errors": 1}
    service.ignore(person, made.dataset_id, "leakage", "exact", "It is meant.")
    assert service.errors_of_version(person, first)["errors"] == 0, "ignored since, and the rows are as they were"
    service.take_back(person, made.dataset_id, service.list(person, made.dataset_id)["ignored"][0]["ignored_id"])
    datasets.save_row(person, made.dataset_id, 1, 1, conversation("Do you sell pens?", "Yes."), "edit")
    assert service.errors_of_version(person, first)["errors"] == 1, "the rows have changed, the version has not"
    assert service.errors_of_version(person, _save(made))["errors"] == 0
    datasets.delete(person, made.dataset_id)
    with pytest.raises(NotYours):
        service.errors_of_version(person, first)


def _save(made: Checked) -> str:
    return list(run_job(make_job(made.workspace, "save_version", {"dataset_id": made.dataset_id})))[-1].result
