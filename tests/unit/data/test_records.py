"""Records, splits and versions: what is the same is the same, and stays where it was put."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from studio.data.cells import CELL_CHARACTERS, COLUMNS, render_cells
from studio.data.records import KINDS, check_record, fingerprint, record_kind, split_key
from studio.data.splits import NOBODY, held_out_threshold, split_of
from studio.data.versions import FrozenRow, VersionWriter, read_version, version_info
from studio.errors import FileUnreadable

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
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_record_of_each_kind_has_no_problem_and_fills_its_columns(kind):
    assert record_kind(GOOD[kind]) == kind
    assert check_record(GOOD[kind]) == []
    assert all(render_cells(GOOD[kind], COLUMNS[kind]))


@pytest.mark.parametrize(
    ("record", "problems"),
    [
        ([], [("record", "record_unknown")]),
        ({"text": "x"}, [("record", "record_unknown")]),
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


def test_the_fingerprint_covers_words_splits_and_order_but_not_row_ids(tmp_path):
    rows = frozen(3)
    first = write(tmp_path, rows)[0].fingerprint
    assert write(tmp_path, [row._replace(row_id=row.row_id + 9) for row in rows])[0].fingerprint == first
    changed = [rows[::-1], [rows[0]._replace(split="held_out"), *rows[1:]], rows[:2], frozen(3, seed=2)]
    assert len({first, *(write(tmp_path, other)[0].fingerprint for other in changed)}) == 5


def test_a_damaged_or_newer_version_is_refused_with_words(tmp_path):
    _, path = write(tmp_path, frozen(100))
    path.write_bytes(path.read_bytes()[:-30])
    for read in (version_info, lambda p: list(read_version(p))):
        with pytest.raises(FileUnreadable) as refused:
            read(path)
        assert refused.value.values["cause"] == "version_damaged"
    with pytest.raises(FileUnreadable):
        version_info(tmp_path / "missing.parquet")
