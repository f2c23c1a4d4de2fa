"""Records, splits and versions: what is the same is the same, and stays where it was put."""

from __future__ import annotations

import inspect
import random
import re
import string
from pathlib import Path

import pytest

from studio.data import record_checks
from studio.data.cells import CELL_CHARACTERS, COLUMNS, render_cells
from studio.data.records import (
    KINDS,
    canonical_text,
    check_record,
    fingerprint,
    iterate_texts,
    record_kind,
    split_key,
    with_texts,
)
from studio.data.splits import NOBODY, held_out_threshold, split_of
from studio.data.versions import FrozenRow, VersionWriter, read_about, read_frozen, read_version, version_info
from studio.errors import FileUnreadable
from studio.words import catalogue

ASK = {"role": "user", "content": "Tea?"}
REPLY = {"role": "assistant", "content": "Yes."}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {}}}],
}
GOOD = {
    "conversation": {
        "messages": [{"role": "system", "content": ""}, ASK, CALL, {"role": "tool", "content": "3"}, REPLY]
    },
    "prompt_completion": {"prompt": [ASK, REPLY, ASK], "completion": [REPLY]},
    "preference": {
        "prompt": [ASK],
        "chosen": [REPLY],
        "rejected": [{"role": "assistant", "content": "No."}],
        "margin": 1,
    },
    "unpaired": {"prompt": [ASK], "completion": [REPLY], "label": True},
    "verifiable": {"prompt": [ASK], "answer": "12", "verifier": "number"},
    "document": {"text": "吾輩は猫である。"},
    "classification": {"text": "Where is my card?", "label": ["card_arrival", "why"]},
    "extraction": {
        "text": "𠮷田は東京にいる。",
        "entities": [
            {"start": 0, "end": 2, "label": "person", "text": "𠮷田"},
            {"start": 3, "end": 5, "label": "place", "text": "東京"},
        ],
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_record_of_each_kind_has_no_problem_and_fills_its_columns(kind):
    assert record_kind(GOOD[kind]) == kind
    assert check_record(GOOD[kind]) == []
    assert all(render_cells(GOOD[kind], COLUMNS[kind]))
    for language in ("en", "ja"):
        assert {f"data.kind.{kind}", *(f"data.column.{name}" for name in COLUMNS[kind])} <= set(catalogue(language))


@pytest.mark.parametrize(
    ("record", "problems"),
    [
        ([], [("record", "record_unknown")]),
        ({"prompt": [ASK]}, [("record", "record_unknown")]),
        ({"text": " "}, [("text", "content_empty")]),
        ({"text": None}, [("text", "content_not_text")]),
        ({"text": "x", "label": []}, []),
        ({"text": "x", "label": ["a", " ", 3]}, [("label[1]", "content_empty"), ("label[2]", "label_not_text")]),
        ({"text": "x", "label": 1}, [("label", "label_not_text")]),
        ({"prompt": [ASK], "completion": [REPLY], "label": 1}, [("label", "label_not_true_or_false")]),
        ({"prompt": [ASK], "completion": [REPLY], "margin": 1}, [("margin", "field_unknown")]),
        ({"prompt": [ASK], "answer": "12"}, [("verifier", "verifier_not_a_name")]),
        ({"prompt": [REPLY], "answer": "", "verifier": "number"}, [("answer", "content_empty")]),
        ({"text": "x", "entities": None}, [("entities", "entities_not_a_list")]),
        ({"text": "x", "entities": [{}]}, [("entities[0]", "entity_unreadable")]),
        (
            {"text": "x", "entities": [{"start": 0, "end": 2, "label": "a", "text": "x"}]},
            [("entities[0]", "span_outside")],
        ),
        (
            {"text": "xy", "entities": [{"start": 0, "end": 1, "label": "", "text": "y"}]},
            [("entities[0]", "span_not_its_text"), ("entities[0].label", "label_not_text")],
        ),
        ({"messages": []}, [("messages", "messages_empty")]),
        ({"messages": "x"}, [("messages", "messages_not_a_list")]),
        ({"messages": ["x"]}, [("messages[0]", "message_not_an_object")]),
        ({"messages": [ASK]}, [("messages", "reply_missing")]),
        ({"messages": [REPLY]}, [("messages", "question_missing")]),
        ({"messages": [ASK, {"role": "assistant", "content": None}]}, [("messages[1].content", "content_not_text")]),
        ({"messages": [ASK, {"role": "assistant", "content": " "}]}, [("messages[1].content", "content_empty")]),
        ({"messages": [ASK, {"role": "system", "content": "x"}, REPLY]}, [("messages[1].role", "system_not_first")]),
        ({"messages": [ASK, REPLY | {"weight": 0}]}, [("messages[1].weight", "field_unknown")]),
        ({"messages": [ASK, CALL | {"tool_calls": ["f"]}]}, [("messages[1].tool_calls[0]", "tool_call_unreadable")]),
        ({"prompt": [ASK], "chosen": [REPLY], "rejected": [REPLY]}, [("rejected", "sides_identical")]),
        ({"prompt": [ASK], "chosen": [REPLY]}, [("rejected", "messages_not_a_list")]),
        ({"prompt": [REPLY], "completion": [ASK]}, [("completion", "reply_missing"), ("prompt", "question_missing")]),
        ({"messages": 1, "x": 2}, [("x", "field_unknown"), ("messages", "messages_not_a_list")]),
    ],
)
def test_every_problem_of_a_record_is_named_with_its_place(record, problems):
    assert [(problem["field"], problem["code"]) for problem in check_record(record)] == problems


def test_every_cause_of_a_problem_has_its_words_in_a_row_and_in_a_count():
    source = inspect.getsource(record_checks)
    codes = set(re.findall(r'_problem\([^"]*"?[^",]*"?, "(\w+)"', source))
    assert len(codes) >= 20
    for language in ("en", "ja"):
        words = catalogue(language)
        assert {f"{of}.{code}" for code in codes for of in ("refused", "refused_cause")} <= set(words)


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_of_a_record_is_told_with_its_path_and_can_be_changed(kind):
    record = GOOD[kind]
    told = list(iterate_texts(record))
    assert len({path for path, _, _ in told}) == len(told)
    seen = []

    def change(path: str, role: str, text: str) -> str:
        seen.append((path, role, text))
        return text

    assert with_texts(record, change) == record
    assert sorted(seen) == sorted(told)
    shouted = with_texts(record, lambda path, role, text: f"{text}!")
    assert check_record(shouted) == []
    assert [text for _, _, text in iterate_texts(shouted)] == [f"{text}!" for _, _, text in told]


def test_paths_and_roles_are_the_ones_promised():
    call = {"type": "function", "function": {"name": "f", "arguments": {"city": "Uji", "days": [1, "two"]}}}
    talk = {"messages": [ASK, {"role": "assistant", "content": "", "tool_calls": [call]}, REPLY]}
    assert list(iterate_texts(talk)) == [
        ("messages[0].content", "user", "Tea?"),
        ("messages[1].content", "assistant", ""),
        ("messages[1].tool_calls[0].function.arguments.city", "assistant", "Uji"),
        ("messages[1].tool_calls[0].function.arguments.days[1]", "assistant", "two"),
        ("messages[2].content", "assistant", "Yes."),
    ]
    assert [path for path, _, _ in iterate_texts(GOOD["extraction"])] == [
        "text", "entities[0].label", "entities[1].label",
    ]  # fmt: skip
    assert [(path, role) for path, role, _ in iterate_texts(GOOD["classification"])] == [
        ("text", "text"), ("label[0]", "label"), ("label[1]", "label"),
    ]  # fmt: skip
    assert [(path, role) for path, role, _ in iterate_texts(GOOD["verifiable"])] == [
        ("prompt[0].content", "user"), ("answer", "answer"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("after", "spans"),
    [
        ("きのう𠮷田は東京にいた。", ["𠮷田", "東京"]),
        ("⟨NAME_1⟩は東京にいる。", ["⟨NAME_1⟩", "東京"]),
        ("𠮷田はいる。", ["𠮷田"]),
        ("東京にいる。", ["東京"]),
        ("全然違う話", []),
    ],
)
def test_entities_move_with_their_text_and_those_that_are_gone_go(after, spans):
    record = with_texts(GOOD["extraction"], lambda path, role, text: after if path == "text" else text)
    assert check_record(record) == []
    assert [entity["text"] for entity in record["entities"]] == spans


def test_labels_and_answers_do_not_move_a_row_to_another_side():
    text = {"text": "Where is my card?"}
    assert split_key(text) == split_key(text | {"label": "a"}) == split_key(text | {"label": ["b"]})
    task = {"prompt": [ASK], "verifier": "number"}
    assert split_key(task | {"answer": "1"}) == split_key(task | {"answer": "2"})
    assert split_key(GOOD["unpaired"]) == split_key(GOOD["unpaired"] | {"label": False})


def conversation(question: str, reply: str) -> dict:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


def test_records_that_read_the_same_have_one_split_key_and_others_do_not():
    key = split_key(conversation("Is there café?", "Yes."))
    assert key == split_key(conversation(" Is there  cafe\u0301?\n", "Yes. "))
    assert key != split_key(conversation("Is there café?", "yes."))
    assert key != split_key({"prompt": [ASK], "completion": [REPLY]})
    assert 0 <= key < 1
    assert fingerprint(conversation("a", "b")) != fingerprint(conversation("a ", "b"))


def test_split_keys_are_spread_evenly():
    """10,000 keys in ten bins: each holds 1,000 with a standard deviation of 30; five of them are allowed."""
    keys = [split_key(conversation(f"question {n}", "reply")) for n in range(10_000)]
    bins = [sum(int(key * 10) == n for key in keys) for n in range(10)]
    assert max(abs(count - 1000) for count in bins) < 150


@pytest.mark.parametrize(
    ("keys", "fraction", "held"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], 0.2, 1),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 0.0, 0),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 0.01, 1),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 0.9, 4),
        ([0.1, 0.1, 0.1, 0.4, 0.5], 0.2, 3),
        ([0.1, 0.2], 0.9, 1),
        ([0.1, 0.1], 0.5, 0),
        ([0.3], 0.5, 0),
        ([], 0.5, 0),
    ],
)
def test_the_held_out_share_is_met_as_nearly_as_equal_rows_allow_and_never_takes_all(keys, fraction, held):
    threshold = held_out_threshold(keys, fraction)
    assert [split_of(key, threshold) for key in sorted(keys)].count("held_out") == held
    assert held or threshold == NOBODY


