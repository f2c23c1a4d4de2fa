"""Files that nobody meant to write, through the whole import: real ones with damage, and made-up ones.

WHETSTONE_FUZZ_CASES sets how many are tried (a few hundred unless given, always the same ones); more than that draws
new ones every time.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from studio.data.samples import FOLDER
from studio.data.sources import CHOICES, plan_reading, preview_rows
from studio.errors import FileUnreadable, StudioError
from studio.words import catalogue
from tests.conftest import PROJECT
from tests.data_files import write_shared_workbook
from tests.dataset_jobs import Imported, import_file

CASES = int(os.environ.get("WHETSTONE_FUZZ_CASES") or 240)
IS_USUAL = "WHETSTONE_FUZZ_CASES" not in os.environ
DATA = Path(os.environ.get("WHETSTONE_DATA") or PROJECT.parent / "shared" / "data")
LARGEST_BYTES = 24_000
SUFFIXES = ("", ".json", ".jsonl", ".csv", ".tsv", ".txt", ".md", ".xlsx", ".parquet", ".gz", ".zip")
TOKENS = (
    b'"', b"'", b"\\", b"\n", b"\r", b"\r\n", b",", b"\t", b";", b"{", b"}", b"[", b"]", b":", b"\0", b"\x1a", b"\f",
    b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x80\x80", b"\x1b$B", b"\xe3\x81", b"NaN",
    b"1e999", b"-", b"null", b'""', b'"""', b"\\ud800", b"\\", b"[" * 3000, b"9" * 5000, b"\n\n\n", b"# ", b"<c/>",
    b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"BZh9", b'{"a":1}', b"prompt,completion\n", b'"messages":',
)  # fmt: skip


def seeds() -> list[Path]:
    """Small real files of every kind: the samples of our own, and the awkward ones where they are."""
    found = [path for path in FOLDER.rglob("*") if path.suffix not in (".py", ".md")]
    found += [path for path in DATA.rglob("*") if path.is_file() and path.suffix != ".xls"] if DATA.is_dir() else []
    return sorted(path for path in found if path.is_file() and 0 < path.stat().st_size <= 200_000)


SEEDS = seeds()
places = st.floats(0, 1, allow_nan=False)
damages = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), places, st.sampled_from(TOKENS)),
        st.tuples(st.just("insert"), places, st.binary(max_size=12)),
        st.tuples(st.just("flip"), places, st.integers(1, 255)),
        st.tuples(st.just("cut"), places, places),
        st.tuples(st.just("double"), places, places),
        st.tuples(st.just("end"), places, st.none()),
        st.tuples(st.just("recode"), places, st.sampled_from(["utf-16-le", "utf-16", "cp932", "euc-jp", "cp1252"])),
    ),
    min_size=1,
    max_size=6,
)
packings = st.sampled_from([None, None, None, None, "gzip", "bzip2", "zip", "zip of two"])
choices = st.dictionaries(
    st.sampled_from(sorted(CHOICES)), st.sampled_from(sorted({v for vs in CHOICES.values() for v in vs or ("$", "s")})), max_size=2
)  # fmt: skip


def damaged(content: bytes, steps: list) -> bytes:
    for kind, place, detail in steps:
        at = int(place * len(content))
        if kind == "insert":
            content = content[:at] + detail + content[at:]
        elif kind == "flip" and content:
            at = min(at, len(content) - 1)
            content = content[:at] + bytes([content[at] ^ detail]) + content[at + 1 :]
        elif kind == "cut":
            content = content[:at] + content[at + int(detail * 200) :]
        elif kind == "double":
            content = content[:at] + content[at : at + int(detail * 500)] + content[at:]
        elif kind == "end":
            content = content[:at]
        elif kind == "recode":
            content = content.decode("utf-8", "replace").encode(detail, "replace")
    return content


def packed(content: bytes, packing: str | None, name: str) -> bytes:
    if packing == "gzip":
        return gzip.compress(content, 1)
    if packing == "bzip2":
        return bz2.compress(content, 1)
    if packing is None:
        return content
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name or "a", content)
        if packing == "zip of two":
            archive.writestr(f"more/{name}", content)
    return target.getvalue()


def check_outcome(imported: Imported) -> None:
    """Rows add up, and whatever went wrong is said in both languages."""
    report, error = imported.report, imported.error
    assert report["read"] == report["understood"] + report["refused"]
    for language in ("en", "ja"):
        words = catalogue(language)
        assert all(f"refused.{cause}" in words and f"refused_cause.{cause}" in words for cause in report["causes"])
        assert all(f"notice.{notice['code']}" in words for notice in report["notices"])
        assert all(f"choice.{guess['reason']}" in words for guess in report["guesses"].values())
    if error is None:
        assert report["understood"] == len(imported.rows()) > 0
        assert report["refused"] == len(imported.refused())
        return
    assert isinstance(error, StudioError), error
    assert not imported.path.exists()
    assert error.message("en") != error.message("ja")
    if isinstance(error, FileUnreadable):
        assert f"unreadable.{error.values['cause']}" in catalogue("en")
        assert error.values["cause"] != "reader_failed", error.values


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="whetstone-fuzz-"))
    yield made
    shutil.rmtree(made)


