"""A supervised run and a run on pairs that continues it, through the services and their real processes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio.errors import OptionsInvalid
from studio.models.lineage import read_lineage
from studio.people import Person
from studio.services.studio import Studio
from tests.processes import wait_for
from tests.training_runs import import_sample

WAIT_S = 240


def choices(version: str, method: str, parent: str | None = None, **settings: Any) -> dict[str, Any]:
    asked = {"base": "pocket", "version": version, "method": method, "adapter": "lora", "parent": parent}
    return asked | {"settings": {"epochs": 1, **settings}}


def wait_ready(studio: Studio, person: Person, asked: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def is_ready() -> bool:
        found.update(studio.runs.preview(person, asked))
        return found["status"] == "ready"

    wait_for(is_ready, WAIT_S)
    return found


def test_preferences_continue_what_was_tuned(studio: Studio, person: Person):
    """The forecast is what the run then reads; the adapter names its parent; rewards begin at 0."""
    version = import_sample(studio, person, "shop_sft", 120)
    asked = choices(version, "sft", batch_size=16)
    wait_ready(studio, person, asked)
    assert studio.queue.wait(studio.runs.start(person, "tune", asked), WAIT_S).status == "finished"
    (parent,) = studio.runs.parents(person, "pocket")

    pairs = import_sample(studio, person, "shop_pairs", 80)
    asked = choices(pairs, "dpo", parent["id"])
    offered = {field["name"]: field for field in studio.runs.form(person, asked)["fields"]}
    assert "beta" in offered and "rank" not in offered
    foretold = wait_ready(studio, person, asked)
    offered = {field["name"]: field for field in studio.runs.form(person, asked)["fields"]}
    assert (offered["verifier"]["value"], offered["verifier"]["reason"]) == ("polite", "verifier_tells")
    job_id = studio.runs.start(person, "prefer", asked)
    state = studio.queue.wait(job_id, WAIT_S)
    assert state.status == "finished", state.last
    summary = state.ended["summary"]
    assert (foretold["steps"], foretold["tokens"]) == (summary["steps"], summary["tokens"])
    folder = studio.queue.find(person, job_id)
    events = [json.loads(line) for line in folder.events_path.read_text("utf-8").splitlines()]
    first = next(event for event in events if event["kind"] == "step")
    assert set(first["extra"].values()) == {0.0}
    assert read_lineage(folder.result_path / "adapter").parent == parent["id"]
    told = studio.live.open(person, job_id)
    assert told["job"]["learns"] == "pairs"
    assert {mark["line"] for mark in told["marks"]} >= {"samples/rate", "held_out/rewards/margins"}
    assert len(told["points"]["lines"]["rewards/margins"]["y"]) == summary["steps"]
    header, *lines = studio.live.csv(person, job_id).splitlines()
    assert "rewards/margins" in header and "samples/rate" in header and len(lines) >= summary["steps"]
    newest, *_ = studio.adapters.list(person)
    assert (newest["method"], newest["parent"], newest["parent_name"]) == ("dpo", parent["id"], parent["name"])


def test_what_cannot_be_continued_or_learned_is_said_before_the_start(studio: Studio, person: Person):
    version = import_sample(studio, person, "shop_sft", 40)

    def problems(asked: dict[str, Any]) -> list[tuple[str, str]]:
        with pytest.raises(OptionsInvalid) as caught:
            studio.runs.start(person, "never", asked)
        return [(problem["field"], problem["code"]) for problem in caught.value.problems]

    for parent in ("nobody", "../pocket", "A B", 7):
        assert problems(choices(version, "sft", parent)) == [("parent", "parent_unknown")]
    assert problems(choices(version, "dpo", verifier="contains")) == [("verifier_value", "verifier_value_missing")]
    assert problems(choices(version, "dpo", verifier="regex", verifier_value="(")) == [
        ("verifier_value", "verifier_value_unreadable")
    ]
    asked = choices(version, "dpo")

    def is_refused() -> bool:
        try:
            studio.runs.preview(person, asked)
        except OptionsInvalid as refused:
            return [problem["code"] for problem in refused.problems] == ["rows_of_no_kind"]
        return False

    wait_for(is_refused, WAIT_S)
