"""A version that a method cannot learn from is said so in words, with the methods that would."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.records import CONVERSATION, KINDS, PREFERENCE
from studio.errors import OptionsInvalid
from studio.models.catalogue import POCKET, read_base
from studio.models.machine import read_machine
from studio.services.run_choices import Ground, read_settings
from studio.training.measures import Lengths, Measure
from studio.training.methods import METHODS


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
