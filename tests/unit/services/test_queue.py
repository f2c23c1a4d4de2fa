"""Names of jobs."""

from __future__ import annotations

import re

import pytest

from studio.services.queue import slug


@pytest.mark.parametrize(
    ("title", "made"),
    [
        ("My first run", "my-first-run"),
        ("Café ÜBER 7 %", "cafe-uber-7"),
        ("../../etc/passwd", "etc-passwd"),
        ("お店の会話 v1", "v1"),
        ("x" * 99, "x" * 40),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_a_slug_is_made_of_ascii_letters_digits_and_dashes(title: str, made: str):
    assert slug(title) == made


@pytest.mark.parametrize("title", ["", "お店の会話", "///", "…"])
def test_a_title_without_any_gets_random_ones(title: str):
    assert re.fullmatch(r"[0-9a-f]{6}", slug(title))
