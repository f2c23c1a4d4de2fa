"""Mappings: columns of files that no format fits fill the roles of records."""

from __future__ import annotations

import pytest

from studio.data.formats import read_record
from studio.data.mapped import Mapped
from studio.data.mapping import fits, read_mapping
from studio.data.mapping_guess import guess_mapping
from studio.data.row_paths import MISSING, fill_places, find_places, find_value, places_of
from studio.data.selection import is_tag
from studio.errors import OptionsInvalid, RowInvalid


def record_of(mapping: dict, row: dict) -> dict:
    return read_record(Mapped(read_mapping(mapping)), row)


def columns(**roles: str) -> dict[str, dict]:
    return {role: {"column": column} for role, column in roles.items()}


def turns(*said: tuple[str, str]) -> list[dict]:
    return [{"role": role, "content": content} for role, content in said]


# Paths ----------------------------------------------------------------------------------------------------------------


def test_a_path_leads_through_objects_and_lists_and_names_may_hold_dots_and_brackets():
    row = {"a": {"b": [{"c": 1}, {"c": None}]}, "x.y": 2, "x": {"y": 3, "y.z": 4}, "n[0]": 5}
    found = [find_value(row, path) for path in ("a.b[0].c", "x.y", "x.y.z", "n[0]", "a.b[1].c")]
    assert found == [1, 2, 4, 5, None]
    for path in ("a.b[2].c", "a.c", "a.b.c", "missing", "a[0]", "a.b[0].c.d", "a.b[99999999999]", ""):
        assert find_value(row, path) in (MISSING, row), path
    assert find_value({"x": {"y.z": 6}}, "x.y.z") == 6


def test_what_stands_in_the_rows_is_listed_with_an_example_and_its_few_values():
    rows = [{"q": f"question {n}", "ok": n % 2, "talk": [{"who": "agent", "text": f"t{n}"}]} for n in range(40)]
    places = {place.path: place for place in find_places(rows)}
    assert list(places) == ["q", "ok", "talk", "talk[0]", "talk[0].who", "talk[0].text"]
    assert places["q"].example == "question 0" and places["q"].values is None, "forty values are many"
    assert places["ok"].values == ["0", "1"]
    assert places["talk"].speakers["who"] == ["agent"]


def test_a_text_names_columns_in_braces_and_doubled_braces_stand_for_themselves():
    text = "{{x}} {title}: { body }"
    assert places_of(text) == ["title", "body"]
    assert fill_places(text, {"title": "A", "body": "{title}"}) == "{x} A: {title}", (
        "what is filled in is not read again"
    )


# Records --------------------------------------------------------------------------------------------------------------


def test_every_kind_is_made_of_columns_and_texts():
    """The expected records are written out."""
    row = {"t": "Tea?", "r": "Yes.", "w": "No.", "l": 1, "n": 3.0, "e": [{"span": [0, 3], "type": "drink"}]}
    ask, yes, no = turns(("user", "Tea?")), turns(("assistant", "Yes.")), turns(("assistant", "No."))
    made = {
        "conversation": ({"messages": ask + yes}, columns(user="t", assistant="r")),
        "preference": ({"prompt": ask, "chosen": yes, "rejected": no}, columns(prompt="t", chosen="r", rejected="w")),
        "unpaired": ({"prompt": ask, "completion": yes, "label": True}, columns(prompt="t", completion="r", label="l")),
        "verifiable": ({"prompt": ask, "answer": "3", "verifier": "number"}, columns(prompt="t", answer="n")),
        "document": ({"text": "Tea?\nYes."}, {"text": {"text": "{t}\n{r}"}}),
        "classification": ({"text": "Tea?", "label": "hot"}, columns(text="t") | {"label": {"column": "l", "values": {"1": "hot"}}}),
        "extraction": ({"text": "Tea?", "entities": [{"start": 0, "end": 3, "label": "drink", "text": "Tea"}]}, columns(text="t", entities="e")),
    }  # fmt: skip
    for kind, (record, roles) in made.items():
        assert record_of({"kind": kind, "roles": roles}, row) == record, kind


