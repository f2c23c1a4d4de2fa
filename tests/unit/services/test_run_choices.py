"""A version that a method cannot learn from is said so in words, with the methods that would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.data.records import CONVERSATION, KINDS, PREFERENCE
from studio.errors import OptionsInvalid
from studio.models.catalogue import POCKET, read_base
from studio.models.machine import read_machine
from studio.services.guide_steps import Workspace, list_steps
from studio.services.pair_sources import read_prompts
from studio.services.run_choices import Ground, read_settings
from studio.training.measures import Lengths, Measure
from studio.training.methods import METHODS
from tests.dataset_jobs import import_file


def refusal(kind: str, method: str, folder: Path) -> OptionsInvalid | None:
    measure = Measure(3, Lengths(), Lengths(), {"wrong_kind": 3}, 0)
    version = {"kind": kind, "rows": 3, "held_out": 0}
    base = read_base(POCKET, (), folder)
    try:
        read_settings({}, Ground(base, version, read_machine(folder), measure, method, "lora"))
    except OptionsInvalid as refused:
        return refused
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_kind_that_a_method_does_not_learn_from_are_refused_with_what_fits(kind, tmp_path):
    fitting = [method for method in METHODS if kind in method.kinds]
    for method in METHODS:
        if method in fitting:
            continue
        refused = refusal(kind, method.name, tmp_path)
        assert [problem["field"] for problem in refused.problems] == ["version"]
        for language in ("en", "ja"):
            words = refused.message(language)
            assert method.title.en in words
            assert all(one.title.en in words for one in fitting)
            assert "problem." not in words


def test_the_kinds_that_are_trained_are_these():
    assert {method.name: method.kinds for method in METHODS} == {
        "sft": (CONVERSATION, "prompt_completion", PREFERENCE),
        "dpo": (PREFERENCE,),
    }


def written(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_prompts_are_taken_from_rows_that_ask_and_the_others_are_counted(tmp_path):
    rows = [{"text": "Where is it?", "label": "place"}, {"text": "When is it?", "label": "time"}]
    imported = import_file(tmp_path, written(tmp_path / "labels.jsonl", rows))
    found = read_prompts(imported.path, 100)
    assert (found.pairs, found.left_out) == ([], {"asks_nothing": 2})
    tasks = [{"question": f"What is {n} + 1, then?", "answer": str(n + 1)} for n in range(5)]
    imported = import_file(tmp_path, written(tmp_path / "tasks.jsonl", tasks))
    assert len(read_prompts(imported.path, 100).pairs) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_the_guide_offers_training_only_where_a_method_learns_from_the_rows(kind):
    version = {
        "dataset_id": f"d-{'0' * 16}",
        "dataset_name": "Tea",
        "number": 1,
        "rows": 3,
        "kind": kind,
        "fingerprint": "f",
    }
    there = Workspace([], [version], [], [], set(), set(), [], {})
    steps = {step["name"]: step for step in list_steps(there)}
    assert steps["data"]["state"] == "done"
    assert (steps["train"]["action"] is not None) == (kind in METHODS["sft"].kinds)
