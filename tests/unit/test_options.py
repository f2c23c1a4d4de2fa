"""Options say all their problems at once, and every default says its reason."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.adapters import ADAPTERS
from studio.errors import OptionsInvalid
from studio.options import Situation, choose_options, option_fields, read_options
from studio.training.methods import METHODS
from studio.words import catalogue

POCKET = Situation(2_400_000, 512, 1200, 0.1, 91, "cpu", knows_every_token=True)
MODELS = [(plug.name, plug.options) for registry in (METHODS, ADAPTERS) for plug in registry]
SITUATIONS = [
    POCKET,
    Situation(2_400_000, 512, 20, 0.0, None, "cpu"),
    Situation(300_000_000, 8192, 50_000, 0.1, 900, "cuda"),
    Situation(7_000_000_000, 131_072, 5_000_000, 0.5, 100_000, "cuda"),
    Situation(1_000_000_000, 4096, 2, 0.5, 3, "cpu"),
]


def problems_of(**settings: Any) -> dict[str, str]:
    with pytest.raises(OptionsInvalid) as caught:
        read_options(METHODS["sft"].options, settings, POCKET)
    return {problem["field"]: problem["code"] for problem in caught.value.problems}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("name", "model"), MODELS)
def test_defaults_are_valid_wherever_they_are_chosen(name, model, situation):
    made, choices = read_options(model, {}, situation)
    assert {choice.name for choice in choices} == set(model.model_fields)
    assert made.model_dump() == {choice.name: choice.value for choice in choices}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("name", "model"), MODELS)
def test_every_default_has_its_reason_in_both_languages(name, model, situation):
    for chosen in choose_options(model, situation).values():
        for language in ("en", "ja"):
            assert f"choice.{chosen.reason}" in catalogue(language)


def test_all_problems_come_at_once():
    assert problems_of(
        epochs="x", learning_rate=math.nan, batch_size=2.5, seed=-1, schedule="fast", weight_decay=True,
        max_length_tokens=1e300, held_out_fraction=0.9, allow_lost_rows=1, zebra=3, warm_up_fraction=math.inf,
    ) == {
        "epochs": "not_a_whole_number", "learning_rate": "not_a_number", "batch_size": "not_a_whole_number",
        "seed": "too_small", "schedule": "not_a_choice", "weight_decay": "not_a_number",
        "max_length_tokens": "not_a_whole_number", "held_out_fraction": "too_large", "allow_lost_rows": "not_yes_or_no",
        "zebra": "unknown_option", "warm_up_fraction": "not_a_number",
    }  # fmt: skip


def test_a_rate_of_zero_trains_nothing_and_is_refused():
    assert problems_of(learning_rate=0) == {"learning_rate": "not_above"}


def test_a_browser_may_send_whole_numbers_as_floats_and_floats_as_whole_numbers():
    made, _ = read_options(METHODS["sft"].options, {"epochs": 3.0, "weight_decay": 1}, POCKET)
    assert made.epochs == 3 and isinstance(made.epochs, int)
    assert made.weight_decay == 1.0


def test_a_value_left_at_its_default_keeps_the_reason_and_another_one_has_none():
    _, choices = read_options(METHODS["sft"].options, {"seed": 42, "epochs": 9, "batch_size": None}, POCKET)
    names = {choice.name for choice in choices}
    assert {"seed", "batch_size"} <= names and "epochs" not in names


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([f.name for f in option_fields(METHODS["sft"].options)]),
                       st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())))  # fmt: skip
def test_whatever_is_sent_gives_valid_options_or_named_problems(sent):
    try:
        made, _ = read_options(METHODS["sft"].options, sent, POCKET)
    except OptionsInvalid as error:
        assert {problem["field"] for problem in error.problems} <= set(sent)
        assert all(f"problem.{problem['code']}" in catalogue("en") for problem in error.problems)
        assert error.message("ja") and error.message("en")
    else:
        assert all(math.isfinite(v) for v in made.model_dump().values() if isinstance(v, float))


def test_a_tiny_model_gets_a_large_rate_and_a_large_one_the_usual():
    def rate(parameters):
        situation = Situation(parameters, 512, 1200, 0.1, None, "cpu")
        return choose_options(METHODS["sft"].options, situation)["learning_rate"].value

    assert [rate(2_000_000), rate(100_000_000), rate(7_000_000_000)] == [2e-3, 5e-4, 2e-4]


@pytest.mark.parametrize(("parameters", "knows", "trained"), [(2, True, False), (2, False, True), (900, False, False)])
def test_the_word_table_is_trained_where_a_tiny_base_may_not_know_its_tokens(parameters, knows, trained):
    situation = Situation(parameters * 10**6, 512, 1200, 0.1, None, "cpu", knows_every_token=knows)
    assert choose_options(ADAPTERS["lora"].options, situation)["train_embeddings"].value is trained


@pytest.mark.parametrize(
    ("rows", "epochs", "steps"), [(1200, 1, 68), (2000, 1, 113), (400, 3, 135), (200, 6, 138), (30, 8, 56)]
)
def test_epochs_follow_from_the_rows(rows, epochs, steps):
    """1,200 rows, a tenth held out: 1,080 in batches of 16 are 68 steps, so one epoch passes sixty."""
    chosen = choose_options(METHODS["sft"].options, Situation(2_000_000, 512, rows, 0.1, None, "cpu"))["epochs"]
    assert (chosen.value, chosen.values["steps"]) == (epochs, steps)
