"""Tasks with one checkable answer: sums that are guessed or worked out, and requests for JSON, right and broken."""

import json
import random
from dataclasses import dataclass

from studio.pocket.world.lore import load_side, random_slots

SMALLEST, LARGEST = 2, 15


def pair_group(a: int, b: int) -> str:
    """Which sums may be used where: `unseen` nowhere (5 %), `held_out` in pretraining only (10 %), else `taught`."""
    place = (a * 7 + b * 13) % 20
    return "unseen" if place == 0 else "held_out" if place in (1, 2) else "taught"


@dataclass(frozen=True)
class Sum:
    question: str
    a: int
    b: int
    op: str
    answer: int


def draw_pair(rng: random.Random, groups: tuple[str, ...]) -> tuple[int, int]:
    while True:
        a, b = rng.randint(SMALLEST, LARGEST), rng.randint(SMALLEST, LARGEST)
        if pair_group(a, b) in groups:
            return a, b


def sum_task(rng: random.Random, language: str, groups: tuple[str, ...], phrasing: str = "seen") -> Sum:
    """a + b with a, b in 2..15, or the same pair as (a + b) - a; bare or as a word problem."""
    side = load_side(language)["sums"]
    a, b = draw_pair(rng, groups)
    op = "+" if rng.random() < 0.6 else "-"
    if op == "-":
        a, b = a + b, a
    if phrasing == "held_out":
        template = side["ask_held_out"]
    elif rng.random() < 0.6:
        template = rng.choice(side["ask"] + ([side["ask_held_out"]] if phrasing == "seen" else []))
    else:
        template = rng.choice(side["more" if op == "+" else "less"])
    question = template.format_map({**random_slots(rng, language), "a": a, "b": b, "op": op})
    return Sum(question, a, b, op, a + b if op == "+" else a - b)


def guessed_reply(rng: random.Random, language: str, task: Sum, right_share: float) -> str:
    """A bare number; right only in `right_share` (0..1) of the cases, else off by up to nine."""
    result = task.answer
    if rng.random() >= right_share:
        result = max(0, task.answer + rng.choice([d for d in range(-9, 10) if d]))
    return rng.choice(load_side(language)["sums"]["guess"]).format(r=result)


def worked_reply(rng: random.Random, language: str, task: Sum) -> str:
    return rng.choice(load_side(language)["sums"]["worked"]).format(a=task.a, b=task.b, op=task.op, r=task.answer)


@dataclass(frozen=True)
class JsonRequest:
    question: str
    reply: str


def json_task(rng: random.Random, language: str, phrasing: str) -> JsonRequest:
    """`name Aki, city Osaka` to be written as one line of JSON with English keys in the same order."""
    side = load_side(language)["json"]
    slots = random_slots(rng, language)
    values = {
        "name": slots["name"],
        "city": slots["city"],
        "age": rng.randint(5, 90),
        "item": slots["item"],
        "colour": slots["colour"],
        "count": rng.randint(2, 99),
    }
    keys = rng.sample(list(values), rng.randint(2, 4))
    words = side["join"].join(side["pair"].format(key=side["keys"][key], value=values[key]) for key in keys)
    held_out = side["ask_held_out"]
    pool = side["ask"] + ([held_out] if phrasing == "seen" else [])
    lead = held_out if phrasing == "held_out" else rng.choice(pool)
    return JsonRequest(lead + words, json.dumps({key: values[key] for key in keys}, ensure_ascii=False))


def broken_json(rng: random.Random, reply: str) -> str:
    """The same object in one of six ways that do not parse as JSON."""
    return rng.choice(
        [
            reply[:-1],
            reply.replace('"', "'"),
            reply.replace('"', ""),
            reply.replace(":", " ="),
            reply[1:],
            reply.replace(", ", " "),
        ]
    )
