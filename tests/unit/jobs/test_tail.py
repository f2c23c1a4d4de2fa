"""The end of a log: short, as last drawn, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.jobs.tail import HIDDEN, read_tail, without_secrets


def test_a_tail_is_cut_to_its_limit_at_a_whole_character(tmp_path: Path):
    path = tmp_path / "output.log"
    path.write_text("語" * 5000, "utf-8")
    tail = read_tail(path, 4096, {})
    assert tail == "語" * 1365
    assert len(tail.encode()) == 4095


def test_a_progress_bar_is_shown_as_last_drawn(tmp_path: Path):
    path = tmp_path / "output.log"
    path.write_bytes(b"begin\n 1%|\r 50%|\r100%|done\r\nend\n")
    assert read_tail(path, 4096, {}) == "begin\n100%|done\nend"


def test_a_missing_log_has_an_empty_tail(tmp_path: Path):
    assert read_tail(tmp_path / "output.log", 4096, {}) == ""


def test_values_of_secret_variables_are_hidden_and_others_are_not():
    environment = {"HF_TOKEN": "abcdef123", "DB_PASSWORD": "opensesame", "HOME": "/srv/someone", "MY_SECRET": "x"}
    text = without_secrets("abcdef123 opensesame /srv/someone x", environment)
    assert text == f"{HIDDEN} {HIDDEN} /srv/someone x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token hf_AbCdEfGhIjKlMnOpQrSt end", f"token {HIDDEN} end"),
        ("Authorization: Bearer abc.def-ghi", f"Authorization: Bearer {HIDDEN}"),
        ("https://me:letmein@example.org/x", f"https://{HIDDEN}@example.org/x"),
        ("GET /?api_key=abcdef123&page=2", f"GET /?api_key={HIDDEN}&page=2"),
        ("sk-proj-abcdefghij0123456789", HIDDEN),
        ("max_length_tokens=512, tokens=10056", "max_length_tokens=512, tokens=10056"),
        ("key=short", "key=short"),
    ],
)
def test_what_looks_like_an_access_token_is_hidden(text: str, shown: str):
    assert without_secrets(text, {}) == shown


def test_a_token_across_the_cut_is_still_hidden(tmp_path: Path):
    path = tmp_path / "output.log"
    path.write_text("hf_" + "a" * 40 + "b" * 80)
    assert "aaaa" not in read_tail(path, 100, {})
