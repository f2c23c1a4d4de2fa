"""Plain text and Markdown: divided into documents with the reason, as a person chose, and without loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.containers.text import DIVISIONS
from studio.data.sources import plan_reading, preview_rows
from studio.words import catalogue

PROSE = "The kettle sings and the tea is green. " * 60
"""2,340 characters."""


def read(folder: Path, text: str | bytes, name: str = "a.txt", **chosen: str):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    plan = plan_reading(path, name, **chosen)
    rows = list(plan.rows())
    return [row.fields["text"] if row.fields else row.cause for row in rows], plan.guesses["division"], rows


@pytest.mark.parametrize(
    ("text", "name", "division", "reason", "documents"),
    [
        ("short", "a.txt", "whole", "division_short", ["short"]),
        ("# A\n\nx\n\n# B\n\ny\n", "a.md", "headings", "division_headings", ["# A\n\nx", "# B\n\ny"]),
        ("before\n# A\nx\n# B\ny", "a.md", "headings", "division_headings", ["before", "# A\nx", "# B\ny"]),
        ("one\fand\ntwo\f\n\fthree", "a.txt", "form_feeds", "division_form_feeds", ["one", "and\ntwo", "three"]),
        (f"{PROSE}\n\n\n{PROSE}\n", "a.txt", "blank_lines", "division_blank_lines", [PROSE, PROSE]),
        (f"{PROSE}\n　\n{PROSE}", "a.txt", "blank_lines", "division_blank_lines", [PROSE, PROSE]),
        (f"{PROSE}\n{PROSE}\n{PROSE}", "a.txt", "lines", "division_lines", [PROSE] * 3),
        (PROSE * 3, "a.txt", "whole", "division_none", [PROSE * 3]),
    ],
)
def test_a_text_is_divided_where_it_shows_a_division(text, name, division, reason, documents, tmp_path):
    found, guess, _ = read(tmp_path, text, name)
    assert (guess.value, guess.reason, guess.among) == (division, reason, DIVISIONS)
    assert f"choice.{reason}" in catalogue("ja")
    assert found == documents


@pytest.mark.parametrize("division", DIVISIONS)
def test_every_division_can_be_chosen_and_keeps_every_word(division, tmp_path):
    text = "# 一\n\n煎茶は\n緑色です。\n\n# 二\n\f番茶は\r\n茶色です。\n"
    found, guess, _ = read(tmp_path, text, "a.md", division=division)
    assert guess.reason == "chosen_by_person"
    assert "".join("".join(found).split()) == "".join(text.replace("\f", "").split()) or division != "form_feeds"
    assert "".join("".join(found).replace("\f", "").split()) == "".join(text.replace("\f", "").split())


def test_a_hash_in_a_block_of_code_is_no_heading(tmp_path):
    text = "# A\n```\n# comment\n```\n# B\nx\n"
    assert read(tmp_path, text, "a.md")[0] == ["# A\n```\n# comment\n```", "# B\nx"]


def test_line_ends_become_line_feeds_and_indents_stay(tmp_path):
    assert read(tmp_path, "\r\n　一行目\r\n  indented\rlast\r\n")[0] == ["　一行目\n  indented\nlast"]


def test_a_document_longer_than_a_row_may_be_is_refused_and_the_next_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.data.containers.text.LONGEST_ROW_BYTES", 1000)
    monkeypatch.setattr("studio.data.lines.LONGEST_ROW_BYTES", 1000)
    text = "first\n\n" + "word\n" * 500 + "\n" + "x" * 5000 + "\n\nlast"
    found, _, rows = read(tmp_path, text, division="blank_lines")
    assert found == ["first", "row_too_long", "row_too_long", "last"]
    assert [row.number for row in rows] == [1, 2, 3, 4]


def test_a_document_with_a_byte_that_is_no_text_is_refused_alone(tmp_path):
    found, _, rows = read(tmp_path, b"good\n\nb\xffd\n\ngood", division="blank_lines", encoding="utf-8")
    assert found == ["good", "undecodable", "good"]
    assert (rows[1].field, rows[1].values["byte"]) == ("text", "0xff")


def test_prose_in_a_file_of_no_name_is_text_and_a_table_is_none(tmp_path):
    (tmp_path / "a").write_text("Dear all,\n\nthe tea, at last, is here.\nYours, Ann\n")
    assert plan_reading(tmp_path / "a", "pasted").container == "text"
    (tmp_path / "a").write_text("prompt,completion\na,b\nc,d\n")
    assert plan_reading(tmp_path / "a", "pasted").container == "csv"
    (tmp_path / "a").write_text("prompt\tcompletion\na\tb\nc\td\n")
    assert plan_reading(tmp_path / "a", "pasted.txt").container == "csv"


def test_a_preview_of_a_long_file_takes_a_moment(tmp_path):
    """200 MB whose only letters beyond ASCII stand at the end: pieces from all over the file are looked at."""
    import time

    with (tmp_path / "a.txt").open("wb") as file:
        for _ in range(200):
            file.write(b"A line of the long text.\n\n" * 40_000)
        file.write("お茶です。\n".encode("cp932") * 20)
    began_s = time.process_time()
    plan = plan_reading(tmp_path / "a.txt", "a.txt")
    rows = preview_rows(plan, 50, within_s=60)
    seconds = time.process_time() - began_s
    assert (plan.source.encoding, len(rows)) == ("cp932", 50)
    assert seconds < 1  # a tenth of that, however busy the machine is
