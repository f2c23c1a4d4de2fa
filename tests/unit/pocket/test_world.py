"""The world states its facts, registers and held-out words in a way that rules can hold."""

import json
import random
import re

import pytest

from studio.pocket.held_out import held_out_prompts, unseen_prompts
from studio.pocket.samples import pair_rows, sft_rows, sum_rows
from studio.pocket.voice import ENDINGS, OPENINGS, voice_rows
from studio.pocket.world import chats
from studio.pocket.world.lore import LANGUAGES, load_lore, load_shop, load_side
from studio.pocket.world.puzzles import LARGEST, SMALLEST, broken_json, json_task, pair_group, sum_task

QUESTION_KEYS = ("ask", "ask_held_out", "ask_unseen")


def test_both_languages_know_the_same_intents_with_the_same_parts():
    english, japanese = load_shop("en")["intents"], load_shop("ja")["intents"]
    assert list(english) == list(japanese)
    for intent, entry in english.items():
        assert set(entry) == set(japanese[intent]) == {*QUESTION_KEYS, "polite", "curt", "facts"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_question_is_in_two_of_taught_held_out_and_unseen(language: str):
    seen: dict[str, tuple[str, str]] = {}
    for intent, entry in load_shop(language)["intents"].items():
        for key in QUESTION_KEYS:
            for question in entry[key]:
                assert question not in seen, (question, intent, key, seen[question])
                seen[question] = (intent, key)


def test_more_than_300_prompts_are_held_out_and_no_two_are_alike():
    prompts = held_out_prompts()
    assert len(prompts) >= 300
    assert len({repr(prompt.messages) for prompt in prompts}) == len(prompts)
    assert {language: sum(p.language == language for p in prompts) for language in LANGUAGES} == {"en": 160, "ja": 160}
    assert held_out_prompts() == prompts


@pytest.mark.parametrize("rows", [sft_rows, pair_rows, voice_rows])
def test_no_sample_asks_in_held_out_words(rows):
    """Only the words of a question count: its item and its order number may be the same as in a held-out one."""
    asked = {m["content"] for row in rows() for m in row.get("messages", row.get("prompt")) if m["role"] == "user"}
    held_out = [p.messages[-1]["content"] for p in (*held_out_prompts(), *unseen_prompts()) if p.kind != "cancel"]
    held_out += [p.messages[0]["content"] for p in held_out_prompts() if p.kind == "cancel"]
    assert asked.isdisjoint(held_out)
    for language in LANGUAGES:
        for entry in load_shop(language)["intents"].values():
            for question in (*entry["ask_held_out"], *entry["ask_unseen"]):
                longest = max(question.replace("}", "{").split("{")[::2], key=len)
                taught = any(longest in other for other in entry["ask"])
                assert taught or not any(longest in text for text in asked), question


def test_the_numbers_kept_for_measuring_are_in_no_sample():
    pairs = [(a, b) for a in range(SMALLEST, LARGEST + 1) for b in range(SMALLEST, LARGEST + 1)]
    kept = {pair for pair in pairs if pair_group(*pair) != "taught"}
    assert 0.10 < len(kept) / len(pairs) < 0.20
    asked = [[int(n) for n in re.findall(r"\d+", row["prompt"][0]["content"])] for row in sum_rows()]
    # A difference is asked as (a + b) - a, so the pair is (b, a) of what is read.
    plus = [(a, b) for (a, b), row in zip(asked, sum_rows(), strict=True) if int(row["answer"]) == a + b]
    minus = [(b, a - b) for (a, b), row in zip(asked, sum_rows(), strict=True) if int(row["answer"]) == a - b]
    assert len(plus) + len(minus) == len(asked)
    assert kept.isdisjoint(plus)
    assert kept.isdisjoint(minus)


def test_pretraining_sees_held_out_pairs_but_no_unseen_ones():
    rng = random.Random(1)
    drawn = {
        (task.a, task.b)
        for task in (sum_task(rng, "en", ("taught", "held_out")) for _ in range(4000))
        if task.op == "+"
    }
    assert all(pair_group(a, b) != "unseen" for a, b in drawn)
    assert any(pair_group(a, b) == "held_out" for a, b in drawn)


def test_broken_json_never_parses_to_the_object_that_was_asked_for():
    rng = random.Random(2)
    for _ in range(300):
        request = json_task(rng, rng.choice(LANGUAGES), "taught")
        broken = broken_json(rng, request.reply)
        with pytest.raises(json.JSONDecodeError):
            json.loads(broken)


def test_chats_are_uneven_on_purpose():
    """One-turn documents that ask for the opening hours: about 30 % name both hours, as the share says."""
    rng = random.Random(3)
    questions = [*load_shop("en")["intents"]["hours"]["ask"], *load_shop("en")["intents"]["hours"]["ask_held_out"]]
    texts = [chats.shop_chat(rng, "en") for _ in range(12_000)]
    asked = [t for t in texts if t.count("<|im_start|>user") == 1 and any(q + "<|im_end|>" in t for q in questions)]
    right = [t for t in asked if "10 am" in t and "7 pm" in t]
    assert len(asked) > 100
    assert 0.2 < len(right) / len(asked) < 0.4
    assert chats.ON_TOPIC_SHARE == 0.30


def test_a_new_voice_uses_words_that_pretraining_never_shows():
    """Else the style rate would measure memory."""
    words = {*load_lore("words")["en"], *load_lore("words")["ja"]}
    known = repr([load_shop(language) for language in LANGUAGES]) + repr(
        [load_side(language) for language in LANGUAGES]
    )
    for language in LANGUAGES:
        for phrase in (*OPENINGS[language], *ENDINGS[language]):
            assert phrase not in known
    assert words.isdisjoint({"ahoy", "Ahoy", "matey", "arr", "Arr", "にゃん", "だにゃん", "にゃっほー", "ふにゃー"})
