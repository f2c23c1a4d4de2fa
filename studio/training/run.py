"""What a method gets to work with: the loaded model, the rendered rows, and where to say what happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.events import Event
from studio.models.catalogue import Base
from studio.models.machine import Machine, Plan
from studio.models.rendering import RenderedRow, Renderer


@dataclass(frozen=True)
class Prompt:
    """A prompt whose replies are shown as training goes on. text: as a person reads it; ids: as the model does."""

    text: str
    ids: list[int]


@dataclass(frozen=True)
class Run:
    """One run, ready to train. rows, held_out: rendered, not yet cut. model: with its trainable adapter."""

    folder: Path
    base: Base
    machine: Machine
    plan: Plan
    renderer: Renderer
    model: Any
    options: Any
    rows: list[RenderedRow]
    held_out: list[RenderedRow]
    prompts: tuple[Prompt, ...]
    emit: Callable[[Event], None]
    should_stop: Callable[[], bool]


@dataclass
class Outcome:
    """What a method leaves behind, filled while it runs. stopped: it ended because it was asked to."""

    step: int = 0
    stopped: bool = False
    held_out_before: float | None = None
    held_out_after: float | None = None
    train_loss: float | None = None
    tokens: int = 0
    seconds_training: float = 0.0
    seconds_evaluating: float = 0.0
    seconds_saving: float = 0.0
