"""Rows from a template: texts with {slots}, and for each slot the values it takes."""

from __future__ import annotations

import math
import random
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from studio.errors import OptionsInvalid, RequestRefused

MOST_SLOTS, MOST_VALUES = 20, 2000
LONGEST_TEXT, LONGEST_VALUE = 8000, 2000
_SLOT = re.compile(r"\{(\w{1,40})\}")
_TEXTS = ("system", "prompt", "reply")


@dataclass(frozen=True)
class Template:
    """system may be empty. slots: the values of each slot that the texts name, in the order they are first named."""

    system: str
    prompt: str
    reply: str
    slots: Mapping[str, tuple[str, ...]]

    @property
    def combinations(self) -> int:
        return math.prod(len(values) for values in self.slots.values())


@dataclass(frozen=True)
class Variation:
    """The texts with every slot filled; filled: by which values."""

    system: str
    prompt: str
    reply: str
    filled: Mapping[str, str]


def find_slots(*texts: str) -> list[str]:
    """The names in {braces}, each once, in order."""
    return list(dict.fromkeys(name for text in texts for name in _SLOT.findall(text)))


def read_template(asked: Mapping[str, Any]) -> Template:
    """asked: system, prompt, reply, slots {name: [values]}. Empty values and repeated ones are left out.

    Raises OptionsInvalid with every problem: a text that is missing or too long, a slot without values, no slot at
    all; RequestRefused for what no form sends.
    """
    texts = {name: asked.get(name) or "" for name in _TEXTS}
    slots = asked.get("slots") or {}
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(slots, dict):
        raise RequestRefused()
    problems: list[dict[str, Any]] = []
    for name in ("prompt", "reply"):
        if not texts[name].strip():
            problems.append({"field": name, "code": "template_empty"})
    for name, text in texts.items():
        if len(text) > LONGEST_TEXT:
            problems.append({"field": name, "code": "prompt_too_long", "found": len(text), "limit": LONGEST_TEXT})
    names = find_slots(*texts.values())
    if not names and not problems:
        problems.append({"field": "prompt", "code": "template_without_slots"})
    if len(names) > MOST_SLOTS:
        problems.append({"field": "slots", "code": "too_many_slots", "found": len(names), "limit": MOST_SLOTS})
    filled = {}
    for name in names:
        filled[name] = _read_values(slots.get(name))
        if not filled[name]:
            problems.append({"field": f"slots.{name}", "code": "slot_empty", "name": name})
    if problems:
        raise OptionsInvalid(problems)
    return Template(**texts, slots=filled)


def _read_values(given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_VALUES or not all(isinstance(one, str) for one in given):
        raise RequestRefused()
    values = dict.fromkeys(one.strip() for one in given)
    return tuple(value for value in values if value and len(value) <= LONGEST_VALUE)


def iterate_variations(template: Template, count: int, seed: int) -> Iterator[Variation]:
    """`count` different combinations in a drawn order, or all where there are fewer. The same seed draws the same."""
    total = template.combinations
    for number in _draw(random.Random(seed), total, min(count, total)):
        filled: dict[str, str] = {}
        rest = number
        for name, values in template.slots.items():
            rest, place = divmod(rest, len(values))
            filled[name] = values[place]
        yield Variation(*(_fill(getattr(template, name), filled) for name in _TEXTS), filled)


def _draw(chance: random.Random, total: int, count: int) -> Iterator[int]:
    """Different numbers below `total`, which may be larger than `range` and `sample` can hold."""
    if total <= sys.maxsize:
        yield from chance.sample(range(total), count)
        return
    drawn: set[int] = set()
    while len(drawn) < count:  # of so many, hardly ever the same one twice
        number = chance.randrange(total)
        if number not in drawn:
            drawn.add(number)
            yield number


def _fill(text: str, filled: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda found: filled[found[1]], text)