def run_case(folder: Path, content: bytes, name: str, chosen: dict[str, str]) -> None:
    workspace = Path(tempfile.mkdtemp(dir=folder))
    path = workspace / (name or "a")
    path.write_bytes(content)
    chosen = {key: value for key, value in chosen.items() if value in (CHOICES[key] or (value,))}
    imported = import_file(workspace, path, **chosen)
    check_outcome(imported)
    try:
        plan = plan_reading(path, path.name, **chosen)
        assert len(preview_rows(plan, 5)) <= 5
        rows = sum(1 for _ in plan.rows())
    except StudioError:
        assert imported.error is not None
    else:
        # A row that holds several counts as many; none counts as nothing.
        assert imported.error is not None or imported.report["read"] >= rows
    shutil.rmtree(workspace)


def cases(share: float) -> settings:
    return settings(
        max_examples=max(1, int(CASES * share)),
        deadline=None,
        database=None,
        derandomize=IS_USUAL,
        suppress_health_check=list(HealthCheck),
    )


late_damages = damages | st.none()
"""To the packed file itself."""


@cases(0.6)
@given(
    seed=st.tuples(st.sampled_from(SEEDS), places),
    steps=damages,
    packing=st.tuples(packings, late_damages),
    suffix=st.sampled_from(("same", *SUFFIXES)),
    chosen=choices,
)
def test_real_files_with_damage_are_told_and_their_rows_add_up(folder, seed, steps, packing, suffix, chosen):
    path, start = seed
    content = path.read_bytes()
    if len(content) > LARGEST_BYTES and path.suffix not in (".parquet", ".xlsx"):
        at = content.find(b"\n", int(start * (len(content) - LARGEST_BYTES))) + 1
        content = content[at : at + LARGEST_BYTES]
    name = path.name if suffix == "same" else f"a{suffix}"
    kind, late = packing
    made = packed(damaged(content, steps), kind, name)
    run_case(folder, damaged(made, late) if kind and late else made, name, chosen)


texts = st.text(st.sampled_from('",;\t\n\r{}[]:ab1\\\x00é日ァ\ufeff🍵# '), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(
    [
        "prompt",
        "completion",
        "chosen",
        "rejected",
        "messages",
        "conversations",
        "instruction",
        "input",
        "output",
        "text",
        "label",
        "labels",
        "entities",
        "question",
        "answer",
        "context",
        "system",
        "tools",
        "history",
        "options",
        "choices",
        "score",
        "margin",
        "instances",
        "data",
        "rows",
        "role",
        "content",
    ]
)
turns = st.lists(st.dictionaries(st.sampled_from(["role", "content", "from", "value", "tool_calls"]),
                                 st.sampled_from(["user", "assistant", "system", "human", "gpt", ""]) | values, max_size=3), max_size=4)  # fmt: skip
rows = st.lists(st.dictionaries(fields, values | turns, max_size=5), min_size=1, max_size=4)


@cases(0.3)
@given(rows=rows, shape=st.sampled_from(["array", "lines", "under", "columns", "csv"]), packing=packings)
def test_rows_of_any_shape_are_understood_or_refused_one_by_one(folder, rows, shape, packing):
    """Names of fields that formats look for, with values they do not expect."""
    if shape == "array":
        made = json.dumps(rows)
    elif shape == "lines":
        made = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    elif shape == "under":
        made = json.dumps({"by": "me", "data": {"rows": rows}})
    elif shape == "columns":
        made = json.dumps({name: [row.get(name) for row in rows] for name in rows[0]})
    else:
        names = list(rows[0]) or ["text"]
        made = "\n".join(
            ",".join(json.dumps(str(cell)) for cell in cells) for cells in (names, *(r.values() for r in rows))
        )
    run_case(folder, packed(made.encode("utf-8", "replace"), packing, "a.json"), "a.json", {})


cells = texts.map(lambda text: text.replace("\0", ""))
CELL_KINDS = ("", "", "", ' t="n"', ' t="b"', ' t="d"', ' t="e"', ' t="str"', ' t="s"', ' s="1"')
NUMBERS = (
    "123456789012345678901234567890",
    "-9223372036854775809",
    "9" * 5000,
    "1E999",
    "-1e999",
    "NaN",
    "1_0",
    "x",
    "",
)


@cases(0.1)
@given(
    rows=st.just([["prompt", "completion"], ["a", "b"]])
    | st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=6),
    steps=st.just([]) | damages,
    part=places,
    kind=st.sampled_from(CELL_KINDS),
    number=st.sampled_from(NUMBERS) | st.integers().map(str),
)
def test_workbooks_with_a_damaged_part_or_a_strange_number_are_told(folder, rows, steps, part, kind, number):
    """The damage is inside of a part, whose checksum is right. The number stands beside the texts of each row."""
    whole = Path(tempfile.mkdtemp(dir=folder)) / "a.xlsx"
    try:
        write_shared_workbook(whole, rows)
    except ValueError:
        assume(False)
    with zipfile.ZipFile(whole) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</row>", f"<c{kind}><v>{number}</v></c></row>".encode())
    name = sorted(parts)[min(int(part * len(parts)), len(parts) - 1)]
    parts[name] = damaged(parts[name], steps)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    run_case(folder, target.getvalue(), "a.xlsx", {})
