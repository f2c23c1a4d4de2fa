"""The rules for on topic and polite accept what is right and refuse what only looks right."""

import random

import pytest

from studio.data.intervals import wilson_interval
from studio.pocket.held_out import HeldOutPrompt, held_out_json, held_out_prompts, unseen_prompts
from studio.pocket.rules import JAPANESE, find_problems, is_on_topic, is_same_json, is_worked, last_integer
from studio.pocket.samples import pair_rows
from studio.pocket.world.puzzles import broken_json
from studio.pocket.world.tasks import user
from studio.training.verifiers.polite import is_polite

PROMPTS = held_out_prompts() + unseen_prompts()


def mug(language: str) -> HeldOutPrompt:
    return next(p for p in PROMPTS if p.kind == "price" and p.language == language and len(p.messages) == 1)


def test_every_right_reply_of_every_prompt_is_on_topic():
    wrong = [
        (p.id, reply, find_problems(reply, p))
        for p in PROMPTS
        for reply in p.right_replies
        if not is_on_topic(reply, p)
    ]
    assert wrong == []


def test_a_right_reply_to_another_question_is_not_on_topic():
    """`again` repeats another answer word for word and is left out; of the rest not one pair in 2,000 may pass."""
    rng = random.Random(4)
    passed = []
    for _ in range(2000):
        asked, other = rng.sample([p for p in PROMPTS if p.kind != "again"], 2)
        if asked.kind != other.kind and set(asked.facts) != set(other.facts):
            passed += [(asked.id, r) for r in other.right_replies if is_on_topic(r, asked)]
    assert passed == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda r: "", "empty"),
        (lambda r: r[:-1], "unfinished"),
        (lambda r: r + " " + r + " " + r, "too_long"),
        (lambda r: r.replace("yen", "yyne nnye"), "garbled"),
        (lambda r: r + " 77 yen.", "foreign_number"),
        (lambda r: "The price is good.", "fact_missing"),
        (lambda r: r + " はい。", "wrong_language"),
    ],
)
def test_a_spoiled_reply_is_refused_for_its_fault(change, code: str):
    prompt = mug("en")
    assert code in find_problems(change(prompt.right_replies[0]), prompt)


def test_a_garbled_japanese_reply_with_the_right_number_is_refused():
    prompt = mug("ja")
    price = prompt.facts[0][0]
    assert is_on_topic(f"{price}円。", prompt)
    assert "garbled" in find_problems(f"はみちょゃい{price}円だかなの。", prompt)
    assert "garbled" in find_problems(f"はみ\ufffdちょ{price}円。", prompt)


def test_politeness_tells_every_chosen_reply_from_every_rejected_one():
    for row in pair_rows():
        chosen, rejected = row["chosen"][0]["content"], row["rejected"][0]["content"]
        language = "ja" if JAPANESE.search(chosen) else "en"
        assert is_polite(chosen, language), chosen
        assert not is_polite(rejected, language), rejected


def test_sums_are_judged_by_their_last_number_and_json_by_its_value():
    assert last_integer("7 + 5 = 12. Answer: 12") == 12
    assert last_integer("no idea") is None
    assert is_worked("7 + 5 = 13. Answer: 13")
    assert not is_worked("12.")
    rng = random.Random(5)
    for _, request in held_out_json(40):
        assert is_same_json(request.reply, request.reply)
        assert not is_same_json(broken_json(rng, request.reply), request.reply)
        assert user(request.question)["content"] == request.question


def test_the_wilson_interval_of_half_of_a_hundred():
    """p = 0.5, n = 100, z = 1.96: centre 0.5, half width 1.96 * sqrt(0.25/100 + 3.8416/40000) / 1.038416 = 0.09617."""
    low, high = wilson_interval(0.5, 100)
    assert (round(low, 4), round(high, 4)) == (0.4038, 0.5962)
    assert wilson_interval(1.0, 50)[1] == 1.0
