"""Reads the world's word lists and answers what the shop sells, where and for how much."""

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "ja")
FOLDER = Path(__file__).parent


@cache
def load_lore(name: str) -> dict[str, Any]:
    """One JSON file of this folder, read once; callers must not change it."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def load_shop(language: str) -> dict[str, Any]:
    return load_lore(f"shop_{language}")


def load_side(language: str) -> dict[str, Any]:
    return load_lore(f"side_{language}")


@cache
def item_names(language: str) -> tuple[str, ...]:
    column = LANGUAGES.index(language)
    return tuple(item[column] for item in load_lore("facts")["items"])


@cache
def colour_names(language: str) -> tuple[str, ...]:
    colours = load_lore("facts")["colours"]
    return tuple(colours if language == "en" else colours.values())


def item_slots(index: int, language: str) -> dict[str, str]:
    """The fixed facts of one thing the shop sells: name, price in yen, shelf and two colours."""
    en, ja, price, shelf, first, second = load_lore("facts")["items"][index]
    colours = load_lore("facts")["colours"]
    if language == "ja":
        first, second = colours[first], colours[second]
    return {"item": en if language == "en" else ja, "price": str(price), "shelf": str(shelf), "c1": first, "c2": second}


def random_slots(rng: random.Random, language: str) -> dict[str, str]:
    """Values for every slot a template of this world may name."""
    facts = load_lore("facts")
    slots = item_slots(rng.randrange(len(facts["items"])), language)
    slots["item2"] = rng.choice(item_names(language))
    slots["colour"] = rng.choice(colour_names(language))
    slots["name"], slots["name2"] = rng.sample(facts["names"][language], 2)
    slots["city"] = rng.choice(facts["cities"][language])
    slots["animal"] = rng.choice(facts["animals"][language])
    slots["place"] = rng.choice(facts["places"][language])
    slots["thing"] = rng.choice(facts["things"][language])
    slots["order"] = str(rng.randrange(1000, 10000))
    slots["h1"] = str(rng.randrange(6, 24))
    slots["n"] = str(rng.randrange(11, 100) * 10)
    return slots


def upper_first(text: str) -> str:
    """`red or white.` becomes `Red or white.`; Japanese is unchanged."""
    return text[:1].upper() + text[1:]
