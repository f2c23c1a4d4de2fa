"""What a dataset holds at a glance."""

from __future__ import annotations

from studio.data.profile import SAMPLED_ROWS, Profile
from tests.dataset_jobs import conversation


def _pair(prompt: str) -> dict:
    sides = {"chosen": "Yes.", "rejected": "No."}
    return {"prompt": [{"role": "user", "content": prompt}]} | {
        name: [{"role": "assistant", "content": text}] for name, text in sides.items()
    }


def test_kinds_languages_lengths_and_examples_are_counted():
    """Six characters of "Hello." and "Hi.", nine each; the Japanese texts have 12 and 10."""
    profile = Profile(4)
    for _ in range(2):
        profile.add("conversation", conversation("Hello.", "Hi."))
    profile.add("conversation", conversation("送料はいくらかかりますか", "送料は五百円ですよ。"))
    profile.add("preference", _pair("Is it free of charge for me?"))
    facts = profile.facts()
    assert facts["kinds"] == {"conversation": 3, "preference": 1}
    assert facts["languages"]["ja"] == 1
    assert (facts["rows"], facts["middle"], facts["longest"], facts["characters"]) == (4, 15, 35, 9 + 9 + 22 + 35)
    assert (facts["good"], facts["bad"]) == (1, 1)


def test_short_texts_are_guessed_together():
    """Thirteen of them are 600 characters."""
    profile = Profile(39)
    for number in range(39):
        profile.add("conversation", conversation(f"How much is mug {number}?", "It is the price of the cup."))
    assert profile.facts()["languages"] == {"en": 39}


def test_of_many_rows_an_even_part_tells_the_languages():
    rows = 3 * SAMPLED_ROWS
    profile = Profile(rows)
    for number in range(rows):
        text = (
            "これは日本語の文章です。"
            if number % 2
            else "This is a sentence that was written for you and for me in English."
        )
        profile.add("conversation", conversation(text, text))
    facts = profile.facts()
    assert facts["sampled"] == SAMPLED_ROWS
    assert set(facts["languages"]) == {"ja", "en"} and abs(facts["languages"]["ja"] - SAMPLED_ROWS / 2) <= 1


def test_nothing_is_told_of_no_rows():
    facts = Profile(0).facts()
    assert (facts["rows"], facts["middle"], facts["languages"]) == (0, None, {})
