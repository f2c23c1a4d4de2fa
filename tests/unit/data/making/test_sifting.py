"""The sieve: what is there already, an echo, out of scale or broken does not reach a person."""

from __future__ import annotations

import pytest

from studio.data.making.asking import Seed, build_record
from studio.data.making.sifting import Sieve

SEEDS = [Seed(1, "", "How much is the mug?", "The mug costs 500 yen, tax included.")]


def sift(sieve: Sieve, question: str, reply: str) -> list[str]:
    return [p["code"] for p in sieve.sift(build_record("conversation", "", question, reply), question, reply).problems]


@pytest.mark.parametrize(
    ("question", "reply", "codes"),
    [
        ("Do you wrap presents?", "Yes, gift wrapping costs 200 yen.", []),
        ("HOW  much is the Mug?", "It costs 500 yen, tax included.", ["too_close"]),
        ("Is delivery free in May?", "Delivery is free from 5,000 yen.", ["too_close"]),
        ("Do you wrap presents?", "do you wrap presents?", ["echo"]),
        ("Do you wrap presents?", "Yes.", ["out_of_scale"]),
        ("Do you wrap presents?", "", ["unusable"]),
        ("", "Yes, gift wrapping costs 200 yen.", ["unusable"]),
    ],
)
def test_a_row_is_left_out_for_what_is_wrong_with_it(question, reply, codes):
    assert sift(Sieve(SEEDS, ["Is delivery free in June?"]), question, reply) == codes


def test_the_same_is_not_made_twice():
    sieve = Sieve(SEEDS, [])
    assert sift(sieve, "Do you wrap presents?", "Yes, gift wrapping costs 200 yen.") == []
    assert sift(sieve, "Do you wrap presents ?", "Of course, for 200 yen we do.") == ["too_close"]


def test_the_checks_of_the_data_tab_look_at_what_was_made():
    said = "The mug costs 500 yen. " * 5
    found = Sieve([Seed(1, "", "How much is it?", said)], []).sift(
        build_record("conversation", "", "Who are you?", "Write to hanako.suzuki@whetstone-shop.jp about it today."),
        "Who are you?", "Write to hanako.suzuki@whetstone-shop.jp about it today.",
    )  # fmt: skip
    assert {"code": "check", "check": "personal_data"} in found.problems