def test_a_system_text_is_put_before_the_question_and_may_be_missing_in_a_row():
    mapping = {"kind": "conversation", "roles": columns(system="s", user="q", assistant="a")}
    asked = turns(("user", "Q"), ("assistant", "A"))
    assert (
        record_of(mapping, {"s": "Be kind.", "q": "Q", "a": "A"})["messages"] == turns(("system", "Be kind.")) + asked
    )
    for empty in ({"s": ""}, {"s": None}, {}):
        assert record_of(mapping, empty | {"q": "Q", "a": "A"})["messages"] == asked


def test_turns_take_their_speakers_from_a_field_and_strange_names_are_replaced():
    mapping = guess_mapping(
        [{"id": "1", "utterances": [{"name": "user", "text": "はい"}, {"name": "店員", "text": "どうぞ"}]}]
    )
    assert mapping["roles"]["turns"]["values"] == {"店員": "assistant"}
    row = {"utterances": [{"name": "user", "text": "Q"}, {"name": "店員", "text": "A"}]}
    assert record_of(mapping, row) == {"messages": turns(("user", "Q"), ("assistant", "A"))}
    plain = {"kind": "conversation", "roles": columns(turns="talk")}
    assert record_of(plain, {"talk": ["Q", "A"]}) == {"messages": turns(("user", "Q"), ("assistant", "A"))}


@pytest.mark.parametrize(("picks", "label", "said"), [("mark", 2, "C"), ("text", 2, "cup"), ("text", "B", "pot"), ("mark", "pot", "B")])  # fmt: skip
def test_choices_are_listed_under_the_question_and_the_answer_picks_one(picks, label, said):
    choices = {"columns": ["c0", "c1", "c2"]}
    roles = columns(user="q") | {"assistant": {"column": "label", "picks": picks}}
    row = {"q": "What holds tea?", "c0": "sieve", "c1": "pot", "c2": "cup", "label": label}
    question, reply = record_of({"kind": "conversation", "roles": roles, "choices": choices}, row)["messages"]
    assert question["content"] == "What holds tea?\nA. sieve\nB. pot\nC. cup" and reply["content"] == said


def test_numbers_of_choices_count_from_where_the_file_does_and_others_are_refused():
    rows = [{"question": "?", "options": ["a", "b"], "answer": n} for n in ("1", "2")]
    mapping = guess_mapping(rows)
    assert mapping["choices"] == {"columns": ["options"], "first": 1}
    assert [record_of(mapping, row)["messages"][1]["content"] for row in rows] == ["A", "B"]
    for wrong in ("0", "3", "-1", "C", "", "９", "9" * 5000):
        with pytest.raises(RowInvalid) as refused:
            record_of(mapping, {"question": "?", "options": ["a", "b"], "answer": wrong})
        assert refused.value.values["cause"] in ("choice_unknown", "content_empty")


def test_the_winner_decides_which_reply_is_the_better_one_and_a_tie_is_refused():
    roles = columns(prompt="p", chosen="a", rejected="b") | {"winner": {"column": "w", "values": {"model 2": "second"}}}
    mapping = {"kind": "preference", "roles": roles}
    row = {"p": "?", "a": "x", "b": "y"}
    assert record_of(mapping, row | {"w": "model 2"})["chosen"] == turns(("assistant", "y"))
    assert record_of(mapping, row | {"w": "model_a"})["chosen"] == turns(("assistant", "x"))
    with pytest.raises(RowInvalid) as refused:
        record_of(mapping, row | {"w": "tie"})
    assert (refused.value.values["cause"], refused.value.values["field"]) == ("winner_unknown", "w")


