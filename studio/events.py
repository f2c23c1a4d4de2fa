"""The events of a job: what its log holds, one JSON object a line, units in the names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

TERMINAL_KINDS = frozenset({"stopped", "finished", "failed"})


@dataclass(frozen=True)
class Event:
    """Base of all events. `seq` and `time` (UTC, ISO 8601) are added by the log that writes it."""

    kind: ClassVar[str]

    def to_fields(self) -> dict[str, Any]:
        return {"kind": self.kind} | {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True)
class Queued(Event):
    kind: ClassVar[str] = "queued"


@dataclass(frozen=True)
class Started(Event):
    """process_started: the worker's start in the clock of the operating system, to tell a reused pid."""

    kind: ClassVar[str] = "started"
    pid: int
    process_started: float
    device: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Choice(Event):
    """A default that was chosen; `reason` is a code whose words stand under `choice.<reason>`, with its values."""

    kind: ClassVar[str] = "choice"
    name: str
    value: Any
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows(Event):
    """dropped: count by cause code, words under `dropped.<cause>`."""

    kind: ClassVar[str] = "rows"
    read: int
    kept: int
    truncated: int
    dropped: Mapping[str, int]


@dataclass(frozen=True)
class Phase(Event):
    """name: importing, loading_model, reading_data, training, evaluating, saving …; words under `phase.<name>`."""

    kind: ClassVar[str] = "phase"
    name: str
    total: int | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Progress(Event):
    kind: ClassVar[str] = "progress"
    done: int
    total: int | None
    unit: str


@dataclass(frozen=True)
class Step(Event):
    """loss: mean since the last line; tokens: cumulative; extra: the method's own numbers."""

    kind: ClassVar[str] = "step"
    step: int
    total_steps: int
    epoch: float
    loss: float | None
    learning_rate: float | None
    grad_norm: float | None
    tokens: int
    tokens_per_s: float | None
    memory_bytes: int | None
    extra: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluated(Event):
    kind: ClassVar[str] = "evaluated"
    step: int
    split: str
    metrics: Mapping[str, float | None]


@dataclass(frozen=True)
class Sample(Event):
    kind: ClassVar[str] = "sample"
    step: int
    prompt: str
    reply: str
    reward: float | None = None


@dataclass(frozen=True)
class Checkpoint(Event):
    """path: relative to the job's folder."""

    kind: ClassVar[str] = "checkpoint"
    step: int
    path: str
    bytes: int


@dataclass(frozen=True)
class Notice(Event):
    """level: info, warning or bad; words under `notice.<code>`, looked up when shown."""

    kind: ClassVar[str] = "notice"
    level: str
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stopped(Event):
    """checkpoint: relative path of what was kept, or None."""

    kind: ClassVar[str] = "stopped"
    step: int
    checkpoint: str | None = None


@dataclass(frozen=True)
class Finished(Event):
    """result: relative path or id of what was made; summary: the kind's own numbers."""

    kind: ClassVar[str] = "finished"
    result: str | None
    seconds: float
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class Failed(Event):
    """code: a StudioError's code; message and hint in English for the log, worded again from code when shown."""

    kind: ClassVar[str] = "failed"
    code: str
    message: str
    hint: str
    values: Mapping[str, Any] = field(default_factory=dict)


def without_nonfinite(value: Any, path: str = "") -> tuple[Any, list[str]]:
    """The value with every NaN and infinity replaced by None, and the paths where that happened."""
    if isinstance(value, float) and not math.isfinite(value):
        return None, [path]
    if isinstance(value, Mapping):
        made, bad = {}, []
        for key, item in value.items():
            made[key], found = without_nonfinite(item, f"{path}.{key}" if path else str(key))
            bad += found
        return made, bad
    if isinstance(value, (list, tuple)):
        made_list, bad = [], []
        for index, item in enumerate(value):
            item, found = without_nonfinite(item, f"{path}[{index}]")
            made_list.append(item)
            bad += found
        return made_list, bad
    return value, []
