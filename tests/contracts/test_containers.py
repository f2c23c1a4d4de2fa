"""Every container against its own example, real awkward files, and bytes that nobody would write."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.data.containers import CONTAINERS
from studio.data.rows import RAW_LIMIT_BYTES, RawRow, shown_raw
from studio.data.sources import plan_reading
from studio.errors import FileUnreadable
from studio.words import catalogue
from tests.conftest import PROJECT
from tests.data_files import write_workbook

DIRTY = Path(os.environ.get("WHETSTONE_DATA") or PROJECT.parent / "shared" / "data") / "dirty"


def read(path: Path, **chosen: str) -> list[RawRow]:
    return list(plan_reading(path, path.name, **chosen).rows())


def example_file(plug, folder: Path) -> Path:
    path = folder / plug.example.file_name
    if plug.name == "xlsx":
        write_workbook(
            path, {"Sheet1": [list(plug.example.rows[0]), *(list(row.values()) for row in plug.example.rows)]}
        )
    elif plug.example.content is None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(list(plug.example.rows)), path)
    else:
        path.write_bytes(plug.example.content)
    return path


@pytest.mark.parametrize("name", CONTAINERS.names)
def test_a_container_is_recognised_by_its_example_and_reads_the_rows_it_promises(name, tmp_path):
    plug = CONTAINERS[name]
    plan = plan_reading(path := example_file(plug, tmp_path), path.name)
    assert plan.container == name
    assert f"choice.{plan.guesses['container'].reason}" in catalogue("en")
    rows = list(plan.rows())
    assert [row.fields for row in rows] == list(plug.example.rows)
    assert len({row.number for row in rows}) == len(rows)


@pytest.mark.parametrize("name", CONTAINERS.names)
def test_a_container_is_recognised_without_the_help_of_a_name(name, tmp_path):
    path = example_file(CONTAINERS[name], tmp_path).rename(tmp_path / "data")
    assert plan_reading(path, "data").container == name


# Nobody's files -------------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
strange_texts = st.text(st.sampled_from('",;\t\n\r{}[]:ab1\\\x00é日ａ﻿\ud800'), max_size=60)
pieces = st.one_of(
    st.binary(max_size=40),
    strange_texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
    strange_texts.map(lambda text: text.encode("utf-16-le", "surrogatepass")),
    json_values.map(lambda value: json.dumps(value).encode()),
    json_values.map(lambda value: json.dumps({"prompt": "a", "completion": value}, ensure_ascii=False).encode("utf-8", "replace")),
    st.sampled_from([b"\n", b"\r\n", b",", b'"', b"prompt,completion\n", b'{"a":', b"[", b"]", b"\xef\xbb\xbf", b"\xff\xfe", b"PAR1"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(pieces, max_size=8).map(b"".join),
    name=st.sampled_from(["a.json", "a.jsonl", "a.csv", "a.tsv", "a.txt", "a.parquet"]),
    container=st.sampled_from([None, *CONTAINERS.names]),
)
def test_no_bytes_make_a_container_fail_without_words(content, name, container, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    try:
        rows = list(plan_reading(path, name, container).rows())
    except FileUnreadable as refused:
        assert f"unreadable.{refused.values['cause']}" in catalogue("en")
        assert refused.values["cause"] != "reader_failed" or container == "parquet", refused.values
        return
    assert [row.number for row in rows] == sorted({row.number for row in rows})
    for row in rows:
        assert (row.fields is None) != (row.cause is None)
        assert row.cause is None or f"refused.{row.cause}" in catalogue("ja")
        assert len(shown_raw(row).encode("utf-8")) <= RAW_LIMIT_BYTES
        json.dumps(row.fields, ensure_ascii=False).encode("utf-8")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.fixed_dictionaries({"a": st.text(max_size=9), "b": st.text(max_size=9)}), min_size=1, max_size=5)
)
def test_what_pythons_own_writer_writes_comes_back_from_csv(rows, tmp_path):
    """Except rows whose texts no file can hold: half surrogates. A blank text alone in a row is quoted by the writer."""
    import csv

    path = tmp_path / "file.csv"
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        writer = csv.DictWriter(file, ["a", "b"], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    found = list(plan_reading(path, "file.csv", "csv", "utf-8", ",").rows())
    assert [row.fields for row in found] == rows
