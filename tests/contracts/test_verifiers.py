"""Every verifier does what its example says, and no reply without words passes one."""

from __future__ import annotations

import pytest

from studio.training.methods import METHODS
from studio.training.verifiers import VERIFIERS, Reply
from studio.words import catalogue

HOSTILE = ["", "   ", "\n", "\x00", "a" * 20_000, "((((", "\ud800", "５-３"]


@pytest.mark.parametrize("name", VERIFIERS.names)
def test_a_verifier_judges_its_example(name):
    verifier = VERIFIERS[name]
    value = verifier.example["value"]
    assert verifier.find_problem(value) is None
    assert verifier.example["passes"] and verifier.example["fails"]
    assert [reply for reply in verifier.example["passes"] if not verifier.passes(reply, value)] == []
    assert [reply for reply in verifier.example["fails"] if verifier.passes(reply, value)] == []


@pytest.mark.parametrize("name", VERIFIERS.names)
def test_a_reply_without_words_never_passes(name):
    verifier = VERIFIERS[name]
    for text in ("", " ", "\n"):
        assert not verifier.passes(Reply("How much?", text, True), verifier.example["value"])


@pytest.mark.parametrize("name", VERIFIERS.names)
def test_a_value_is_refused_by_a_code_with_words_or_used(name):
    verifier = VERIFIERS[name]
    for value in HOSTILE:
        code = verifier.find_problem(value)
        assert code is None or f"problem.{code}" in catalogue("en")
        if code is None:
            assert verifier.passes(Reply("?", "500 yen.", True), value) in (True, False)


@pytest.mark.parametrize("name", VERIFIERS.names)
def test_a_verifier_ends_on_any_reply(name):
    verifier = VERIFIERS[name]
    for text in HOSTILE[4:]:
        assert verifier.passes(Reply("?", text, True), verifier.example["value"]) in (True, False)


def test_a_pattern_that_never_ends_is_broken_off():
    with pytest.raises(TimeoutError):
        VERIFIERS["regex"].passes(Reply("?", "a" * 60 + "b", True), "(a+)+$")


def test_the_method_that_offers_a_rule_offers_every_one():
    from studio.options import option_fields

    field = next(field for field in option_fields(METHODS["dpo"].options) if field.name == "verifier")
    assert field.choices == VERIFIERS.names
