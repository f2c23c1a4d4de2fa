"""Encodings: found by marks, zero bytes and trial; what is no text in them is refused with its place, never shown as
other letters."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from studio.data.encodings import ENCODINGS, guess_encoding
from studio.data.files import Source
from studio.data.sources import plan_reading
from studio.words import catalogue

JAPANESE = (
    'instruction,output\n煎茶はありますか。,"はい、静岡のものが3種類、""特選""もございます。"\nSencha?,Yes — はい\n'
)


def guessed(content: bytes, folder: Path):
    path = folder / "file"
    path.write_bytes(content)
    guess = guess_encoding(Source(path, "file", "file").looks())
    assert f"choice.{guess.reason}" in catalogue("ja")
    return guess


@pytest.mark.parametrize(
    ("content", "encoding", "reason"),
    [
        (b"a,b\n1,2\n", "utf-8", "encoding_ascii"),
        (JAPANESE.encode(), "utf-8", "encoding_valid_utf8"),
        (codecs.BOM_UTF8 + JAPANESE.encode(), "utf-8", "encoding_mark"),
        (codecs.BOM_UTF16_LE + JAPANESE.encode("utf-16-le"), "utf-16-le", "encoding_mark"),
        (codecs.BOM_UTF16_BE + JAPANESE.encode("utf-16-be"), "utf-16-be", "encoding_mark"),
        (JAPANESE.encode("utf-16-le"), "utf-16-le", "encoding_zero_bytes"),
        (JAPANESE.encode("utf-16-be"), "utf-16-be", "encoding_zero_bytes"),
        (JAPANESE.replace("—", "-").encode("cp932"), "cp932", "encoding_cp932"),
        (b"x" * 3_000_000 + JAPANESE.replace("—", "-").encode("cp932"), "cp932", "encoding_cp932"),
        (JAPANESE.encode() + b"\xff\n", "utf-8", "encoding_damaged_utf8"),
        (JAPANESE.replace("—", "-").encode("euc-jp"), "euc-jp", "encoding_euc_jp"),
        (JAPANESE.replace("—", "-").encode("iso-2022-jp"), "iso-2022-jp", "encoding_escapes"),
        ("Do\u00f1a Ana,Espa\u00f1a\n".encode("latin-1"), "cp1252", "encoding_cp1252"),
        ("“Schöne Grüße” – naïve café, 5 €\n".encode("cp1252"), "cp1252", "encoding_cp1252"),
        ("Привет, как дела? Хорошо\n".encode("cp1251"), "utf-8", "encoding_unknown"),
        ("你好，今天天气怎么样？\n".encode("gb18030"), "utf-8", "encoding_unknown"),
        ("안녕하세요, 오늘 날씨는 어때요\n".encode("euc-kr"), "utf-8", "encoding_unknown"),
    ],
)
def test_an_encoding_is_found_with_its_reason(content, encoding, reason, tmp_path):
    guess = guessed(content, tmp_path)
    assert (guess.value, guess.reason) == (encoding, reason)


JAPANESE_ENCODINGS = [name for name in ENCODINGS if name != "cp1252"]


@pytest.mark.parametrize("encoding", JAPANESE_ENCODINGS)
@pytest.mark.parametrize("mark", [True, False])
def test_every_encoding_reads_the_same_rows(encoding, mark, tmp_path):
    text = JAPANESE.replace("—", "-")
    marks = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    content = (marks.get(encoding, b"") if mark else b"") + text.encode(encoding)
    (tmp_path / "a.csv").write_bytes(content)
    rows = list(plan_reading(tmp_path / "a.csv", "a.csv", encoding=encoding).rows())
    assert [row.fields for row in rows] == [
        {"instruction": "煎茶はありますか。", "output": 'はい、静岡のものが3種類、"特選"もございます。'},
        {"instruction": "Sencha?", "output": "Yes - はい"},
    ]


def test_a_western_file_is_read_with_its_letters_and_a_byte_that_stands_for_none_is_refused(tmp_path):
    """0x81 is one of the five bytes that CP1252 lacks."""
    (tmp_path / "a.csv").write_bytes("prompt,completion\nOlé,“sí”\n".encode("cp1252") + b"a,\x81\n")
    rows = list(plan_reading(tmp_path / "a.csv", "a.csv", encoding="cp1252").rows())
    assert rows[0].fields == {"prompt": "Olé", "completion": "“sí”"}
    assert (rows[1].cause, rows[1].field, rows[1].values["byte"]) == ("undecodable", "completion", "0x81")


def test_a_row_with_a_byte_that_is_no_text_is_refused_with_byte_and_place(tmp_path):
    """The lone 0xff in the second of three rows stands at its third character."""
    (tmp_path / "a.csv").write_bytes("a,b\n煎茶,1\n玄,\xff\n番茶,3\n".encode().replace("\xff".encode(), b"\xff"))
    rows = list(plan_reading(tmp_path / "a.csv", "a.csv", encoding="utf-8").rows())
    assert [row.cause for row in rows] == [None, "undecodable", None]
    assert (rows[1].field, rows[1].values) == ("b", {"line": 3, "byte": "0xff", "position": 3})


@pytest.mark.parametrize("encoding", JAPANESE_ENCODINGS)
@pytest.mark.parametrize("container", ["jsonl", "json", "csv"])
def test_a_file_cut_in_the_middle_of_a_character_loses_that_row_only(encoding, container, tmp_path):
    texts = {
        "jsonl": '{"a": "煎茶"}\n{"a": "玄米茶"}\n{"a": "番茶"}',
        "json": '[{"a": "煎茶"},\n{"a": "玄米茶"},\n{"a": "番茶"}]',
        "csv": "a\n煎茶\n玄米茶\n番茶",
    }
    text = texts[container]
    whole_bytes = len(text[: text.rindex("茶")].encode(encoding))
    cut = text.encode(encoding)[: whole_bytes + 1]
    (tmp_path / "f").write_bytes(cut)
    rows = list(plan_reading(tmp_path / "f", "f", container, encoding).rows())
    assert [row.fields for row in rows] == [{"a": "煎茶"}, {"a": "玄米茶"}, None]
    assert rows[2].cause in ("undecodable", "json_torn", "json_broken")