def test_cells_are_cut_and_tool_calls_stand_for_a_missing_text():
    record = conversation("x" * 1000, "y")
    assert len(render_cells(record, ("user",))[0]) == CELL_CHARACTERS
    assert "arguments" in render_cells({"messages": [ASK, CALL]}, ("assistant",))[0]
    assert render_cells(GOOD["preference"], COLUMNS["conversation"]) == ["Tea?", "Yes.", 3]
    assert render_cells(GOOD["document"], COLUMNS["conversation"]) == ["吾輩は猫である。", "", 0]
    assert render_cells(GOOD["conversation"], COLUMNS["extraction"]) == ["Tea?", ""]


# Versions -------------------------------------------------------------------------------------------------------------


def frozen(count: int, seed: int = 1) -> list[FrozenRow]:
    letters = random.Random(seed)
    return [
        FrozenRow(n, "conversation", f'{{"messages":"{letters.choice(string.ascii_letters)}茶"}}', "train", 0.5)
        for n in range(1, count + 1)
    ]


def write(folder: Path, *groups: list[FrozenRow]):
    writer = VersionWriter(folder / "version.part")
    for group in groups:
        writer.write(group)
    info = writer.finish(folder)
    return info, folder / f"{info.fingerprint}.parquet"


def test_a_version_gives_back_what_was_frozen_however_it_was_batched(tmp_path):
    rows = frozen(5000)
    info, path = write(tmp_path, rows[:1], rows[1:4000], [], rows[4000:])
    assert version_info(path) == info
    assert (info.rows, info.held_out, info.kinds) == (5000, 0, {"conversation": 5000})
    found = list(read_version(path))
    assert [(row.row_id, row.record["messages"], row.split, row.split_key) for row in found] == [
        (row.row_id, row.record[13:-2], "train", 0.5) for row in rows
    ]
    assert write(tmp_path, rows) == (info, path), "the same content is the same file"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_version_holds_records_of_every_kind(tmp_path):
    rows = [
        FrozenRow(n, kind, canonical_text(GOOD[kind]).decode(), "train", 0.5) for n, kind in enumerate(KINDS, start=1)
    ]
    info, path = write(tmp_path, rows)
    assert info.kinds == dict.fromkeys(KINDS, 1)
    assert [(row.kind, row.record) for row in read_version(path)] == [(kind, GOOD[kind]) for kind in KINDS]


