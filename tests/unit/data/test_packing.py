"""Packed files: read as they unpack, bounded by what they came from, and refused with the reason where they trick."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.data import packing
from studio.data.sources import plan_reading, preview_rows
from studio.errors import FileTooLarge, FileUnreadable
from studio.words import catalogue
from tests.data_files import write_workbook, write_zip
from tests.dataset_jobs import conversation, import_file

LINES = b'{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}\n'
ROWS = [{"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"}]
TABLE = b"prompt,completion\na,b\nc,d\n"


def read(path: Path, name: str | None = None, **chosen: str):
    plan = plan_reading(path, name or path.name, **chosen)
    rows = list(plan.rows())
    return [row.fields if row.cause is None else row.cause for row in rows], plan, rows


def refusal(path: Path, name: str | None = None) -> dict:
    with pytest.raises(FileUnreadable) as refused:
        read(path, name)
    assert f"unreadable.{refused.value.values['cause']}" in catalogue("ja")
    assert "{" not in refused.value.message("ja")
    return refused.value.values


def contents(folder: Path) -> dict[str, bytes]:
    """The same two rows in every container."""
    book = write_workbook(folder / "w.xlsx", {"s": [["prompt", "completion"], ["a", "b"], ["c", "d"]]})
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "p.parquet")
    return {
        "rows.jsonl": LINES,
        "rows.json": json.dumps(ROWS).encode(),
        "rows.csv": TABLE,
        "rows.xlsx": book.read_bytes(),
        "rows.parquet": (folder / "p.parquet").read_bytes(),
    }


@pytest.mark.parametrize("packed", ["gz", "bz2", "zip"])
def test_every_container_is_read_from_every_packing(packed, tmp_path):
    for name, content in contents(tmp_path).items():
        path = tmp_path / f"{name}.{packed}"
        if packed == "zip":
            write_zip(path, {f"folder/{name}": content})
        else:
            path.write_bytes(gzip.compress(content) if packed == "gz" else bz2.compress(content))
        found, plan, rows = read(path)
        assert (found, plan.container) == (ROWS, Path(name).suffix[1:])
        assert {row.file for row in rows} == {f"folder/{name}" if packed == "zip" else None}
        assert [row.fields for row in preview_rows(plan, 1)] == ROWS[:1]


def test_text_in_a_packed_file_is_read_as_documents_and_its_name_need_not_tell(tmp_path):
    (tmp_path / "a.md.gz").write_bytes(gzip.compress(b"# One\n\nx\n\n# Two\n\ny\n"))
    assert read(tmp_path / "a.md.gz")[0] == [{"text": "# One\n\nx"}, {"text": "# Two\n\ny"}]
    (tmp_path / "upload").write_bytes(gzip.compress(TABLE))
    assert read(tmp_path / "upload")[0] == ROWS


def test_gzip_of_several_members_is_one_file(tmp_path):
    half = LINES.index(b"\n") + 1
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINES[:half]) + gzip.compress(LINES[half:]))
    assert read(tmp_path / "a.jsonl.gz")[0] == ROWS


def test_the_files_of_an_archive_are_read_one_after_another_each_in_its_own_way(tmp_path):
    """The first in CP932 with commas, the second in UTF-8 with tabs; what systems leave behind is passed over."""
    path = write_zip(tmp_path / "a.zip", {
        "1.csv": "prompt,completion\nお茶はありますか,はい\n".encode("cp932"),
        "__MACOSX/._1.csv": b"\0\1", "deep/.DS_Store": b"\0", "empty.csv": b"",
        "deep/2.tsv": "prompt\tcompletion\n煎茶,番茶\tどちらも\n".encode(),
    })  # fmt: skip
    found, plan, rows = read(path)
    assert found == [
        {"prompt": "お茶はありますか", "completion": "はい"},
        {"prompt": "煎茶,番茶", "completion": "どちらも"},
    ]
    assert [(row.file, row.number) for row in rows] == [("1.csv", 1), ("deep/2.tsv", 1)]
    assert plan.notices[0] == ("archive_files", {"count": 2, "name": "1.csv"})


@pytest.mark.parametrize("encoding", ["cp932", "utf-8"])
def test_a_japanese_name_without_the_mark_of_utf8_is_shown_as_it_was_written(encoding, tmp_path):
    name = "お茶.csv".encode(encoding)
    content = zip_bytes({"X" * (len(name) - 4) + ".csv": TABLE}).replace(b"X" * (len(name) - 4), name[:-4])
    (tmp_path / "a.zip").write_bytes(content)
    found, _, rows = read(tmp_path / "a.zip")
    assert found == ROWS
    assert {row.file for row in rows} == {"お茶.csv"}


def test_a_name_that_stands_twice_in_an_archive_refuses_it(tmp_path):
    content = zip_bytes({"a.csv": TABLE, "b.csv": TABLE}).replace(b"b.csv", b"a.csv")
    (tmp_path / "a.zip").write_bytes(content)
    assert refusal(tmp_path / "a.zip")["cause"] == "zip_name_twice"


def test_the_import_keeps_which_file_of_an_archive_a_row_came_from(tmp_path):
    lines = json.dumps(conversation("Hi?", "Hello.")).encode()
    path = write_zip(tmp_path / "a.zip", {"1.jsonl": lines, "2.jsonl": b"{broken\n" + lines})
    imported = import_file(tmp_path / "workspace", path)
    assert imported.error is None
    assert [json.loads(row.meta)["file"] for row in imported.rows()] == ["1.jsonl", "2.jsonl"]
    assert imported.report["examples"][0]["file"] == "2.jsonl"


def test_files_of_different_kinds_in_an_archive_are_named_and_refused(tmp_path):
    values = refusal(write_zip(tmp_path / "a.zip", {"rows.csv": TABLE, "more/rows.jsonl": LINES}))
    assert values["cause"] == "zip_kinds"
    assert values["file"] == "a.zip: more/rows.jsonl"
    assert (values["first"], values["other"]) == ("CSV or TSV", "JSON Lines")


@pytest.mark.parametrize(
    "name",
    ["../rows.csv", "a/../../rows.csv", "/etc/rows.csv", "C:\\rows.csv", "..\\rows.csv", "\\\\host\\share\\rows.csv"],
)
def test_a_name_that_leads_out_of_the_archive_refuses_it(name, tmp_path):
    assert refusal(write_zip(tmp_path / "a.zip", {"ok.csv": TABLE, name: TABLE}))["cause"] == "zip_path"


def test_a_link_in_an_archive_is_refused(tmp_path):
    link = zipfile.ZipInfo("rows.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert refusal(tmp_path / "a.zip")["cause"] == "zip_link"


def test_an_encrypted_file_is_refused(tmp_path):
    """Encryption is the lowest bit of the flags, in the file's own header and in the archive's list."""
    content = bytearray(write_zip(tmp_path / "a.zip", {"rows.csv": TABLE}).read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    assert refusal(tmp_path / "a.zip") | {"file": ""} == {
        "file": "", "row": None, "cause": "zip_encrypted", "name": "rows.csv",
    }  # fmt: skip


def test_a_method_that_could_ask_for_any_memory_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"rows.csv": TABLE}, zipfile.ZIP_LZMA)
    assert refusal(path)["cause"] == "zip_method"


@pytest.mark.parametrize(
    "inner",
    [
        ("a.zip", lambda: zip_bytes({"rows.csv": TABLE})),
        ("a.gz", lambda: gzip.compress(TABLE)),
        ("a.bz2", lambda: bz2.compress(TABLE)),
    ],
)
def test_what_is_packed_twice_is_refused(inner, tmp_path):
    name, made = inner
    assert refusal(write_zip(tmp_path / "a.zip", {name: made()}))["cause"] == "packed_twice"
    (tmp_path / "b.gz").write_bytes(gzip.compress(made()))
    assert refusal(tmp_path / "b.gz")["cause"] == "packed_twice"


def zip_bytes(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("files", "cause"),
    [({}, "zip_without_files"), ({"a/": b""}, "zip_without_files"), ({"a.csv": b""}, "zip_without_files")],
)
def test_an_archive_without_content_is_refused(files, cause, tmp_path):
    assert refusal(write_zip(tmp_path / "a.zip", files))["cause"] == cause


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.98])
@pytest.mark.parametrize("packed", ["gz", "bz2", "zip"])
def test_a_packed_file_that_is_cut_off_is_refused_as_a_whole(packed, cut, tmp_path):
    content = b"".join(json.dumps({"prompt": str(n), "completion": str(n * n)}).encode() + b"\n" for n in range(5000))
    made = {"gz": gzip.compress, "bz2": bz2.compress, "zip": lambda data: zip_bytes({"rows.jsonl": data})}[packed]
    whole = made(content)
    (tmp_path / "rows").write_bytes(whole[: int(len(whole) * cut)])
    assert refusal(tmp_path / "rows", f"rows.jsonl.{packed}")["cause"] == "packing_damaged"


def test_an_archive_whose_list_alone_would_fill_the_memory_is_refused_unread(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "a.zip", {f"{n}.csv": TABLE for n in range(50)})
    monkeypatch.setattr(packing, "_DIRECTORY_BYTES", 1000)
    assert refusal(path)["cause"] == "zip_too_many"
    monkeypatch.undo()
    monkeypatch.setattr(packing, "MOST_FILES", 49)
    assert refusal(path)["cause"] == "zip_too_many"


def test_an_archive_that_hides_its_long_list_behind_a_short_one_is_refused(tmp_path):
    """Python's reader believes the wide ending record where there is one; so do we."""
    content = write_zip(tmp_path / "a.zip", {"rows.csv": TABLE}).read_bytes()
    end = content.index(b"PK\x05\x06")
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 5 * 1024**3, end)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    (tmp_path / "a.zip").write_bytes(content[:end] + wide + locator + content[end:])
    assert refusal(tmp_path / "a.zip")["cause"] == "zip_too_many"


