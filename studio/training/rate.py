"""How many sampled replies pass a verifier, as training goes on: what a loss or a margin does not tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.events import Evaluated, Event, Notice
from studio.training.run import Prompt
from studio.training.samples import Ask, Written
from studio.training.verifiers import VERIFIERS, Reply

TEMPERATURE = 0.7
REPLIES = 32
"""A rate of one half is then known to within 9 points (one standard error); the batch costs little more than one row."""
FALL_Z = 1.64
"""Of a fall that is told: one in twenty would be chance."""


@dataclass
class SampledRate:
    """prompts: asked with the same seeds every time, so that two rates differ by what was learned."""

    prompts: tuple[Prompt, ...]
    verifier: str
    value: str
    rates: dict[int, float] = field(default_factory=dict)
    margins: dict[int, float] = field(default_factory=dict)
    _warned: bool = False

    def asks(self) -> list[Ask]:
        return [Ask(prompt.ids, TEMPERATURE, seed) for seed, prompt in enumerate(self.prompts, 1)]

    def judge(self, step: int, written: list[Written], texts: list[str], margin: float | None) -> list[Event]:
        """The rate at a step as an event, and a notice where it falls while the margin rises."""
        rule, too_slow, passed = VERIFIERS[self.verifier], 0, 0
        for prompt, reply, text in zip(self.prompts, written, texts, strict=True):
            try:
                passed += rule.passes(Reply(prompt.text, text, reply.stopped), self.value)
            except TimeoutError:
                too_slow += 1
        self.rates[step] = passed / len(texts)
        metrics: Mapping[str, Any] = {"rate": self.rates[step], "replies": len(texts)}
        events: list[Event] = [Evaluated(step, "samples", metrics)]
        if too_slow:
            events.append(Notice("warning", "verifier_too_slow", {"step": step, "replies": too_slow}))
        if margin is not None:
            events += self._warn(step, margin)
        return events

    def _warn(self, step: int, margin: float) -> list[Event]:
        """Once a run, against the best rate before."""
        self.margins[step] = margin
        best = max(self.rates, key=lambda s: (self.rates[s], s))
        rising = margin > self.margins.get(best, 0.0)
        if self._warned or not rising or not falls(self.rates[best], self.rates[step], len(self.prompts)):
            return []
        self._warned = True
        values = {"step": step, "best": _percent(self.rates[best]), "rate": _percent(self.rates[step])}
        return [Notice("warning", "margin_rises_rate_falls", values | {"margin": f"{margin:.2f}"})]


def falls(before: float, now: float, replies: int) -> bool:
    """Whether a rate fell by more than chance explains: one-sided test of two shares of `replies` each."""
    mean = (before + now) / 2
    error = math.sqrt(2 * mean * (1 - mean) / replies)
    return before > now and (before - now) > FALL_Z * error


def _percent(rate: float) -> str:
    return f"{100 * rate:.0f}"