def test_the_fingerprint_covers_words_splits_order_and_the_ids_that_rows_are_found_by(tmp_path):
    rows = frozen(3)
    first = write(tmp_path, rows)[0].fingerprint
    assert write(tmp_path, [row._replace(split_key=0.25) for row in rows])[0].fingerprint == first
    moved = [row._replace(row_id=row.row_id + 9) for row in rows]
    changed = [moved, rows[::-1], [rows[0]._replace(split="held_out"), *rows[1:]], rows[:2], frozen(3, seed=2)]
    assert len({first, *(write(tmp_path, other)[0].fingerprint for other in changed)}) == 6


def test_a_damaged_or_newer_version_is_refused_with_words(tmp_path):
    _, path = write(tmp_path, frozen(100))
    path.write_bytes(path.read_bytes()[:-30])
    for read in (version_info, lambda p: list(read_version(p))):
        with pytest.raises(FileUnreadable) as refused:
            read(path)
        assert refused.value.values["cause"] == "version_damaged"
    with pytest.raises(FileUnreadable):
        version_info(tmp_path / "missing.parquet")


def test_what_is_kept_beside_the_rows_is_no_part_of_the_fingerprint(tmp_path):
    rows, about = frozen(3), {"facts": {"card": {"purpose": "茶"}}, "source": {"file": "tea.jsonl"}}
    plain = write(tmp_path, rows)[0].fingerprint
    (tmp_path / f"{plain}.parquet").unlink()
    writer = VersionWriter(tmp_path / "version.part")
    writer.write(rows)
    info = writer.finish(tmp_path, about)
    assert info.fingerprint == plain
    path = tmp_path / f"{plain}.parquet"
    assert read_about(path) == about and [row.row_id for row in read_frozen(path)] == [1, 2, 3]