# Bombs ----------------------------------------------------------------------------------------------------------------

BOMB_BYTES = 200 * 1024**2


def bomb(packed: str, folder: Path) -> Path:
    """200 MB of one letter in less than 300 kB."""
    path = folder / f"a.jsonl.{packed}"
    piece, count = b'{"completion": "y", "prompt": "' + b"x" * 65000 + b'"}\n', BOMB_BYTES // 65000
    if packed == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.jsonl", "w") as file:
            for _ in range(count):
                file.write(piece)
    else:
        with (gzip.open if packed == "gz" else bz2.open)(path, "wb") as file:
            for _ in range(count):
                file.write(piece)
    return path


@pytest.mark.parametrize("packed", ["gz", "bz2", "zip"])
def test_a_bomb_is_stopped_at_its_limit_and_never_held(packed, tmp_path):
    """At about 64 MB; the traced memory is that of Python's own objects."""
    path = bomb(packed, tmp_path)
    assert path.stat().st_size < 300_000
    tracemalloc.start()
    with pytest.raises(FileTooLarge) as refused:
        for _ in plan_reading(path, path.name).rows():
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.values["limit_bytes"] == packing.limit_for(path.stat().st_size) < BOMB_BYTES / 2
    assert peak < 30_000_000


def test_an_import_of_a_bomb_leaves_no_dataset(tmp_path):
    path = bomb("gz", tmp_path)
    imported = import_file(tmp_path / "workspace", path)
    assert isinstance(imported.error, FileTooLarge)
    assert not imported.path.exists()
    assert f"{packing.limit_for(path.stat().st_size):,}" in imported.error.message("ja")


def test_real_text_packs_far_less_than_the_limit(tmp_path, monkeypatch):
    """Rows that differ in a number only pack to a fortieth."""
    monkeypatch.setattr(packing, "ALWAYS_ALLOWED_BYTES", 0)
    content = b"".join(
        json.dumps(conversation(f"Question {n}?", f"Reply {n}.")).encode() + b"\n" for n in range(20_000)
    )
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(content))
    assert len(read(tmp_path / "a.jsonl.gz")[2]) == 20_000


def test_an_archive_that_lies_about_its_sizes_gives_no_more_than_it_says(tmp_path):
    """The stated size is what Python's reader stops at, and the checksum then tells."""
    content = bytearray(zip_bytes({"rows.jsonl": LINES * 50}))
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", len(LINES))
    (tmp_path / "a.zip").write_bytes(content)
    assert refusal(tmp_path / "a.zip")["cause"] == "packing_damaged"
