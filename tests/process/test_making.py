"""Rows that are made: by a template and by the pocket model through the real server, sifted, accepted, taken back."""

from __future__ import annotations

import json
import os
import signal

import pytest

from studio.data.selection import Selection
from studio.errors import ModelNotFound, NotYours, OptionsInvalid, RecordInvalid, RequestRefused, SeedsMissing
from studio.models.catalogue import POCKET
from studio.people import person_from
from studio.services.making import ACTION
from tests.processes import wait_for

WAIT_S = 120.0
POCKET_COLUMN = {"kind": "model", "id": POCKET}
TEMPLATE = {
    "prompt": "How much is the {product}?",
    "reply": "The {product} costs {price} yen.",
    "slots": {"product": ["mug", "clock", "pot"], "price": ["500", "900"]},
}


def talk(question: str, reply: str) -> dict:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


@pytest.fixture
def shop(studio, person, tmp_path) -> str:
    """A dataset of three rows, none of them held out."""
    names = enumerate(("mug", "pot", "pen"), 1)
    rows = [talk(f"Where do I find the {name}?", f"The {name} is on shelf {n}.") for n, name in names]
    path = tmp_path / "shop.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    job = studio.datasets.import_upload(person, "import", path, "shop.jsonl", None, {"held_out_fraction": 0})
    assert studio.queue.wait(job, WAIT_S).status == "finished"
    return studio.datasets.list(person)[0]["id"]


def made_by_template(studio, person, dataset, deed="t", **changed) -> str:
    job = studio.making.start(person, dataset, deed, {"how": "template", "count": 6, "template": TEMPLATE} | changed)
    assert studio.queue.wait(job, WAIT_S).status == "finished"
    return job


def open_rows(studio, person, dataset) -> list[dict]:
    return studio.making.queue(person, dataset, "open", 1)["rows"]


def test_a_template_fills_the_queue_and_accepted_rows_carry_their_origin(studio, person, shop):
    seen = studio.making.look_at_template(TEMPLATE)
    assert (seen["combinations"], seen["slots"], len(seen["examples"])) == (6, ["product", "price"], 3)
    job = made_by_template(studio, person, shop)
    told = studio.making.queue(person, shop, "open", 1)
    assert told["job"] == {"id": job, "status": "finished", "total": 6, "how": "template", "tried": 6, "passed": 3}
    assert told["counts"] == {"open": 3, "accepted": 0, "rejected": 0, "sifted": 3}, (
        "one question, two prices: said once"
    )
    first, second, third = told["rows"]
    assert studio.making.accept(person, shop, "a", [first["id"]], None) == 1
    assert studio.making.accept(person, shop, "a", [first["id"]], None) == 0, "the same deed, once"
    edited = {"question": "How much is it?", "reply": "It costs 500 yen."}
    assert studio.making.accept(person, shop, "b", [second["id"]], edited) == 1
    assert studio.making.reject(person, shop, [third["id"]]) == 1
    info = studio.datasets.info(person, shop)
    assert info["rows"] == 5
    (accepted, changed) = studio.making.queue(person, shop, "accepted", 1)["rows"]
    row = studio.datasets.row(person, shop, accepted["row_id"])
    assert row["record"] == talk(first["question"], first["reply"])
    assert row["meta"]["made"]["how"] == "template" and row["meta"]["made"]["job"] == job
    assert row["meta"]["made"]["filled"].keys() == {"product", "price"}
    assert studio.datasets.row(person, shop, changed["row_id"])["meta"]["made"]["edited"] is True
    assert studio.making.reopen(person, shop, [third["id"]]) == 1


def test_all_open_ones_are_accepted_as_one_change_that_undo_takes_back(studio, person, shop):
    made_by_template(studio, person, shop)
    assert studio.making.accept(person, shop, "all", studio.making.queue(person, shop, "open", 1)["newest"], None) == 3
    assert studio.datasets.info(person, shop)["rows"] == 6
    assert studio.datasets.undo(person, shop, "back")["kind"] == ACTION
    assert studio.datasets.info(person, shop)["rows"] == 3
    again = studio.making.queue(person, shop, "open", 1)
    assert again["counts"] == {"open": 3, "accepted": 0, "rejected": 0, "sifted": 3}, "what was taken back waits again"
    assert studio.making.accept(person, shop, "once more", [again["rows"][0]["id"]], None) == 1
    assert studio.datasets.info(person, shop)["rows"] == 4


def test_all_means_all_that_were_seen(studio, person, shop):
    made_by_template(studio, person, shop)
    seen = studio.making.queue(person, shop, "open", 1)["newest"]
    other = TEMPLATE | {"prompt": "Who sells the {product}?"}
    made_by_template(studio, person, shop, "later", template=other)
    assert studio.making.accept(person, shop, "all", seen, None) == 3
    assert studio.making.reject(person, shop, seen) == 0
    assert len(open_rows(studio, person, shop)) == 3