def test_a_row_without_its_column_is_refused_with_the_column_as_field():
    mapping = {"kind": "conversation", "roles": columns(user="q.text", assistant="a")}
    for row, field, cause in (
        ({"q": {}, "a": "A"}, "q.text", "field_missing"),
        ({"q": {"text": "Q"}, "a": None}, "a", "field_missing"),
        ({"q": {"text": "Q"}, "a": {"x": 1}}, "a", "content_not_text"),
        ({"q": "Q", "a": "A"}, "q.text", "field_missing"),
        ({"q": {"text": " "}, "a": "A"}, "messages[0].content", "content_empty"),
    ):
        with pytest.raises(RowInvalid) as refused:
            record_of(mapping, row)
        assert (refused.value.values["field"], refused.value.values["cause"]) == (field, cause)


def test_a_column_used_in_part_goes_with_the_row_and_tags_are_short_texts_once_each():
    mapped = Mapped(read_mapping({"kind": "document", "roles": {"text": {"text": "{a.b} {c}"}}, "tags": ["t"]}))
    assert mapped.fields == {"c", "t"}, "of `a` something would be lost"
    assert mapped.tags({"t": ["x", " x ", 3, None, {"y": 1}, "z" * 500]}) == ["x", "3", "z" * 80]
    made = mapped.tags({"t": ["a\u200b\x00b", " \u200b c\n\u3000d", "\ud800", "y" * 79 + " y"]})
    assert made == ["ab", "c d", "y" * 79] and all(map(is_tag, made)), "what a person could type too"


# What a person says ---------------------------------------------------------------------------------------------------


def test_all_open_roles_are_named_at_once_in_both_languages():
    with pytest.raises(OptionsInvalid) as wrong:
        read_mapping({"kind": "preference", "roles": {"prompt": {"text": " "}}})
    assert [problem["field"] for problem in wrong.value.problems] == ["prompt", "chosen", "rejected"]
    assert "Better reply: choose a column or write a text." in wrong.value.message("en")
    assert "良い応答：列を選ぶか" in wrong.value.message("ja")


@pytest.mark.parametrize(
    "value",
    [
        None, [], "x", {}, {"kind": "magic", "roles": {}}, {"kind": "document", "roles": {"text": "column"}},
        {"kind": "document", "roles": {"text": {"column": "a"}, "user": {"column": "b"}}},
        {"kind": "document", "roles": {"text": {"column": "a", "code": "import os"}}},
        {"kind": "document", "roles": {"text": {"column": "a" * 1000}}}, {"kind": "document", "roles": {"text": {"column": "a"}}, "format": 2},
        {"kind": "document", "roles": {"text": {"column": "a"}}, "choices": {"columns": ["c"] * 40}},
    ],
)  # fmt: skip
def test_what_is_no_mapping_is_refused(value):
    with pytest.raises(OptionsInvalid):
        read_mapping(value)


def test_a_mapping_fits_where_each_of_its_paths_begins_in_a_column():
    mapping = read_mapping({"kind": "document", "roles": {"text": {"text": "{a.b} {c[0].d}"}}})
    assert fits(mapping, ["c", "a"]) and fits(mapping, ["a.b", "c"])
    assert not fits(mapping, ["a"]) and not fits(mapping, ["ab", "c"]) and not fits(mapping, [])


@pytest.mark.parametrize(
    ("row", "kind", "roles"),
    [
        ({"質問": "Q", "回答": "A"}, "conversation", {"user": "質問", "assistant": "回答"}),
        ({"Sentence": "s", "Intent": "i"}, "classification", {"text": "Sentence", "label": "Intent"}),
        ({"input": "p", "better": "a", "worse": "b"}, "preference", {"prompt": "input", "chosen": "better", "rejected": "worse"}),
        ({"front": "short", "back": "rather longer"}, "conversation", {"user": "front", "assistant": "back"}),
        ({"body": "b", "id": 3}, "document", {"text": "body"}),
        ({"id": 3}, "document", {}),
    ],
)  # fmt: skip
def test_a_proposal_goes_by_names_and_by_what_stands_in_the_columns(row, kind, roles):
    proposal = guess_mapping([row])
    assert (proposal["kind"], {role: fill["column"] for role, fill in proposal["roles"].items()}) == (kind, roles)
