"""What a row says is in its record, beside it, or the row is refused: under every name that a format knows."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from studio.data.formats import FORMATS, Row
from studio.data.mapped import Mapped
from studio.data.mapping import read_mapping
from studio.data.rows import RawRow
from studio.data.understanding import Reader, Refused, iterate_aside, keep_aside, notices_aside, read_row
from tests.dataset_jobs import import_file

SENTINEL = "⟨sentinel⟩"
ROLES = ("human", "gpt", "observation", "function_call", "text")
"""Who speaks, and the kind of a part: a record says it in its own words."""


def aliases() -> Iterator[tuple[str, str]]:
    for plug in FORMATS:
        for name in sorted(plug.fields - plug.example.row.keys()):
            yield plug.name, name


def kept_of(reader: Reader, row: Row) -> str | None:
    """Records and what stands beside them, as JSON; None where the row is refused."""
    outcomes = list(read_row(reader, RawRow(1, row)))
    if any(isinstance(outcome, Refused) for outcome in outcomes):
        return None
    pieces = [(outcome.record, keep_aside(reader, outcome.fields)) for outcome in outcomes]
    return json.dumps(pieces, ensure_ascii=False)


def texts_in(value: Any) -> Iterator[str]:
    """The texts of a value, also of one that a table holds as JSON; words alone, since a record may join them."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)
    elif isinstance(value, str) and value[:1] in ("[", "{"):
        yield from texts_in(json.loads(value))
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(("name", "alias"), list(aliases()))
@pytest.mark.parametrize("value", [SENTINEL, [SENTINEL], [{"role": "user", "content": SENTINEL}]])
def test_a_second_name_for_the_same_thing_takes_nothing_away(name, alias, value):
    plug = FORMATS[name]
    row = plug.example.row | {alias: value}
    if (kept := kept_of(plug, row)) is not None:
        assert SENTINEL in kept
        missing = [
            text for text in texts_in(plug.example.row) if json.dumps(text, ensure_ascii=False)[1:-1] not in kept
        ]
        assert [text for text in missing if text not in ROLES] == []


@pytest.mark.parametrize("name", FORMATS.names)
def test_a_key_that_nobody_reads_stays_beside_the_record_wherever_it_stands(name):
    """`reasoning_content` of a message, `kb` of an entity, `model` of a rated reply, `id` of an instance."""
    plug = FORMATS[name]
    for path in object_paths(plug.example.row):
        row = copy.deepcopy(plug.example.row)
        at = row
        for step in path:
            at = at[step]
        at["strange"] = SENTINEL
        kept = kept_of(plug, row)
        assert kept is None or SENTINEL in kept, path
        if path:
            assert kept is not None, "no reader refuses what it does not know"


def object_paths(value: Any, path: tuple = ()) -> Iterator[tuple]:
    if isinstance(value, dict):
        yield path
    for step, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from object_paths(inner, (*path, step))


def aside_of(name: str, row: Row) -> tuple[dict[str, Any], list[str]]:
    """What goes with the row, and what is said about it."""
    plug = FORMATS[name]
    (outcome,) = read_row(plug, RawRow(1, row))
    assert not isinstance(outcome, Refused), outcome
    notices = notices_aside(iterate_aside(plug, outcome.fields))
    return keep_aside(plug, outcome.fields), [f"{code}: {values['fields']}" for code, values in notices]


MESSAGES = [
    {"role": "user", "content": "Q"},
    {"role": "assistant", "content": "A", "reasoning_content": "hm", "weight": 0},
]
REPLY, OTHER = {"role": "assistant", "content": "A"}, {"role": "assistant", "content": "B"}
PARTS = [
    {"role": "user", "content": [{"type": "text", "text": "Q", "cache_control": {}}]},
    MESSAGES[1] | {"weight": None},
]


@pytest.mark.parametrize(
    ("name", "row", "aside", "notices"),
    [
        ("messages", {"messages": MESSAGES}, ["messages"],
         ["fields_kept_aside: messages[].reasoning_content, messages[].weight"]),
        ("messages", {"messages": json.dumps(PARTS)}, ["messages"],
         ["fields_kept_aside: messages[].content[].cache_control, messages[].reasoning_content"]),
        ("alpaca", {"instruction": "I", "input": "", "output": "O", "response": "R", "context": None}, ["response"],
         ["fields_kept_aside: response"]),
        ("verifiable", {"question": "Q", "answer": "2 + 2 = 4\n#### 4"}, ["answer"], ["fields_held_in_part: answer"]),
        ("preference", {"prompt": "Q", "chosen": "A", "rejected": "B", "score_chosen": 5, "score_rejected": 3},
         ["score_chosen", "score_rejected"], ["fields_held_in_part: score_chosen, score_rejected"]),
        ("preference", {"prompt": "Q", "chosen": "A", "rejected": "B", "margin": 1, "score_chosen": 5}, ["score_chosen"],
         ["fields_kept_aside: score_chosen"]),
        ("preference", {"prompt": "[INST] Q [/INST]", "chosen": [MESSAGES[0], REPLY], "rejected": [MESSAGES[0], OTHER]},
         ["prompt"], ["fields_held_in_part: prompt"]),
        ("preference", {"prompt": "Q ", "chosen": [MESSAGES[0], REPLY], "rejected": [MESSAGES[0], OTHER]}, [], []),
        ("rated_replies", {"instruction": "Q", "generations": ["A", "B", "C"], "ratings": [1, 2, 3]},
         ["generations", "ratings"], ["fields_held_in_part: generations, ratings"]),
        ("comparison", {"prompt": "Q", "response_a": "A", "response_b": "B", "winner": "a", "preference_strength": -2},
         ["winner"], ["fields_kept_aside: winner"]),
        ("extraction", {"text": "Tea", "entities": [{"start": 0, "end": 3, "label": "drink", "kb": "Q6097"}]},
         ["entities"], ["fields_kept_aside: entities[].kb"]),
        ("sharegpt", {"conversations": [
            {"from": "human", "value": "Q"},
            {"from": "function_call", "value": '{"name": "f", "arguments": {}, "id": "c1"}'},
            {"from": "gpt", "value": "A", "loss": False},
        ]}, ["conversations"], ["fields_kept_aside: conversations[].value.id, conversations[].loss"]),
        ("prompt_completion", {"prompt": "Q", "completion": "A", "id": 7}, ["id"], ["fields_kept_aside: id"]),
        ("prompt_completion", {"prompt": "Q", "completion": "A", "response": ""}, [], []),
    ],
)  # fmt: skip
def test_what_goes_aside_is_named(name, row, aside, notices):
    kept, told = aside_of(name, row)
    assert kept == {field: row[field] for field in aside}
    assert told == notices