def test_seeds_that_are_picked_by_hand_are_never_held_out(studio, person, shop):
    studio.bulk.apply(person, shop, Selection(row_ids=(2,)), {"kind": "split", "to": "held_out"}, "move")
    asked = {"how": "model", "count": 1, "column": POCKET_COLUMN}
    with pytest.raises(SeedsMissing):
        studio.making.start(person, shop, "x", asked | {"row_ids": [2]})
    job = studio.queue.find(person, studio.making.start(person, shop, "y", asked | {"row_ids": [1, 2]}))
    assert job.spec.options["seeds"] == [1]
    job.ask_stop()


@pytest.mark.slow
def test_a_model_writes_rows_from_seeds_and_its_size_is_told(studio, person, shop):
    choices = studio.making.choices(person, shop)
    assert choices["makeable"] and choices["seeds"] == 3
    (pocket,) = [model for model in choices["models"] if model["id"] == POCKET]
    assert pocket["size"] == "tiny" and pocket["parameters"] < 10_000_000
    asked = {"how": "model", "count": 3, "column": POCKET_COLUMN, "temperature": 1.0, "max_tokens": 24}
    job = studio.making.start(person, shop, "m", asked)
    assert studio.making.start(person, shop, "m", asked) == job
    assert studio.queue.wait(job, WAIT_S).status == "finished"
    told = studio.making.queue(person, shop, "open", 1)
    assert 0 < told["job"]["tried"] <= 12 and told["job"]["passed"] <= 3
    assert told["job"]["tried"] == sum(told["counts"].values())
    everything = told["rows"] + studio.making.queue(person, shop, "sifted", 1)["rows"]
    assert all(one["origin"]["model"] and set(one["origin"]["seeds"]) <= {1, 2, 3} for one in everything)
    assert all(one["problems"] for one in everything if one["state"] == "sifted")


@pytest.mark.slow
def test_a_killed_maker_is_told_and_what_it_made_is_there(studio, person, shop):
    asked = {"how": "model", "count": 500, "column": POCKET_COLUMN, "temperature": 1.0, "max_tokens": 24}
    job = studio.queue.find(person, studio.making.start(person, shop, "m", asked))
    wait_for(lambda: studio.making.queue(person, shop, "open", 1)["job"]["tried"] > 2, WAIT_S)
    os.kill(job.state().started["pid"], signal.SIGKILL)
    wait_for(lambda: job.state().is_ended, WAIT_S)
    told = studio.making.queue(person, shop, "open", 1)
    assert "SIGKILL" in told["trouble"]["message"] and told["job"]["tried"] > 2
    assert studio.making.accept(person, shop, "a", told["newest"], None) == told["counts"]["open"]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"how": "magic", "count": 3}, RequestRefused),
        ({"how": "template", "count": 0, "template": TEMPLATE}, OptionsInvalid),
        ({"how": "template", "count": "many", "template": TEMPLATE}, OptionsInvalid),
        ({"how": "template", "count": 3, "template": {"prompt": "Hello"}}, OptionsInvalid),
        ({"how": "model", "count": 3, "column": {"kind": "model", "id": "bob/plain"}}, ModelNotFound),
        ({"how": "model", "count": 3, "column": "pocket"}, RequestRefused),
        ({"how": "model", "count": 3, "column": POCKET_COLUMN, "temperature": 9}, OptionsInvalid),
        ({"how": "model", "count": 3, "column": POCKET_COLUMN, "row_ids": ["1; DROP"]}, RequestRefused),
        ({"how": "model", "count": 3, "column": POCKET_COLUMN, "row_ids": [999]}, SeedsMissing),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(studio, person, shop, asked, error):
    with pytest.raises(error):
        studio.making.start(person, shop, "x", asked)
    assert studio.making.queue(person, shop, "open", 1)["job"] is None


def test_strangers_see_and_decide_nothing_and_an_edit_must_be_whole(studio, person, shop):
    made_by_template(studio, person, shop)
    eve = person_from("eve", {}, {}, studio.settings)
    for call in (
        lambda: studio.making.queue(eve, shop, "open", 1),
        lambda: studio.making.accept(eve, shop, "x", 9, None),
        lambda: studio.making.reject(eve, shop, 9),
        lambda: studio.making.start(eve, shop, "x", {"how": "template", "count": 1, "template": TEMPLATE}),
    ):
        with pytest.raises(NotYours):
            call()
    (first, *_) = open_rows(studio, person, shop)
    with pytest.raises(RecordInvalid):
        studio.making.accept(person, shop, "e", [first["id"]], {"question": "How?", "reply": " "})
    assert len(open_rows(studio, person, shop)) == 3
