"""The dataset card: what a person wrote is kept, and the checklist is ticked by facts alone."""

from __future__ import annotations

import pytest

from studio.errors import NotYours, OptionsInvalid
from studio.services.checks import Checks
from studio.services.dataset_bulk import Bulk
from studio.services.dataset_card import Cards
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.store.connection import transaction
from tests.checked_datasets import Checked, write_dataset
from tests.dataset_jobs import NoQueue, conversation

ROWS = [conversation(f"Is cup number {number} still for sale?", f"Yes, for {number} yen.") for number in range(1, 9)]
LEAK = conversation("ＩＳ cup number 1 still for sale?", "Yes, for 1 yen.")


@pytest.fixture
def datasets(settings) -> Datasets:
    return Datasets(settings, NoQueue())


@pytest.fixture
def cards(datasets) -> Cards:
    return Cards(datasets)


def _points(cards: Cards, person, dataset: Checked) -> dict[str, tuple[bool, str]]:
    read = cards.read(person, dataset.dataset_id)["points"]
    return {point["name"]: (point["is_met"], point["reason"]) for point in read}


def test_nothing_is_ticked_before_anything_is_known(cards, person):
    dataset = write_dataset(person.workspace, ROWS)
    assert _points(cards, person, dataset) == {
        "purpose": (False, "missing"),
        "examples": (False, "no_bad"),
        "personal_data": (False, "not_checked"),
        "evaluation": (False, "nothing_held_out"),
    }
    assert cards.read(person, dataset.dataset_id)["profile"] is None


def test_points_are_ticked_by_what_was_found_and_unticked_by_a_change(cards, datasets, person):
    dataset = write_dataset(person.workspace, ROWS, held_out=(1, 2))
    assert _points(cards, person, dataset)["evaluation"] == (False, "not_checked")
    dataset.check()
    cards.write(person, dataset.dataset_id, {"purpose": "Sell  cups.", "licence": "CC0-1.0"})
    points = _points(cards, person, dataset)
    assert points["purpose"] == (True, "stated")
    assert points["personal_data"] == points["evaluation"] == (True, "clean")
    datasets.save_row(person, dataset.dataset_id, 3, 1, conversation("My number is 090-1234-5678.", "Thanks."), "edit")
    assert _points(cards, person, dataset)["personal_data"] == (False, "checked_before_changes")
    dataset.check()
    assert _points(cards, person, dataset)["personal_data"] == (False, "found")


def test_leakage_leaves_the_evaluation_unticked_until_it_is_mended_or_ignored(cards, datasets, settings, person):
    dataset = write_dataset(person.workspace, [*ROWS, LEAK], held_out=(1, 2))
    dataset.check()
    assert _points(cards, person, dataset)["evaluation"] == (False, "found")
    queue = Queue(settings)
    service = Checks(datasets, None, queue, Bulk(datasets, queue))
    service.ignore(person, dataset.dataset_id, "leakage", "exact", "It is meant.")
    assert _points(cards, person, dataset)["evaluation"] == (True, "clean_but_ignored")
    assert cards.read(person, dataset.dataset_id)["ignored"][0]["reason"] == "It is meant."


def test_tags_of_a_person_tell_good_and_bad_examples(cards, datasets, person):
    dataset = write_dataset(person.workspace, ROWS)
    with datasets.rows(person, dataset.dataset_id) as rows, transaction(rows.connection):
        rows.connection.executemany("INSERT INTO row_tags VALUES (?, ?)", [(1, "good"), (2, "bad")])
    assert _points(cards, person, dataset)["examples"] == (True, "both")


def test_what_a_person_writes_is_kept_as_one_line_and_within_limits(cards, person):
    dataset = write_dataset(person.workspace, ROWS)
    assert cards.write(person, dataset.dataset_id, {"purpose": " Sell \n cups. "}) == {
        "purpose": "Sell cups.",
        "licence": "",
    }
    with pytest.raises(OptionsInvalid) as refused:
        cards.write(person, dataset.dataset_id, {"purpose": "x" * 301, "licence": "y" * 201})
    assert [problem["field"] for problem in refused.value.problems] == ["purpose", "licence"]
    assert cards.read(person, dataset.dataset_id)["purpose"] == "Sell cups."
    with pytest.raises(NotYours):
        cards.read(person, "d-" + "0" * 16)