def test_articles_and_instances_keep_what_stands_around_the_questions():
    paragraph = {"context": "宇治の茶", "section": 2, "qas": [{"id": "q1", "question": "何の？", "answers": ["茶"]}]}
    article = {"id": "a1", "title": "宇治", "paragraphs": [paragraph]}
    assert aside_of("reading", article)[0] == {"id": "q1", "section": 2, "id (2)": "a1", "title": "宇治"}
    task = {"id": "t1", "instruction": "I", "output": "whole", "instances": [{"id": "i1", "output": "O"}]}
    assert aside_of("self_instruct", task)[0] == {"id": "i1", "id (2)": "t1", "output (2)": "whole"}


def test_a_mapping_keeps_what_it_does_not_read_of_turns_entities_and_tags():
    roles = {"turns": {"column": "t"}}
    mapped = Mapped(read_mapping({"kind": "conversation", "roles": roles, "tags": ["g"]}))
    turns = [{"from": "human", "value": "Q", "ts": 3}, {"from": "gpt", "value": "A"}]
    assert keep_aside(mapped, {"t": turns, "g": ["x", "y"]}) == {"t": turns}
    assert keep_aside(mapped, {"t": turns[1:], "g": ["x", {"y": 1}]}) == {"g": ["x", {"y": 1}]}
    roles = {"text": {"column": "x"}, "entities": {"column": "e"}}
    mapped = Mapped(read_mapping({"kind": "extraction", "roles": roles}))
    entity = {"start": 0, "end": 3, "label": "drink"}
    assert keep_aside(mapped, {"x": "Tea", "e": [entity]}) == {}
    assert keep_aside(mapped, {"x": "Tea", "e": [entity | {"kb": 1}]}) == {"e": [entity | {"kb": 1}]}


@pytest.mark.parametrize(
    ("name", "row", "asked"),
    [
        ("prompt_completion", {"prompt": "Translate to English", "input": "Bonjour", "output": "Hello"}, "Translate to English\nBonjour"),
        ("prompt_completion", {"prompt": "### Input:\nBonjour\n### Response:", "input": "Bonjour", "output": "Hello"}, "### Input:\nBonjour\n### Response:"),
        ("prompt_completion", {"prompt": "Translate", "input": "", "output": "Hello"}, "Translate"),
        ("preference", {"instruction": "Translate", "input": "Bonjour", "chosen": "Hello", "rejected": "Ah"}, "Translate\nBonjour"),
        ("unpaired", {"instruction": "Translate", "input": "Bonjour", "output": "Hello", "label": True}, "Translate\nBonjour"),
        ("rated_replies", {"instruction": "Translate", "input": "Bonjour", "generations": ["Hello", "Ah"], "ratings": [2, 1]}, "Translate\nBonjour"),
    ],
)  # fmt: skip
def test_an_input_beside_what_to_do_with_it_belongs_to_the_question(name, row, asked):
    (outcome,) = read_row(FORMATS[name], RawRow(1, row))
    messages = outcome.record.get("messages") or outcome.record["prompt"]
    assert messages[0] == {"role": "user", "content": asked}
    assert "input" not in keep_aside(FORMATS[name], row)


def test_an_import_tells_what_no_record_holds_also_where_only_late_rows_have_it(tmp_path):
    rows = [{"messages": [MESSAGES[0], {"role": "assistant", "content": f"A{n}"}]} for n in range(300)]
    rows.append({"messages": MESSAGES, "source": "late"})
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    imported = import_file(tmp_path / "workspace", path)
    told = "source, messages[].reasoning_content, messages[].weight"
    assert imported.report["notices"] == [{"code": "fields_kept_aside", "values": {"fields": told}}]
    assert json.loads(imported.rows()[-1].meta) == {"row": 301, "fields": rows[-1]}


def test_a_row_as_deep_as_can_be_read_is_kept_as_deep_as_it_is(tmp_path):
    """What is read must be written too: 198 lists in a column that no record holds."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "Q", "completion": "A", "x": ' + "[" * 198 + "]" * 198 + "}", "utf-8")
    imported = import_file(tmp_path / "workspace", path)
    assert imported.error is None
    assert imported.rows()[0].meta.count("[") == 198
