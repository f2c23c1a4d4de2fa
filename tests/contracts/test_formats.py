"""Every format against its own example and against real files of its kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.formats import FORMATS, guess_format, read_record
from studio.data.records import check_record, record_kind
from studio.data.understanding import keep_aside
from studio.errors import RowInvalid
from studio.words import catalogue
from tests.dataset_jobs import Imported, import_file

SAME_ROWS = ("messages_a.jsonl", "sharegpt_a.json", "alpaca_a.json", "utf8bom_crlf_a.csv", "cp932_crlf_a.csv")


@pytest.mark.parametrize("name", FORMATS.names)
def test_a_format_reads_its_example_into_the_record_it_promises(name):
    plug = FORMATS[name]
    assert read_record(plug, plug.example.row) == plug.example.record
    assert set(plug.example.row) <= plug.fields


@pytest.mark.parametrize("name", FORMATS.names)
def test_a_format_writes_a_record_back_so_that_it_reads_the_same(name):
    plug = FORMATS[name]
    assert read_record(plug, plug.render(plug.example.record)) == plug.example.record


@pytest.mark.parametrize("name", FORMATS.names)
def test_a_format_is_guessed_from_its_example_with_a_reason_in_words(name):
    guess = guess_format("rows.jsonl", [FORMATS[name].example.row])
    assert guess.value == name
    assert f"choice.{guess.reason}" in catalogue("ja")


@pytest.mark.parametrize("name", FORMATS.names)
def test_a_format_refuses_an_empty_row_with_field_and_cause(name):
    with pytest.raises(RowInvalid) as refused:
        read_record(FORMATS[name], {})
    assert refused.value.values["field"]
    assert f"refused.{refused.value.values['cause']}" in catalogue("ja")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "type", "text", "tool_calls", "function",
                                       "name", "arguments", "input", "output", "qas", "context", "question", "start",
                                       "end", "span", "label", "response", "annotations", "score"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.parametrize("name", FORMATS.names)
def test_no_row_makes_a_format_fail_without_words(name):
    plug = FORMATS[name]

    @settings(max_examples=60, deadline=None)
    @given(row=st.dictionaries(st.sampled_from(sorted(plug.fields)), anything, max_size=4))
    def reads_or_refuses(row):
        plug.guess(list(row), [row])
        try:
            for inner in [row, *plug.unfold(row)]:
                record = read_record(plug, inner)
                assert check_record(record) == []
                assert record_kind(record)
                assert keep_aside(plug, inner).keys() <= inner.keys()
        except RowInvalid as refused:
            assert f"refused.{refused.values['cause']}" in catalogue("en")
            assert f"refused_cause.{refused.values['cause']}" in catalogue("ja")

    reads_or_refuses()


def test_a_row_that_its_format_refuses_is_kept_with_number_field_cause_and_text(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": ""}\n', "utf-8")
    imported = import_file(tmp_path / "workspace", path)
    assert (imported.report["understood"], imported.report["causes"]) == (1, {"content_empty": 1})
    (row,) = imported.refused()
    assert (row["number"], row["field"], row["cause"]) == (2, "completion", "content_empty")
    assert row["raw"] == '{"prompt": "c", "completion": ""}\n'


# Real files -----------------------------------------------------------------------------------------------------------


def first_turns(imported: Imported) -> Iterator[tuple[str, str]]:
    for record in imported.records():
        roles = {message["role"]: message["content"] for message in reversed(record["messages"])}
        yield roles["user"], roles["assistant"]


def test_the_same_dialogues_in_five_files_give_the_same_first_turns(shared_data, tmp_path):
    """400 dialogues. CP932 has no 嚙: that file leaves out one row. It has a wave dash of its own only (～, U+FF5E, for
    〜, U+301C): two rows differ by it. 397 rows are equal to the letter."""
    found = {
        name: list(first_turns(import_file(tmp_path / name, shared_data / "instruct_ja" / name))) for name in SAME_ROWS
    }
    account = {name: len(turns) for name, turns in found.items()}
    print(account)
    assert account == dict.fromkeys(SAME_ROWS[:4], 400) | {"cp932_crlf_a.csv": 399}
    reference = found["messages_a.jsonl"]
    for name in SAME_ROWS[:4]:
        assert found[name] == reference, name
    held = [tuple(text.replace("〜", "～") for text in turns) for turns in reference]
    left_out = [turns for turns in held if turns not in found["cp932_crlf_a.csv"]]
    print("left out:", left_out, "waves:", sum(before != after for before, after in zip(reference, held, strict=True)))
    assert found["cp932_crlf_a.csv"] == [turns for turns in held if turns not in left_out]
    assert sum(before != after for before, after in zip(reference, held, strict=True)) == 2
    assert len(left_out) == 1 and "嚙" in left_out[0][1]


def test_the_five_files_are_found_to_be_what_they_are(shared_data, tmp_path):
    found = {}
    for name in SAME_ROWS:
        guesses = import_file(tmp_path / name, shared_data / "instruct_ja" / name).report["guesses"]
        found[name] = tuple(guesses[what]["value"] for what in ("container", "encoding", "format"))
    assert found == {
        "messages_a.jsonl": ("jsonl", "utf-8", "messages"),
        "sharegpt_a.json": ("json", "utf-8", "sharegpt"),
        "alpaca_a.json": ("json", "utf-8", "alpaca"),
        "utf8bom_crlf_a.csv": ("csv", "utf-8", "alpaca"),
        "cp932_crlf_a.csv": ("csv", "cp932", "alpaca"),
    }


@pytest.mark.parametrize(
    ("path", "name", "rows"),
    [
        ("instruct_en/gsm8k_train_head2000.messages.jsonl", "messages", 2000),
        ("instruct_en/glaive_toolcall_en_demo.json", "sharegpt", 300),
        ("instruct_en/dummy_conversation.sharegpt.json", "sharegpt", 500),
        ("instruct_en/self_instruct_seed.alpaca.json", "alpaca", 175),
        ("instruct_en/identity.json", "alpaca", 91),
        ("pref_ja/preference_a.jsonl", "preference", 396),
        ("pref_en/gsm8k_solutions.preference.jsonl", "preference", 353),
        ("gsm8k/test_part.jsonl", "prompt_completion", 660),
    ],
)
def test_real_files_are_understood_whole(path, name, rows, shared_data, tmp_path):
    """Rows as INDEX.tsv counts them."""
    imported = import_file(tmp_path, shared_data / path)
    assert imported.report["guesses"]["format"]["value"] == name
    assert (imported.report["understood"], imported.report["refused"]) == (rows, 0)


def test_replies_marked_right_and_wrong_are_not_taken_for_examples(shared_data, tmp_path):
    """A KTO file looks like prompt and completion, but 2,640 completions hold right and wrong ones on purpose."""
    imported = import_file(tmp_path, shared_data / "pref_en" / "gsm8k_solutions.kto.jsonl")
    assert imported.report["guesses"]["format"]["value"] == "unpaired"
    labels = Counter(record["label"] for record in imported.records())
    assert labels.total() == 2640 and min(labels.values()) > 500


def test_every_span_of_the_japanese_entities_covers_its_text(shared_data, tmp_path):
    imported = import_file(tmp_path, shared_data / "ner_ja" / "ner_part.json")
    assert (imported.report["understood"], imported.report["refused"]) == (4000, 0)
    rows = json.loads((shared_data / "ner_ja" / "ner_part.json").read_text("utf-8"))
    for row, record in zip(rows, imported.records(), strict=True):
        spans = [(e["text"], [e["start"], e["end"]], e["label"]) for e in record["entities"]]
        assert spans == [(e["name"], e["span"], e["type"]) for e in row["entities"]]
        assert all(record["text"][start:end] == text for text, (start, end), _ in spans)


def test_tool_calls_of_glaive_are_calls_and_answers_of_tools(shared_data, tmp_path):
    """300 dialogues; each function_call turn is a call with parsed arguments, each observation a message of the tool."""
    path = shared_data / "instruct_en" / "glaive_toolcall_en_demo.json"
    rows, records = json.loads(path.read_text("utf-8")), import_file(tmp_path, path).records()
    turns = Counter(turn["from"] for row in rows for turn in row["conversations"])
    messages = [message for record in records for message in record["messages"]]
    calls = [call for message in messages for call in message.get("tool_calls", [])]
    assert len(calls) == turns["function_call"] > 200
    assert sum(message["role"] == "tool" for message in messages) == turns["observation"] > 200
    assert all(isinstance(call["function"]["arguments"], dict) for call in calls)
    assert sum("tools" in record for record in records) == sum(json.loads(row["tools"] or "[]") != [] for row in rows)


def test_questions_nested_in_articles_become_records_of_their_own(shared_data, tmp_path):
    """JSQuAD: 59 articles hold 4,442 questions; what else was accepted as an answer stays with the row."""
    imported = import_file(tmp_path, shared_data / "jglue" / "jsquad_valid.json")
    assert (imported.report["read"], imported.report["understood"], imported.report["refused"]) == (4442, 4442, 0)
    assert {"code": "rows_unfolded", "values": {"rows": 59, "inner": 4442}} in imported.report["notices"]
    first = next(iter(imported.records()))
    assert first["messages"][0]["content"].endswith("日本で梅雨がないのは北海道とどこか。")
    assert first["messages"][1]["content"] == "小笠原諸島"
