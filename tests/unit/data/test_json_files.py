"""JSON and JSON Lines as people really write and break them: what can be read is read, the rest is named."""

from __future__ import annotations

import gzip
import json
import re
import time
from pathlib import Path

import pytest

from studio.data import rows as row_limits
from studio.data.containers import json as json_container
from studio.data.containers import jsonl as jsonl_container
from studio.data.files import Source
from studio.data.sources import plan_reading
from studio.errors import FileUnreadable
from studio.words import catalogue
from tests.dataset_jobs import import_file


def read(folder: Path, text: str | bytes, name: str = "file.json", container: str | None = None):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    plan = plan_reading(path, name, container)
    rows = list(plan.rows())
    return [row.fields if row.cause is None else row.cause for row in rows], plan.source.notices, rows


@pytest.mark.parametrize(
    ("line", "cause", "field"),
    [
        ('{"a": 1', "json_syntax", None),
        ("plain text", "json_syntax", None),
        ('{"a": 1}}', "json_syntax", None),
        ("[1, 2]", "json_not_object", None),
        ('"text"', "json_not_object", None),
        ("null", "json_not_object", None),
        ('{"a": 1, "a": 2}', "json_key_twice", "a"),
        ('{"m": [{"b" : 1,\t"b"\t: 2}]}', "json_key_twice", "b"),
        ('{"a": NaN}', "json_not_finite", None),
        ('{"a": -Infinity}', "json_not_finite", None),
        ('{"a": "\\ud800"}', "json_half_surrogate", None),
        ('{"a": ' + "[" * 1500 + "]" * 1500 + "}", "json_too_deep", None),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", "json_too_deep", None),
        ('{"a": [1e999, 1]}', "json_not_finite", None),
        ('{"a": ' + "9" * 5000 + "}", "json_number_too_long", None),
        ('{"a": ' + "9" * 400 + "}", "json_number_too_long", None),
        ('{"a": [{"b": 18446744073709551616}]}', "json_number_too_long", None),
        ('{"a": -9223372036854775809}', "json_number_too_long", None),
        (b'{"a": "\xe8\x8c"}', "undecodable", None),
    ],
)
def test_a_line_that_is_no_object_is_refused_with_its_cause_and_the_others_are_read(line, cause, field, tmp_path):
    line = line if isinstance(line, bytes) else line.encode()
    found, _, rows = read(tmp_path, b'{"a": 1}\n' + line + b'\n{"a": 3}\n', "file.jsonl")
    assert found == [{"a": 1}, cause, {"a": 3}]
    assert (rows[1].number, rows[1].field) == (2, field)


def test_numbers_that_are_held_to_the_last_digit_are_read_and_the_others_told(tmp_path):
    text = '{"most": 18446744073709551615, "least": -9223372036854775808, "float": 1e25, "dot": 18446744073709551616.0}'
    assert read(tmp_path, text, "f.jsonl")[0] == [json.loads(text)]
    (row,) = read(tmp_path, '{"id": 123456789012345678901234567890}', "g.jsonl")[2]
    assert row.values == {"found": "123456789012345678901234567890"}


def test_what_only_looks_like_a_key_twice_is_read(tmp_path):
    text = '{"a": "\\"a\\": \\"a\\" :", "b": {"a": 1}, "c": [{"a": 1}, {"a": 2}]}'
    assert read(tmp_path, text + "\n" + text, "f.jsonl")[0] == [json.loads(text)] * 2


