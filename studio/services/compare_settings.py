"""What every column of a comparison is asked with: system prompt, sampling and the longest reply."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from studio.errors import OptionsInvalid
from studio.words import LANGUAGES, say

SYSTEM_CHARACTERS = 8_000
PROMPT_CHARACTERS = 32_000
LARGEST_SEED = 2**31 - 1
_DRAWN_SEEDS = 10_000


@dataclass(frozen=True)
class Sampling:
    """temperature: 0..2, 0 takes the most likely token. top_p: 0.01..1. seed: the same for every column."""

    system: str = ""
    temperature: float = 0.7
    top_p: float = 1.0
    seed: int = 7
    max_tokens: int = 256

    def to_fields(self) -> dict[str, Any]:
        return asdict(self)


_RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0.01, 1),
    "seed": (0, LARGEST_SEED),
    "max_tokens": (1, 4096),
}
_WHOLE = frozenset({"seed", "max_tokens"})


def read_sampling(given: Mapping[str, Any]) -> Sampling:
    """The settings of a form, defaults for what is missing. Raises OptionsInvalid with all problems."""
    problems = [{"field": str(name)[:80], "code": "unknown_option"} for name in given if name not in asdict(Sampling())]
    values: dict[str, Any] = {name: given[name] for name in asdict(Sampling()) if name in given}
    system = values.get("system", "")
    if not isinstance(system, str):
        problems.append(_problem("system", "not_understood", system, None))
    elif len(system) > SYSTEM_CHARACTERS:
        problems.append(
            {"field": "system", "code": "prompt_too_long", "found": len(system), "limit": SYSTEM_CHARACTERS}
        )
    for name, (low, high) in _RANGES.items():
        if name in values:
            problems += _check_number(name, values[name], low, high)
    if problems:
        raise OptionsInvalid(problems)
    whole = {name: int(values[name]) for name in _WHOLE & values.keys()}
    return Sampling(**values | whole)


def check_prompt(text: object) -> str:
    """A prompt without the space around it. Raises OptionsInvalid where it is empty or too long."""
    prompt = text.strip() if isinstance(text, str) else ""
    if not prompt:
        raise OptionsInvalid([{"field": "prompt", "code": "prompt_empty"}])
    if len(prompt) > PROMPT_CHARACTERS:
        problem = {"field": "prompt", "code": "prompt_too_long", "found": len(prompt), "limit": PROMPT_CHARACTERS}
        raise OptionsInvalid([problem])
    return prompt


def draw_seed(other_than: int) -> int:
    """A seed of at most four digits, which a person can read and type again."""
    seed = secrets.randbelow(_DRAWN_SEEDS - 1)
    return seed if seed < other_than else seed + 1


def _check_number(name: str, value: Any, low: float, high: float) -> Iterator[dict[str, Any]]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        yield _problem(name, "not_a_number", value, None)
    elif name in _WHOLE and int(value) != value:
        yield _problem(name, "not_a_whole_number", value, None)
    elif value < low:
        yield _problem(name, "too_small", value, low)
    elif value > high:
        yield _problem(name, "too_large", value, high)


def _problem(name: str, code: str, found: Any, limit: float | None) -> dict[str, Any]:
    title = {language: say(language, f"compare.setting.{name}") for language in LANGUAGES}
    return {"field": name, "title": title, "code": code, "found": str(found)[:80], "limit": limit}
