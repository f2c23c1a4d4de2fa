"""A look at a file before it is imported: in a process of its own, which no file can make the page wait for."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator

import psutil
import pytest

from studio.errors import FileUnreadable
from studio.services.dataset_previews import Previews
from studio.services.mappings import SavedMappings
from tests.dataset_jobs import import_file, write_rows

NOTHING: dict = {}


@pytest.fixture
def previews() -> Iterator[Previews]:
    previews = Previews()
    yield previews
    previews.close()


def test_a_look_tells_what_was_found_and_why_with_rows_and_records(previews, person, tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text("instruction,output,note\nHello,Welcome,a\nBye,,b\n" + "More,Here,c\n" * 300, "utf-8")
    found = previews.look(person, path, "shop.csv", NOTHING)
    assert found["problem"] is None
    assert (found["found"]["container"]["value"], found["found"]["format"]["value"]) == ("csv", "alpaca")
    assert found["found"]["encoding"]["reason"].startswith("Every byte")
    assert {one["value"] for one in found["found"]["quoting"]["among"]} >= {"doubled", "none"}
    assert found["columns"] == ["instruction", "output", "note"] and len(found["rows"]) == 5
    assert found["rows"][1]["cells"] == ["Bye", "", "b"]
    assert [("record" in record, record["number"]) for record in found["records"]] == [(True, 1), (False, 2), (True, 3)]
    assert found["records"][1]["words"] == "The text is empty."
    counts = found["counts"]
    assert (counts["rows"], counts["understood"], counts["refused"], counts["complete"]) == (200, 199, 1, False)
    assert any("note" in notice for notice in found["notices"]), "what no record holds is said"


def test_a_choice_is_followed_and_a_file_without_a_format_gets_a_proposal(previews, person, tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("front;back\nsencha;tea\n", "utf-8")
    found = previews.look(person, path, "pairs.txt", {"container": "csv", "delimiter": ";", "header": "first_row"})
    assert found["problem"]["code"] == "FormatUnknown" and found["columns"] == ["front", "back"]
    mapped = previews.look(
        person, path, "pairs.txt", {"container": "csv", "delimiter": ";", "mapping": found["proposal"]}
    )
    assert mapped["records"][0]["record"]["messages"][0]["content"] == "sencha"
    open_role = previews.look(person, path, "p", {"container": "csv", "mapping": {"kind": "document", "roles": {}}})
    assert "choose a column" in open_role["problem"]["message"] and open_role["rows"]


def test_saved_mappings_that_fit_the_columns_are_named_the_last_used_first(previews, person, tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("front,back\nsencha,tea\n", "utf-8")
    saved = SavedMappings()
    for name, column in (("cards", "front"), ("others", "missing"), ("texts", "back")):
        saved.save(person, name, {"kind": "document", "roles": {"text": {"column": column}}})
    assert previews.look(person, path, "pairs.csv", NOTHING)["fitting"] == ["texts", "cards"]


def test_odd_files_get_a_sentence_within_the_time(person, tmp_path):
    """Empty, binary, deeply nested, one endless line, cut Parquet, nothing but line ends, a bomb."""
    odd = {
        "empty.jsonl": b"", "noise.csv": os.urandom(100_000), "deep.json": b"[" * 200_000, "long.jsonl": b'{"a": "' + b"x" * 12_000_000,
        "cut.parquet": b"PAR1" + os.urandom(4000) + b"PAR1", "lines.csv": b"\n" * 3_000_000, "bomb.json.gz": gzip.compress(b"[" + b" " * 200_000_000),
        "cut.xlsx": b"PK\x03\x04xl/" + os.urandom(4000), "zero.txt": b"\0" * 100_000, "quotes.csv": b'a,b\n"' + b"x\n" * 300_000,
    }  # fmt: skip
    previews = Previews(limit_s=3.0)
    for name, content in odd.items():
        (tmp_path / name).write_bytes(content)
        try:
            found = previews.look(person, tmp_path / name, name, NOTHING)
        except FileUnreadable as problem:
            assert problem.values["cause"] in ("preview_slow", "preview_ended"), name
            continue
        told = found["problem"] or found["counts"]
        assert told and "Traceback" not in str(found), name
    previews.close()


def test_a_file_that_keeps_its_reader_busy_is_given_up_after_the_limit(person, tmp_path):
    """A pipe that nobody writes to: opening it waits for ever."""
    os.mkfifo(tmp_path / "pipe.csv")
    began = time.monotonic()
    with pytest.raises(FileUnreadable) as slow:
        Previews(limit_s=0.5).look(person, tmp_path / "pipe.csv", "pipe.csv", NOTHING)
    assert slow.value.values["cause"] == "preview_slow" and time.monotonic() - began < 3


def _waiting() -> list[psutil.Process]:
    """Our own children that look into files; a process that runs tests may have others."""
    return [child for child in psutil.Process().children() if "studio.worker.preview" in child.cmdline()]


def test_a_process_that_waits_ends_with_the_app_and_one_that_died_is_replaced(person, tmp_path):
    previews = Previews()
    path = write_rows(tmp_path / "tea.jsonl", 3)
    previews.ensure_spare()
    (spare,) = _waiting()
    spare.kill()
    spare.wait(10)
    assert previews.look(person, path, "tea.jsonl", NOTHING)["counts"]["understood"] == 3
    (spare,) = _waiting()
    previews.close()
    assert not spare.is_running()
    assert previews.look(person, path, "tea.jsonl", NOTHING)["counts"]["understood"] == 3
    assert not _waiting(), "none is started ahead any more"


def test_a_look_at_a_large_file_reads_its_head_only(previews, person, tmp_path):
    """200 GB, of which all but the start is a hole: nothing reads that within the limit."""
    path = write_rows(tmp_path / "large.jsonl", 2000)
    with path.open("ab") as file:
        file.truncate(200_000_000_000)
    found = previews.look(person, path, "large.jsonl", NOTHING)
    assert found["found"]["format"]["value"] == "messages" and not found["counts"]["complete"]


def test_a_real_workbook_shows_its_first_rows(previews, person, shared_data):
    path = shared_data / "dirty" / "csvkit" / "test.xlsx"
    found = previews.look(person, path, path.name, NOTHING)
    assert found["found"]["container"]["value"] == "xlsx" and found["rows"]


def test_the_same_file_is_known_again_by_its_content_whatever_its_name(previews, person, tmp_path):
    path = write_rows(tmp_path / "tea.jsonl", 3)
    assert previews.find_same(person, path, "tea.jsonl") is None
    made = import_file(person.workspace, path)
    renamed = path.rename(tmp_path / "coffee.jsonl")
    same = previews.find_same(person, renamed, "coffee.jsonl")
    assert same is not None and same["created"] and len(same["name"]) == 32, made.dataset_id
    renamed.write_text(renamed.read_text() + "\n", "utf-8")
    assert previews.find_same(person, renamed, "coffee.jsonl") is None
