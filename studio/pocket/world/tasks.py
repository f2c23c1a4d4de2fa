"""One task of the world: a conversation that waits for a reply, the right reply in both registers, and its facts."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from studio.pocket.world.lore import item_slots, load_lore, load_shop, load_side, random_slots, upper_first

Message = dict[str, str]
# These have another answer for each of 24 things, so they come three times as often as the others.
ITEM_INTENTS = ("price", "shelf", "colour")


@dataclass(frozen=True)
class Task:
    """`facts`: a right reply holds at least one string of each group. `right_replies`: every reply of the templates."""

    kind: str
    language: str
    messages: tuple[Message, ...]
    polite: str
    curt: str
    facts: tuple[tuple[str, ...], ...]
    right_replies: tuple[str, ...]

    def reply(self, register: str) -> str:
        return self.polite if register == "polite" else self.curt


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def pick_question(rng: random.Random, entry: dict, phrasing: str) -> str:
    """A question template. taught: used in the samples; seen: also in pretraining; held_out: pretraining only; unseen: nowhere."""
    held_out = entry["ask_held_out"]
    held_out = held_out if isinstance(held_out, list) else [held_out]
    if phrasing == "held_out":
        return rng.choice(held_out)
    if phrasing == "unseen":
        return rng.choice(entry["ask_unseen"])
    return rng.choice(entry["ask"] + held_out if phrasing == "seen" else entry["ask"])


def shop_task(rng: random.Random, language: str, phrasing: str, intent: str | None = None) -> Task:
    """One question to the shop, half of the time behind an opener such as `Hello.`"""
    shop = load_shop(language)
    if intent is None:
        intents = list(shop["intents"])
        intent = rng.choices(intents, [3 if name in ITEM_INTENTS else 1 for name in intents])[0]
    entry = shop["intents"][intent]
    slots = random_slots(rng, language)
    opener = rng.choice(shop["openers"]) if rng.random() < 0.35 and intent != "thanks" else ""
    question = opener + pick_question(rng, entry, phrasing).format_map(slots)
    return _filled(rng, intent, language, (user(question),), entry, slots)


def _filled(
    rng: random.Random, kind: str, language: str, messages: tuple[Message, ...], entry: dict, slots: dict
) -> Task:
    facts = tuple(tuple(text.format_map(slots) for text in group) for group in entry["facts"])
    polite, curt = ([upper_first(text.format_map(slots)) for text in entry[name]] for name in ("polite", "curt"))
    return Task(kind, language, messages, rng.choice(polite), rng.choice(curt), facts, (*polite, *curt))


def and_item_task(rng: random.Random, language: str, phrasing: str, register: str) -> Task:
    """A follow-up (`And the clock?`) that can be answered only from the turn before."""
    intent = rng.choice(ITEM_INTENTS)
    shop, side = load_shop(language), load_side(language)
    before = shop_task(rng, language, "seen" if phrasing == "seen" else "taught", intent)
    slots = item_slots(rng.randrange(len(load_lore("facts")["items"])), language)
    question = pick_question(rng, side["and_item"], phrasing).format_map(slots)
    messages = (*before.messages, assistant(before.reply(register)), user(question))
    return _filled(rng, intent, language, messages, shop["intents"][intent], slots)


def cancel_task(rng: random.Random, language: str, phrasing: str, register: str) -> Task:
    """The customer names the order number only when asked for it."""
    side, shop = load_side(language)["cancel_open"], load_shop(language)
    slots = random_slots(rng, language)
    messages = (
        user(pick_question(rng, side, phrasing)),
        assistant(rng.choice(side[register])),
        user(rng.choice(side["number"]).format_map(slots)),
    )
    return _filled(rng, "cancel", language, messages, shop["intents"]["cancel"], slots)


def again_task(rng: random.Random, language: str, phrasing: str, register: str) -> Task:
    """The customer asks to hear the last reply again: a right reply is that reply."""
    before = shop_task(rng, language, "seen" if phrasing == "seen" else "taught")
    last = before.reply(register)
    question = pick_question(rng, load_side(language)["again"], phrasing)
    messages = (*before.messages, assistant(last), user(question))
    return Task("again", language, messages, last, last, before.facts, before.right_replies)


FOLLOW_UPS: tuple[Callable[[random.Random, str, str, str], Task], ...] = (and_item_task, cancel_task, again_task)


def follow_up_task(rng: random.Random, language: str, phrasing: str, register: str) -> Task:
    return rng.choice(FOLLOW_UPS)(rng, language, phrasing, register)


def passage_task(rng: random.Random, language: str, phrasing: str) -> Task:
    """A short text with random facts and one question about it: the answer can only be copied from the text."""
    side = load_side(language)["passage"]
    slots = random_slots(rng, language)
    count = len(side["parts"])
    chosen = rng.sample(range(count), rng.randint(2, 5))
    target = rng.choice(chosen)
    part = side["parts"][target]
    question = pick_question(rng, {"ask": part["ask"], "ask_held_out": side["ask_held_out"][str(target)]}, phrasing)
    gap = " " if language == "en" else ""
    text = gap.join(side["parts"][i]["say"] for i in chosen)
    full = rng.choice(side["lead"]) + text + rng.choice(side["question_lead"]) + question
    entry = {"polite": part["polite"], "curt": part["curt"], "facts": [[part["fact"]]]}
    return _filled(rng, "passage", language, (user(full.format_map(slots)),), entry, slots)


def price_list_task(rng: random.Random, language: str, phrasing: str) -> Task:
    """A list of random prices and a question about one of them: the list wins over the shop's usual price."""
    side = load_side(language)["price_list"]
    column = 0 if language == "en" else 1
    items = [item[column] for item in rng.sample(load_lore("facts")["items"], rng.randint(2, 6))]
    prices = {item: str(rng.randrange(11, 500) * 10) for item in items}
    gap = ", " if language == "en" else "、"
    rows = gap.join(side["row"].format(item=item, n=price) for item, price in prices.items())
    target = rng.choice(items)
    slots = {"item": target, "n": prices[target]}
    end = ". " if language == "en" else "。"
    question = pick_question(rng, side, phrasing).format_map(slots)
    entry = {"polite": side["polite"], "curt": side["curt"], "facts": [["{n}"]]}
    return _filled(rng, "price_list", language, (user(rng.choice(side["lead"]) + rows + end + question),), entry, slots)


def shop_like_task(rng: random.Random, language: str, phrasing: str, register: str) -> Task:
    """Anything a customer may say: shop questions mostly, then follow-ups, passages and price lists."""
    draw = rng.random()
    if draw < 0.62:
        return shop_task(rng, language, phrasing)
    if draw < 0.80:
        return follow_up_task(rng, language, phrasing, register)
    return passage_task(rng, language, phrasing) if draw < 0.92 else price_list_task(rng, language, phrasing)
