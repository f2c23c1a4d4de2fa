"""The prompts that measure the pocket model: asked in words that no sample holds, each with the facts a right reply needs."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from studio.pocket.world.lore import LANGUAGES, load_shop
from studio.pocket.world.puzzles import JsonRequest, Sum, json_task, sum_task
from studio.pocket.world.tasks import FOLLOW_UPS, Message, Task, passage_task, price_list_task, shop_task

SEED = 4242
PER_INTENT = 4
PER_FOLLOW_UP = 8
PER_READING = 16


@dataclass(frozen=True)
class HeldOutPrompt:
    """`messages` end with the customer; `facts`, `right_replies` as in Task."""

    id: str
    kind: str
    language: str
    messages: tuple[Message, ...]
    facts: tuple[tuple[str, ...], ...]
    right_replies: tuple[str, ...]


def _distinct(count: int, taken: set[str], draw: Callable[[], Task]) -> list[Task]:
    """`count` tasks whose conversations differ from each other and from `taken`, which grows."""
    found: list[Task] = []
    for _ in range(1000):
        task = draw()
        key = repr(task.messages)
        if key not in taken:
            taken.add(key)
            found.append(task)
        if len(found) == count:
            return found
    raise ValueError(f"only {len(found)} of {count} distinct prompts exist: {repr(task.messages)[:200]}")


def _number(tasks: list[Task], phrasing: str) -> list[HeldOutPrompt]:
    return [
        HeldOutPrompt(f"{phrasing}-{i:03d}", t.kind, t.language, t.messages, t.facts, t.right_replies)
        for i, t in enumerate(tasks)
    ]


def held_out_prompts() -> list[HeldOutPrompt]:
    """320 prompts, half in each language. Their phrasings occur in pretraining, never in the samples that tune."""
    rng = random.Random(SEED)
    tasks: list[Task] = []
    taken: set[str] = set()
    for language in LANGUAGES:
        for intent in load_shop(language)["intents"]:
            tasks += _distinct(PER_INTENT, taken, lambda: shop_task(rng, language, "held_out", intent))  # noqa: B023
        for index, follow_up in enumerate(FOLLOW_UPS):
            register = ("polite", "curt")[index % 2]
            tasks += _distinct(PER_FOLLOW_UP, taken, lambda: follow_up(rng, language, "held_out", register))  # noqa: B023
        for reading in (passage_task, price_list_task):
            tasks += _distinct(PER_READING, taken, lambda: reading(rng, language, "held_out"))  # noqa: B023
    return _number(tasks, "held-out")


def unseen_prompts() -> list[HeldOutPrompt]:
    """104 shop questions in words that occur nowhere, not even in pretraining: the harder test."""
    rng = random.Random(SEED + 1)
    tasks: list[Task] = []
    taken: set[str] = set()
    for language in LANGUAGES:
        for intent in load_shop(language)["intents"]:
            tasks += _distinct(2, taken, lambda: shop_task(rng, language, "unseen", intent))  # noqa: B023
    return _number(tasks, "unseen")


def held_out_sums(count: int, group: str = "held_out") -> list[tuple[str, Sum]]:
    """(language, sum) with pairs that no sample holds; `unseen` pairs occur nowhere at all."""
    rng = random.Random(SEED + 2)
    return [(language, sum_task(rng, language, (group,), "taught")) for language in LANGUAGES * (count // 2)]


def held_out_json(count: int) -> list[tuple[str, JsonRequest]]:
    rng = random.Random(SEED + 3)
    return [(language, json_task(rng, language, "held_out")) for language in LANGUAGES * (count // 2)]
