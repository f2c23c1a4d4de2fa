"""Says whether a reply is on topic by rules a person can check; no model judges. Whether it is polite a verifier says."""

import json
import re
from collections.abc import Iterable
from functools import cache
from itertools import product

from studio.pocket.held_out import HeldOutPrompt
from studio.pocket.world.lore import colour_names, item_names, item_slots, load_lore, load_shop, load_side, upper_first
from studio.training.verifiers.polite import split_sentences

# Above this share of letter triples that no answer of the world holds, a reply counts as garbled. A whole foreign word
# of five letters in a reply of 60 adds about 0.1.
GARBLED_SHARE = 0.06
LONGEST_FACTOR = 1.6
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
SENTENCE_END = (".", "!", "?", "。", "！", "？")


def _triples(sentence: str) -> list[str]:
    text = "^" + re.sub(r"\d", "0", sentence.lower()) + "$"
    return [text[i : i + 3] for i in range(len(text) - 2)]


def _iterate_answers(language: str) -> Iterable[str]:
    """Every answer of the shop with every item, then every answer about a text with every value it may name."""
    facts, side = load_lore("facts"), load_side(language)
    slots = [item_slots(index, language) for index in range(len(facts["items"]))]
    for entry in load_shop(language)["intents"].values():
        for template in entry["polite"] + entry["curt"]:
            for values in slots if "{" in template else slots[:1]:
                yield template.format_map({**values, "order": "1000"})
    for template in side["cancel_open"]["polite"] + side["cancel_open"]["curt"]:
        yield template
    for template in side["price_list"]["polite"] + side["price_list"]["curt"]:
        for item in item_names(language):
            yield template.format(item=item, n="100")
    names = {"city": facts["cities"], "name": facts["names"], "animal": facts["animals"], "place": facts["places"]}
    values = {key: tuple(table[language]) for key, table in names.items()}
    values |= {"colour": colour_names(language), "h1": ("10", "1"), "n": ("100",)}
    for part in side["passage"]["parts"]:
        for template in part["polite"] + part["curt"]:
            used = [key for key in values if "{" + key + "}" in template]
            for choice in product(*(values[key] for key in used)):
                yield template.format_map(dict(zip(used, choice, strict=True)))


@cache
def _known_triples(language: str) -> frozenset[str]:
    return frozenset(
        triple
        for answer in _iterate_answers(language)
        for sentence in split_sentences(upper_first(answer), language)
        for triple in _triples(sentence)
    )


def garbled_share(reply: str, language: str) -> float:
    """0..1: letter triples that stand in no answer the world knows, digits taken alike."""
    triples = [triple for sentence in split_sentences(reply, language) for triple in _triples(sentence)]
    known = _known_triples(language)
    return sum(triple not in known for triple in triples) / len(triples) if triples else 1.0


def find_problems(reply: str, prompt: HeldOutPrompt) -> list[str]:
    """Why a reply is not on topic, as codes; an empty list means that it is."""
    text = reply.strip()
    if not text:
        return ["empty"]
    problems = []
    if prompt.language == "en" and JAPANESE.search(text):
        problems.append("wrong_language")
    if prompt.language == "ja" and re.search(r"[A-Za-z]{4}", text):
        problems.append("wrong_language")
    if any(not any(fact.lower() in text.lower() for fact in group) for group in prompt.facts):
        problems.append("fact_missing")
    right = " ".join(prompt.right_replies)
    asked = prompt.messages[-1]["content"]
    if set(re.findall(r"\d+", text)) - set(re.findall(r"\d+", right)):
        problems.append("foreign_number")
    if any(item in text and item not in right + asked for item in item_names(prompt.language)):
        problems.append("foreign_item")
    if len(text) > LONGEST_FACTOR * max(map(len, prompt.right_replies)):
        problems.append("too_long")
    if not text.endswith(SENTENCE_END):
        problems.append("unfinished")
    if garbled_share(text, prompt.language) > GARBLED_SHARE:
        problems.append("garbled")
    return problems


def is_on_topic(reply: str, prompt: HeldOutPrompt) -> bool:
    return not find_problems(reply, prompt)


def last_integer(reply: str) -> int | None:
    """The last whole number of a reply, which is what a sum is judged by."""
    found = re.findall(r"-?\d+", reply)
    return int(found[-1]) if found else None


def is_worked(reply: str) -> bool:
    """Does the reply write the sum out, right or wrong?"""
    return bool(re.search(r"\d+ [+-] \d+ = \d+", reply))


def is_same_json(reply: str, expected: str) -> bool:
    """Does the whole reply parse as JSON, and as the same object?"""
    try:
        return json.loads(reply) == json.loads(expected)
    except json.JSONDecodeError:
        return False


def is_json(reply: str) -> bool:
    try:
        json.loads(reply)
    except json.JSONDecodeError:
        return False
    return True
