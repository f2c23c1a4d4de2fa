"""The shipped sample files are what the code writes, and what the index says."""

import csv
import io
import json
from pathlib import Path

import pytest

from studio.pocket.rules import JAPANESE
from studio.pocket.samples import dirty_lines, sample_files, sft_rows, table_rows

SHIPPED = Path(__file__).parents[3] / "assets" / "samples"
INDEX = json.loads((SHIPPED / "index.json").read_text(encoding="utf-8"))


def test_the_shipped_files_are_byte_for_byte_what_the_code_writes():
    files = sample_files()
    assert {path.name for path in SHIPPED.iterdir()} == set(files)
    for name, content in files.items():
        assert (SHIPPED / name).read_bytes() == content, name


@pytest.mark.parametrize("entry", INDEX["samples"], ids=lambda entry: entry["id"])
def test_the_index_counts_rows_and_speaks_both_languages(entry: dict):
    content = (SHIPPED / entry["file"]).read_bytes()
    if entry["file"].endswith(".jsonl"):
        rows = content.decode().split("\n")[:-1]
    else:
        encoding = {"table_cp932": "cp932", "table_utf16le_bom": "utf-16"}.get(entry["id"], "utf-8-sig")
        rows = list(csv.reader(io.StringIO(content.decode(encoding), newline="")))[1:]
    assert len(rows) == entry["rows"]
    for text in (entry["title"], entry["description"]):
        assert set(text) == {"en", "ja"}
        assert JAPANESE.search(text["ja"])
        assert not JAPANESE.search(text["en"])


def test_every_sample_holds_both_languages():
    for name, content in sample_files().items():
        if name == "index.json":
            continue
        encoding = {"table_cp932.csv": "cp932", "table_utf16le_bom.csv": "utf-16"}.get(name, "utf-8-sig")
        text = content.decode(encoding).replace("\\u", "")
        lines = [line for line in text.splitlines() if len(line) > 20]
        japanese = sum(bool(JAPANESE.search(line)) for line in lines)
        assert 0.3 < japanese / len(lines) < 0.7, name


def test_the_tuning_set_is_1200_distinct_conversations_half_polite():
    from studio.training.verifiers.polite import is_polite

    rows = sft_rows()
    assert len({json.dumps(row, ensure_ascii=False) for row in rows}) == len(rows) == 1200
    last = [row["messages"][-1]["content"] for row in rows if not row["messages"][-1]["content"].startswith("{")]
    polite = sum(is_polite(text, "ja" if JAPANESE.search(text) else "en") for text in last)
    assert 0.42 < polite / len(last) < 0.55


def test_the_three_tables_hold_the_same_cells():
    wanted = [("prompt", "completion"), *table_rows()]
    for name, encoding in (
        ("table_utf8_bom_crlf.csv", "utf-8-sig"),
        ("table_cp932.csv", "cp932"),
        ("table_utf16le_bom.csv", "utf-16"),
    ):
        text = (SHIPPED / name).read_bytes().decode(encoding)
        assert [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))] == wanted, name


def test_the_damaged_file_has_good_rows_and_every_kind_of_fault():
    broken, empty, wrong, good = 0, 0, 0, 0
    for line in dirty_lines():
        try:
            row = json.loads(line) if line.strip() else ""
        except json.JSONDecodeError:
            broken += 1
            continue
        messages = row.get("messages") if isinstance(row, dict) else None
        if row == "":
            empty += 1
        elif (
            isinstance(messages, list)
            and len(messages) == 2
            and all(
                isinstance(m.get("content"), str) and m["content"].strip() and m.get("role") in ("user", "assistant")
                for m in messages
            )
        ):
            good += 1
        else:
            wrong += 1
    assert broken >= 8
    assert empty == 4
    assert wrong >= 20
    assert good >= 28
