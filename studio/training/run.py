"""What a method gets to work with: the loaded model, the rendered rows, and where to say what happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.events import Event
from studio.models.catalogue import Base
from studio.models.machine import Machine, Plan
from studio.models.rendering import Renderer


@dataclass(frozen=True)
class Prompt:
    """A prompt whose replies are shown as training goes on. text: as a person reads it; ids: as the model does."""

    text: str
    ids: list[int]


@dataclass(frozen=True)
class Run:
    """One run, ready to train. model: with its trainable adapter.

    rows, held_out: as the method learns them, RenderedRow or RenderedPair, not yet cut. prompts: whose replies are shown.
    rated: whose sampled replies a verifier judges.
    """

    folder: Path
    base: Base
    machine: Machine
    plan: Plan
    renderer: Renderer
    model: Any
    options: Any
    rows: list[Any]
    held_out: list[Any]
    prompts: tuple[Prompt, ...]
    emit: Callable[[Event], None]
    should_stop: Callable[[], bool]
    rated: tuple[Prompt, ...] = ()


@dataclass
class Outcome:
    """What a method leaves behind, filled while it runs. stopped: it ended because it was asked to.

    before, after: the method's own numbers of the held-out rows and of sampled replies, by name.
    """

    step: int = 0
    stopped: bool = False
    train_loss: float | None = None
    tokens: int = 0
    seconds_training: float = 0.0
    seconds_evaluating: float = 0.0
    seconds_saving: float = 0.0
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)

    @property
    def held_out_before(self) -> float | None:
        """Loss of the held-out rows."""
        return self.before.get("loss")

    @property
    def held_out_after(self) -> float | None:
        return self.after.get("loss")
