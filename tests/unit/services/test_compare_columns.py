"""What can stand in a column, with which settings, and how much of a conversation a model is given."""

from __future__ import annotations

import pytest

from studio.errors import JobNotFound, ModelNotFound, OptionsInvalid, PromptTooLong, RequestRefused
from studio.models.lineage import Lineage, write_lineage
from studio.people import person_from
from studio.services.compare_settings import Sampling
from studio.serving.conversing import fit_conversation
from tests.adapter_runs import ended_run

POCKET = {"kind": "model", "id": "pocket"}
CONTEXT = 512
"""Tokens that the pocket model reads."""


def shown(studio, person) -> list[str]:
    return [column["id"] for column in studio.compare.snapshot(person)["setup"]["columns"]]


def test_columns_are_checked(studio, person):
    for wanted in ([], [POCKET, POCKET], [POCKET] * 4, ["pocket"], [POCKET, 3]):
        with pytest.raises(RequestRefused):
            studio.compare.set_columns(person, wanted)
    for foreign in ("bob/polite", "local/../bob/polite", "folder:/etc", "", None, "x" * 10_000):
        for kind in ("model", "endpoint", "shell"):
            with pytest.raises(ModelNotFound):
                studio.compare.set_columns(person, [POCKET, {"kind": kind, "id": foreign}])
    assert shown(studio, person) == ["pocket"]


def test_at_first_the_pocket_model_stands_alone(studio, person):
    assert [column["id"] for column in studio.compare.snapshot(person)["setup"]["columns"]] == ["pocket"]
    with pytest.raises(JobNotFound):
        studio.compare.open_run(person, "20260101T000000000Z-train-none")


@pytest.mark.parametrize("precision", ["nf4", "int8"])
def test_beside_what_was_trained_on_a_quantised_base_stands_that_base(studio, person, precision):
    """And the plain one is still offered, first; where nothing was trained so, it is the only one."""
    plain = ended_run(person.workspace, 0, "plain")
    assert shown(studio, person) == ["pocket", "local/plain"]
    run = ended_run(person.workspace, 1, "small")
    write_lineage(run.folder.result_path / "adapter", Lineage(base="pocket", precision=precision))
    assert shown(studio, person) == [f"pocket@{precision}", "local/small"]
    choices = studio.compare.offers(person)["choices"]
    bases = [(choice["id"], choice["base"], choice["precision"]) for choice in choices if choice["group"] == "base"]
    assert bases == [("pocket", "pocket", None), (f"pocket@{precision}", "pocket", precision)]
    studio.compare.open_run(person, plain.folder.id)
    assert shown(studio, person) == ["pocket", "local/plain"]
    studio.compare.open_run(person, run.folder.id)
    columns = studio.compare.snapshot(person)["setup"]["columns"]
    assert [column["precision"] for column in columns] == [precision] * 2


def test_every_problem_of_the_settings_is_told_at_once(studio, person):
    wrong = {"temperature": 9, "top_p": 0, "seed": 1.5, "max_tokens": "many", "system": 3, "top_k": 1}
    with pytest.raises(OptionsInvalid) as refused:
        studio.compare.set_settings(person, wrong)
    codes = {problem["field"]: problem["code"] for problem in refused.value.problems}
    assert codes == {
        "temperature": "too_large", "top_p": "too_small", "seed": "not_a_whole_number", "max_tokens": "not_a_number",
        "system": "not_understood", "top_k": "unknown_option",
    }  # fmt: skip
    assert "温度" in refused.value.message("ja")
    assert studio.compare.snapshot(person)["setup"]["settings"] == Sampling().to_fields()


@pytest.mark.parametrize(("language", "japanese"), [("en", False), ("ja", True)])
def test_examples_are_in_the_language_of_the_person(studio, settings, language, japanese):
    person = person_from(None, {"whetstone_language": language}, {}, settings)
    examples = studio.compare.offers(person)["examples"]
    assert len(examples) == 3
    assert all(any("ぁ" <= letter <= "鿿" for letter in example) == japanese for example in examples)


def talk(exchanges: int, prompt: str = "And then?", system: str = "") -> list[dict[str, str]]:
    told = [{"role": "system", "content": system}] if system else []
    for number in range(exchanges):
        told += [
            {"role": "user", "content": f"How much is mug {number}?"},
            {"role": "assistant", "content": f"{number} yen."},
        ]
    return [*told, {"role": "user", "content": prompt}]


def test_a_conversation_that_fits_is_told_whole(studio, person):
    messages = talk(3, system="Be brief.")
    fitting, room, left_out = fit_conversation(studio.server.client(person), "pocket", messages, 64)
    assert (fitting, left_out) == (messages, 0)
    assert CONTEXT / 2 < room < CONTEXT


@pytest.mark.parametrize("system", ["", "Be brief."])
def test_the_oldest_exchanges_make_room_for_the_reply(studio, person, system):
    """As few as possible are left out: with one more the reply would lack the room it is owed."""
    client, messages = studio.server.client(person), talk(60, system=system)
    fitting, room, left_out = fit_conversation(client, "pocket", messages, 200)
    assert 0 < left_out < 60
    assert room >= 200
    first = 1 if system else 0
    assert fitting == messages[:first] + messages[first + 2 * left_out :]
    one_more = messages[:first] + messages[first + 2 * (left_out - 1) :]
    assert CONTEXT - client.tokenize("pocket", messages=one_more)["count"] < 200


def test_a_long_limit_takes_no_more_than_half_of_the_context(studio, person):
    _, room, left_out = fit_conversation(studio.server.client(person), "pocket", talk(60), 4096)
    assert left_out < 60
    assert CONTEXT / 2 <= room < CONTEXT


def test_a_prompt_that_does_not_fit_is_refused_in_both_languages(studio, person):
    with pytest.raises(PromptTooLong) as refused:
        fit_conversation(studio.server.client(person), "pocket", talk(2, prompt="mug " * 1000), 64)
    assert refused.value.values["context"] == CONTEXT
    assert "512" in refused.value.message("en") and "512" in refused.value.message("ja")
