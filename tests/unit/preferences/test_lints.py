"""Pairs that nothing can be learned from are found and named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studio.models.catalogue import POCKET, POCKET_FOLDER, read_base, read_base_folder
from studio.models.rendering import Renderer
from studio.preferences.lints import find_problem, find_row_problem
from studio.preferences.pairs import as_reply

LONG = "We are sorry for the wait. " * 20


@pytest.fixture(scope="module")
def pocket() -> Renderer:
    return Renderer(read_base(POCKET, (), Path("/nonexistent")))


def row(chosen: str, rejected: str) -> dict:
    return {
        "prompt": [{"role": "user", "content": "Hello?"}],
        "chosen": as_reply(chosen),
        "rejected": as_reply(rejected),
    }


@pytest.mark.parametrize(
    ("a", "b", "problem"),
    [
        ("Yes.", "No.", None),
        ("Yes.", "Yes.", "replies_same"),
        ("Yes,  thank\nyou.", " Yes, thank you. ", "replies_same"),
        ("", "Yes.", "reply_empty"),
        ("Yes.", " \n　", "reply_empty"),
        ("", "", "reply_empty"),
        ("Ｙｅｓ", "Yes", None),
    ],
)
def test_two_replies_that_cannot_be_judged_are_named(a, b, problem):
    assert find_problem(as_reply(a), as_reply(b)) == problem


def test_replies_that_differ_only_behind_the_cut_are_found(pocket):
    """The cut falls on the prompt and the reply together, as in the trainer."""
    late = row(LONG + "Good bye.", LONG + "Thank you.")
    assert find_row_problem(late, pocket, 40) == "same_when_cut"
    assert find_row_problem(late, pocket, 1024) is None


def test_a_prompt_that_fills_the_whole_length_leaves_no_difference(pocket):
    assert find_row_problem(row("Yes.", "No."), pocket, 2) == "same_when_cut"
    assert find_row_problem(row("Yes.", "No."), pocket, 100) is None


def test_a_row_is_checked_for_the_same_and_for_empty_too(pocket):
    assert find_row_problem(row("Yes.", "Yes."), pocket, 100) == "replies_same"
    assert find_row_problem(row("", "Yes."), pocket, 100) == "reply_empty"


def test_a_row_that_the_template_refuses_is_named(tmp_path):
    shutil.copytree(POCKET_FOLDER, tmp_path / "base")
    (tmp_path / "base" / "chat_template.jinja").write_text("{{ raise_exception('no') }}", "utf-8")
    refusing = Renderer(read_base_folder("folder:base", tmp_path / "base"))
    assert find_row_problem(row("Yes.", "No."), refusing, 100) == "template_refused"
