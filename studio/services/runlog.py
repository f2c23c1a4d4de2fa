"""One job's log in memory: read once by byte offset, kept as columns and short lists that a page asks for."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from studio.events import TERMINAL_KINDS
from studio.services.series import Curves

_CHUNK_BYTES = 256 * 1024  # of 256 kB, 1 MB and 4 MB the smallest was the quickest: its objects stay in the cache
_RATE_LINES = 40
_NOTICE_LIMIT = 200
_REPLY_LIMIT_CHARACTERS = 1_200

Fields = Mapping[str, Any]


class RunLog:
    """What the events of one log say so far. `read` continues where it stopped; hold `lock` around read and use.

    A line that is not a JSON object is counted in `unreadable` and skipped; an unfinished last line is left for the
    next time; kinds and fields it does not know are ignored.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self.offset = 0
        self.unreadable = 0
        self.curves = Curves()
        self.held_out: list[tuple[int, float | None]] = []
        self.marks: list[dict[str, Any]] = []
        self.samples: list[dict[str, Any]] = []
        self.choices: list[Fields] = []
        self.notices: list[Fields] = []
        self.rows: Fields | None = None
        self.started: Fields | None = None
        self.phase: Fields | None = None
        self.progress: Fields | None = None
        self.step: Fields | None = None
        self.checkpoint: Fields | None = None
        self.ended: Fields | None = None
        self.last: Fields | None = None
        self._recent: deque[tuple[str, int]] = deque(maxlen=_RATE_LINES)

    def read(self) -> None:
        """Take in what was appended since the last call; a log that got shorter is read again from its start."""
        try:
            with self.path.open("rb") as log:
                if log.seek(0, 2) < self.offset:
                    self._forget()
                log.seek(self.offset)
                self._take_all(log.read)
        except FileNotFoundError:
            return

    def _take_all(self, read: Callable[[int], bytes]) -> None:
        rest = b""
        while chunk := read(_CHUNK_BYTES):
            chunk = rest + chunk
            end = chunk.rfind(b"\n") + 1
            rest = chunk[end:]
            self._take(chunk[:end].splitlines())
            self.offset += end

    def _take(self, lines: list[bytes]) -> None:
        steps = []
        for line in lines:
            event = self._understood(line)
            if event is None:
                continue
            self.last = event
            if event["kind"] == "step":
                steps.append(event)
            elif take := _TAKERS.get(event["kind"]):
                take(self, event)
            elif event["kind"] in TERMINAL_KINDS:
                self.ended = event
        if steps:
            self.curves.extend(steps)
            self.step = steps[-1]
            self._recent.extend((event.get("time", ""), event.get("step", 0)) for event in steps[-_RATE_LINES:])

    def _understood(self, line: bytes) -> Fields | None:
        if not line.strip():
            return None
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict) or "kind" not in event:
            self.unreadable += 1
            return None
        return event

    def _take_evaluated(self, event: Fields) -> None:
        """The loss is a line of its own; the method's other numbers are marks {"line": "<split>/<name>", "step", "value"}."""
        split, step, metrics = str(event.get("split")), event.get("step", 0), event.get("metrics")
        metrics = metrics if isinstance(metrics, dict) else {}
        if split == "held_out":
            self.held_out.append((step, metrics.get("loss")))
        self.marks += [
            {"line": f"{split}/{name}", "step": step, "value": value}
            for name, value in metrics.items()
            if "/" in name or split == "samples"
        ]

    def _take_sample(self, event: Fields) -> None:
        reply = str(event.get("reply", ""))
        self.samples.append(
            {
                "step": event.get("step", 0),
                "prompt": str(event.get("prompt", ""))[:_REPLY_LIMIT_CHARACTERS],
                "reply": reply[:_REPLY_LIMIT_CHARACTERS],
                "cut": len(reply) > _REPLY_LIMIT_CHARACTERS,
            }
        )

    def _take_notice(self, event: Fields) -> None:
        if len(self.notices) < _NOTICE_LIMIT:
            self.notices.append(event)

    def _take_phase(self, event: Fields) -> None:
        self.phase, self.progress = event, None

    def seconds_left(self) -> float | None:
        """Time for the steps that remain, by the pace of the last 40 lines; None where no pace is known."""
        if not self.step or len(self._recent) < 2:
            return None
        (began, first), (ended, last) = self._recent[0], self._recent[-1]
        spent = seconds_between(began, ended)
        if spent is None or spent <= 0 or last <= first:
            return None
        return max(0, self.step.get("total_steps", last) - last) * spent / (last - first)

    def facts(self) -> dict[str, Any]:
        """The few values that a page shows as large numbers, and the phase; a value that is not known yet is None."""
        step, curves = self.step or {}, self.curves
        smoothed = curves.columns["smoothed"][-1] if len(curves) else math.nan
        return {
            "phase": self.phase and self.phase.get("name"),
            "progress": self.progress and {name: self.progress.get(name) for name in ("done", "total", "unit")},
            "step": step.get("step"),
            "total_steps": step.get("total_steps"),
            "epoch": step.get("epoch"),
            "loss": None if math.isnan(smoothed) else round(smoothed, 6),
            "last_loss": step.get("loss"),
            "tokens": step.get("tokens"),
            "tokens_per_s": step.get("tokens_per_s"),
            "factor": curves.factor,
            "held_out": self.held_out[-1][1] if self.held_out else None,
            "held_out_first": self.held_out[0][1] if self.held_out else None,
            "left_s": None if self.ended else self.seconds_left(),
            "seconds": self._seconds(),
            "device": self.started and self.started.get("device"),
            "checkpoint": self.checkpoint and self.checkpoint.get("step"),
            "unreadable": self.unreadable,
        }

    def _seconds(self) -> float | None:
        """From the worker's start to the last event."""
        if not self.started or not self.last:
            return None
        return seconds_between(self.started.get("time", ""), self.last.get("time", ""))


def _keep(name: str) -> Callable[[RunLog, Fields], None]:
    return lambda log, event: setattr(log, name, event)


_TAKERS: Mapping[str, Callable[[RunLog, Fields], None]] = {
    "evaluated": RunLog._take_evaluated,
    "sample": RunLog._take_sample,
    "notice": RunLog._take_notice,
    "phase": RunLog._take_phase,
    "choice": lambda log, event: log.choices.append(event),
    "rows": _keep("rows"),
    "started": _keep("started"),
    "progress": _keep("progress"),
    "checkpoint": _keep("checkpoint"),
}


def seconds_between(began: str, ended: str) -> float | None:
    """Between two ISO 8601 times; None where one cannot be read."""
    try:
        return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
    except (ValueError, TypeError):
        return None