def test_blank_lines_are_counted_and_the_torn_last_line_is_refused(tmp_path):
    found, notices, rows = read(tmp_path, '\n{"a": 1}\r\n  \r\n{"a": "x', "file.jsonl")
    assert found == [{"a": 1}, "json_torn"]
    assert notices == [("blank_lines", {"count": 2})]
    assert rows[1].number == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_line_longer_than_a_row_may_be_is_refused_and_never_held(encoding, tmp_path, monkeypatch):
    for module in (jsonl_container, row_limits):
        monkeypatch.setattr(module, "LONGEST_ROW_BYTES", 50)
    monkeypatch.setattr("studio.data.lines.LONGEST_ROW_BYTES", 50)
    text = '{"a": 1}\n{"a": "' + "x" * 200 + '"}\n{"a": 3}\n'
    (tmp_path / "f.jsonl").write_bytes(text.encode(encoding))
    rows = list(plan_reading(tmp_path / "f.jsonl", "f.jsonl", "jsonl", encoding).rows())
    assert [row.fields or row.cause for row in rows] == [{"a": 1}, "row_too_long", {"a": 3}]
    assert [row.number for row in rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ("[]", []),
        ('{"a": [1, 2], "b": ["x", null]}', [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        ('{"version": 1, "data": [{"a": 1}, 2]}', [{"a": 1}, "json_not_object"]),
        ('{"examples": [{"a": 1}]}', [{"a": 1}]),
        ('{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}]),
        ('{\n "a": 1\n}\n{\n "a": 2\n}', [{"a": 1}, {"a": 2}]),
        ('{"by": "me", "data": {"train": [{"a": 1}, {"a": 2}], "test": [{"a": 3}]}}', [{"a": 1}, {"a": 2}]),
        ('{"a": {"b": {"c": [{"d": 1}]}}}', [{"d": 1}]),
        (
            '{"intents": {"yes": {"text": "y"}, "no": {"text": "n"}}}',
            [{"name": "yes", "text": "y"}, {"name": "no", "text": "n"}],
        ),
        (
            '{"intents": {"yes": {"text": "y", "name": "Y"}, "no": {"text": "n", "key": "N"}}}',
            [{"key 2": "yes", "text": "y", "name": "Y"}, {"key 2": "no", "text": "n", "key": "N"}],
        ),
        (
            '{"text": "t", "slots": {"a": {"b": 1}, "c": {"b": 2}}}',
            [{"text": "t", "slots": {"a": {"b": 1}, "c": {"b": 2}}}],
        ),
        ('{"messages": [{"role": "user"}]}', [{"messages": [{"role": "user"}]}]),
        ('{"messages": [[{"role": "user"}], []]}', [{"messages": [{"role": "user"}]}, {"messages": []}]),
    ],
)
def test_rows_are_found_in_every_usual_shape(text, found, tmp_path):
    assert read(tmp_path, text)[0] == found


def test_where_rows_were_found_and_what_stood_beside_them_is_said(tmp_path):
    _, notices, _ = read(tmp_path, '{"version": 1, "by": "me", "data": [{"a": 1}]}')
    assert notices == [("rows_under_key", {"key": "data", "count": 1}), ("keys_beside_rows", {"keys": "version, by"})]


def test_the_place_of_the_rows_is_told_with_the_others_and_can_be_chosen(tmp_path):
    text = '{"by": "me", "data": {"train": [{"a": 1}, {"a": 2}], "test": [{"a": 3}]}}'
    (tmp_path / "f.json").write_text(text)
    plan = plan_reading(tmp_path / "f.json", "f.json")
    guess = plan.guesses["rows_under"]
    assert (guess.value, guess.among) == ("data › train", ("data › train", "data › test", "$"))
    assert f"choice.{guess.reason}" in catalogue("ja")
    assert [row.fields for row in plan.rows()] == [{"a": 1}, {"a": 2}]
    assert plan.notices[1] == ("keys_beside_rows", {"keys": "by, test"})
    other = plan_reading(tmp_path / "f.json", "f.json", rows_under="data › test")
    assert [row.fields for row in other.rows()] == [{"a": 3}]
    whole = plan_reading(tmp_path / "f.json", "f.json", rows_under="$")
    assert [row.fields for row in whole.rows()] == [json.loads(text)]


def test_a_key_that_is_half_a_character_is_told_with_a_mark_in_its_place(tmp_path):
    found, notices, _ = read(tmp_path, '{"by\\ud800": 1, "da\\ud800": [{"a": 1}, {"a": 2}')
    assert found == [{"a": 1}, {"a": 2}, "json_torn"]
    assert notices == [("rows_read_under_key", {"key": "da\ufffd"}), ("keys_beside_rows", {"keys": "by\ufffd"})]


@pytest.mark.parametrize(
    ("tail", "beside"),
    [("", "x"), (', "more": {"y": [1]}, "last": 2', "x, y, last"), (', "more": [{"b": 1}]', "x, more")],
)
def test_rows_under_a_key_of_a_key_are_streamed_where_the_file_is_long(tail, beside, tmp_path, monkeypatch):
    """1.3 MB, where 64 kB may be held; what stands beside the rows is named there too."""
    monkeypatch.setattr(json_container, "LONGEST_ROW_BYTES", 64 * 1024)
    rows = [{"n": n, "text": "茶" * (n % 300)} for n in range(5_000)]
    listed = json.dumps(rows, ensure_ascii=False)
    found, notices, _ = read(tmp_path, '{"by": {"x": "me"}, "data": {"train": ' + listed + "}" + tail + "}")
    assert found == rows
    assert notices == [("rows_read_under_key", {"key": "data › train"}), ("keys_beside_rows", {"keys": beside})]


@pytest.mark.parametrize(
    ("text", "found", "position"),
    [
        ('[{"a": 1}, {"a": 2}, {"a": x}, {"a": 4}]', [{"a": 1}, {"a": 2}, "json_element_broken", {"a": 4}], 28),
        ('[{"a": 1}, {"a": [{"a": 2}, {"b": 1', [{"a": 1}, "json_torn"], 36),
        ('[{"a": 1}, {"a": 2}, {"a": "x', [{"a": 1}, {"a": 2}, "json_torn"], 28),
        ('[{"a": 1}, {"a": 2},', [{"a": 1}, {"a": 2}, "json_torn"], 21),
        ('[{"a": 1} {"a": 2}]', [{"a": 1}, "json_element_broken"], 11),
        ('[{"a": 1}], {"a": 2}]', [{"a": 1}, "json_element_broken", {"a": 2}], 11),
        ('[{"a": 1},]', [{"a": 1}, "json_element_broken"], 11),
        ('{"a": 1}\n{"a" 2}\n{"a": 3}', [{"a": 1}, "json_element_broken", {"a": 3}], 15),
        ('{"x": [{"a": 1}, {"a" 2}, {"a": 3}], "y": 1}', [{"a": 1}, "json_element_broken", {"a": 3}], 23),
        ('{"x": [{"a": 1}, {"a": "2}], "y": [{"a": 3}, {"a": 4}]}', [{"a": 1}, "json_broken"], 31),
        ('[{"a": 1}] x', [{"a": 1}, "json_broken"], 12),
        ('{"data": [{"a": 1}, {"a": 2}, {"a"', [{"a": 1}, {"a": 2}, "json_torn"], 35),
        ('{"a": 1}\n{"a" 2}', [{"a": 1}, "json_broken"], 15),
    ],
)
def test_a_break_refuses_its_own_row_where_its_end_can_be_told_else_the_rest_with_its_position(
    text, found, position, tmp_path
):
    """Positions counted by hand, from 1."""
    got, _, rows = read(tmp_path, text, container="json")
    assert got == found
    refused = next(row for row in rows if row.cause)
    assert refused.values["position"] == position
    assert refused.cause != "json_broken" or refused.values["characters"] > 0


TALKS = [
    {
        "messages": [{"role": "user", "content": f'Q {n}, "so" {{x}}?'}, {"role": "assistant", "content": "茶 ]\n"}],
        "id": n,
    }
    for n in range(6)
]
LAYOUTS = {
    "one line": lambda rows: json.dumps(rows, separators=(",", ":")),
    "a line each": lambda rows: "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]",
    "indented": lambda rows: json.dumps(rows, indent=2, ensure_ascii=False),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_character_too_many_or_too_few_in_a_row_never_costs_the_others(layout, tmp_path):
    """At every other place of the third of six rows. A quote too many may take the next row into the refused text; what is
    read is never a part of a row."""
    text = LAYOUTS[layout](TALKS)
    source = Source(tmp_path / "f.json", "f.json", "f.json")
    end = re.search(r'"id": ?2\s*}', text).end()
    start = text.index("{", re.search(r'"id": ?1\s*}', text).end())
    for at in range(start, end, 2):
        for damage in ("", '"', "{", "]", ",", "x"):
            broken = text[:at] + damage + text[at + (not damage) :]
            source.path.write_text(broken, "utf-8")
            rows = list(json_container.PLUG.read(source))
            read_rows = [row.fields for row in rows if row.fields is not None and row.fields != TALKS[2]]
            lost = [talk["id"] for talk in TALKS if talk not in read_rows and talk["id"] != 2]
            assert lost in ([], [3]) if damage in ('"', "") else lost == [], broken
            assert all("id" in row or "messages" in row for row in read_rows), broken
            assert not lost or any("Q 3" in str(row.raw) for row in rows if row.cause), broken


def test_of_503_rows_one_with_a_bare_key_is_refused_whole_and_can_be_mended(tmp_path):
    lines = [json.dumps({"prompt": f"q {n}", "completion": "a"}) for n in range(503)]
    lines[1] = '{prompt: "q 1", "completion": "a"}'
    (tmp_path / "f.json").write_text("[\n" + ",\n".join(lines) + "\n]")
    imported = import_file(tmp_path / "workspace", tmp_path / "f.json")
    assert (imported.report["read"], imported.report["understood"], imported.report["refused"]) == (503, 502, 1)
    [refused] = imported.refused()
    assert (refused["raw"], bool(refused["is_whole"]), refused["cause"]) == (lines[1], True, "json_element_broken")


def test_broken_rows_one_after_another_are_refused_one_by_one(tmp_path):
    found, _, rows = read(tmp_path, '[{"a": 1}, {a: 2}, {"a": 3 "b": 4}, {"a": 5}, nonsense, {"a": 6}]')
    assert found == [{"a": 1}, *["json_element_broken"] * 2, {"a": 5}, "json_element_broken", {"a": 6}]
    assert [row.raw for row in rows if row.cause] == ["{a: 2}", '{"a": 3 "b": 4}', "nonsense"]


def test_arrays_one_after_another_are_all_read_and_it_is_said(tmp_path):
    found, notices, rows = read(tmp_path, '[{"a": 1}] [{"a": 2}, {"a" 3}, {"a": 4}]\n[]')
    assert found == [{"a": 1}, {"a": 2}, "json_element_broken", {"a": 4}]
    assert [row.number for row in rows] == [1, 2, 3, 4]
    assert notices == [("arrays_in_turn", {"count": 3})]


def test_a_row_of_an_array_that_is_too_long_is_refused_and_the_next_ones_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(json_container, "LONGEST_ROW_BYTES", 4_000)
    monkeypatch.setattr("studio.data.json_scanner._PIECE", 1_000)
    long = json.dumps({"a": ['x"}\\' * 5_000, {"b": 1}]})
    found, _, rows = read(tmp_path, f'[{{"a": 1}}, {long}, {{"a": 3}}, "{"y" * 9_000}", {{"a": 4}}]')
    assert found == [{"a": 1}, "row_too_long", {"a": 3}, "row_too_long", {"a": 4}]
    assert rows[1].values["characters"] == len(long)


def test_ten_thousand_broken_rows_of_a_long_file_take_seconds(tmp_path):
    """Each of them looks at no more of the file than itself."""
    texts = ['{"a": {"b": 1}, "c": "' + "x" * (n % 300) + ('"}' if n % 2 else '"') for n in range(20_000)]
    started = time.process_time()
    found, _, _ = read(tmp_path, "[" + ", ".join(texts) + "]")
    assert (found.count("json_element_broken"), len(found)) == (10_000, 20_000)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(("text", "cause"), [("12", "json_not_rows"), ('{"a": [1, 2], "b": [1]}', "json_columns_uneven"),
                                             ('{"a": tru', "json_broken"), (" \n", "file_empty")])  # fmt: skip
def test_a_file_without_rows_is_refused_as_a_whole(text, cause, tmp_path):
    with pytest.raises(FileUnreadable) as refused:
        read(tmp_path, text, container="json")
    assert refused.value.values["cause"] == cause
    assert cause not in refused.value.message("ja")


def test_a_long_array_is_read_without_holding_it(tmp_path, monkeypatch):
    """4 MB of rows through a scanner that may hold 64 kB of one value."""
    monkeypatch.setattr(json_container, "LONGEST_ROW_BYTES", 64 * 1024)
    rows = [{"n": n, "text": "茶" * (n % 300)} for n in range(10_000)]
    found, _, _ = read(tmp_path, json.dumps({"data": rows, "by": {"x": [1]}, "n": 2}, ensure_ascii=False))
    assert found == rows


def test_columns_too_long_to_be_held_are_read_side_by_side(tmp_path, monkeypatch):
    """1 MB where 20 kB may be held of one cell; a cell that no row may hold refuses its own row."""
    monkeypatch.setattr(json_container, "LONGEST_ROW_BYTES", 20_000)
    monkeypatch.setattr("studio.data.json_scanner._PIECE", 5_000)
    rows = [{"prompt": f"q {n}", "completion": "茶" * (n % 300), "n": n, "l": [n, {"x": "]"}]} for n in range(3_000)]
    text = json.dumps({name: [row[name] for row in rows] for name in rows[0]}, ensure_ascii=False, indent=1)
    (tmp_path / "f.json.gz").write_bytes(gzip.compress(text.replace('"q 7"', '{"a": 1, "a": 2}').encode()))
    plan = plan_reading(tmp_path / "f.json.gz", "f.json.gz")
    found = list(plan.rows())
    assert [row.fields for row in found if row.number != 8] == [row for row in rows if row["n"] != 7]
    assert (found[7].cause, found[7].field) == ("json_key_twice", "a")
    assert json.loads(found[7].raw)["completion"] == "茶" * 7
    assert ("columns_of_arrays", {"columns": 4, "count": 3_000}) in plan.notices
    assert plan.total_rows == 3_000


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"a": [LONG], "b": [1]}', "json_columns_uneven"),
        ('{"a": [LONG], "b": 1}', "json_object_too_long"),
        ('{"messages": [{"content": [LONG]}]}', "json_object_too_long"),
        ('{"a": [LONG], "b": [1, x]}', "json_broken"),
        ('{"a": [LONG], "a": [LONG]}', "json_broken"),
        ('{"a": [LONG]', "json_broken"),
        ('{"a": [LONG],}', "json_broken"),
    ],
)
def test_a_long_object_that_is_no_table_is_refused_with_a_cause_of_its_own(text, cause, tmp_path, monkeypatch):
    monkeypatch.setattr(json_container, "LONGEST_ROW_BYTES", 1_000)
    monkeypatch.setattr("studio.data.json_scanner._PIECE", 500)
    with pytest.raises(FileUnreadable) as refused:
        read(tmp_path, text.replace("LONG", ", ".join(["1"] * 2_000)))
    assert refused.value.values["cause"] == cause
    assert cause not in refused.value.message("ja")


def test_numbers_at_the_edge_of_a_piece_are_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.data.json_scanner._PIECE", 3)
    assert read(tmp_path, '{"a": 12345, "b": [{"c": 67890}]}\n{"d": true}', container="json")[0][0]["a"] == 12345
