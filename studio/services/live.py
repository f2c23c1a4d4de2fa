"""What a page needs to watch a run: everything at first, then only what is new since its own cursor."""

from __future__ import annotations

import heapq
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from operator import itemgetter
from typing import Any

from studio.adapters import ADAPTERS
from studio.data.row_files import neutral_cell
from studio.jobspec import JobSpec
from studio.options import option_fields
from studio.people import Person
from studio.services.queue import Queue
from studio.services.runlog import RunLog
from studio.services.series import RAW_LIMIT, bin_size
from studio.settings import Settings
from studio.training.methods import METHODS

OPEN_LIMIT = 8
"""Logs kept in memory; one of 100,000 steps takes 6 MB. The one that was asked for longest ago goes first."""
LOG_TAIL_BYTES = 20_000
_SAMPLES_AT_FIRST = 60
_ENDED = frozenset({"stopped", "finished", "failed"})
_COUNTS = ("held_out", "marks", "samples", "choices", "notices")


class Live:
    """Reads the logs of jobs for their owners. Keeps logs, never browsers: each browser brings its cursor along.

    Every call raises JobNotFound where the job is not this person's.
    """

    def __init__(self, settings: Settings, queue: Queue) -> None:
        self._queue = queue
        self._logs: OrderedDict[str, RunLog] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, person: Person, job_id: str) -> dict[str, Any]:
        """All that is known of a job (at most 200 kB) with its spec, and the cursor for `poll`."""
        return {"job": _said(self._queue.find(person, job_id).spec), **self.poll(person, job_id, None)}

    def poll(self, person: Person, job_id: str, cursor: Mapping[str, Any] | None) -> dict[str, Any]:
        """What is new since the cursor; a cursor that does not fit the log gets everything, marked `first`."""
        folder = self._queue.find(person, job_id)
        log = self._log(folder)
        with log.lock:
            log.read()
            status = log.ended["kind"] if log.ended else folder.state().status
            if status in _ENDED and not log.ended:
                log.read()
            known = _checked(cursor, log)
            return {
                "first": known is None,
                "status": status,
                "facts": log.facts(),
                "ended": log.ended,
                "rows": log.rows,
                **_news(log, known or {}),
            }

    def zoom(self, person: Person, job_id: str, first_step: float, last_step: float) -> dict[str, Any]:
        """The lines between two steps in full detail, at most RAW_LIMIT points a line."""
        log = self._log(self._queue.find(person, job_id))
        with log.lock:
            log.read()
            return {"lines": log.curves.between(math.floor(first_step), math.ceil(last_step))}

    def log_tail(self, person: Person, job_id: str) -> str:
        """The end of what the worker printed."""
        return self._queue.find(person, job_id).log_tail(LOG_TAIL_BYTES)

    def csv(self, person: Person, job_id: str) -> str:
        """Every logged step and held-out loss as CSV; an empty cell where a value was null or not measured."""
        log = self._log(self._queue.find(person, job_id))
        with log.lock:
            log.read()
            return "\r\n".join(_csv_lines(log)) + "\r\n"

    def _log(self, folder: Any) -> RunLog:
        key = str(folder.path)
        with self._lock:
            log = self._logs.pop(key, None) or RunLog(folder.events_path)
            self._logs[key] = log
            while len(self._logs) > OPEN_LIMIT:
                self._logs.popitem(last=False)
            return log


def _said(spec: JobSpec) -> dict[str, Any]:
    """What a page may know of a spec: no paths. titles: the words of its method's and adapter's options."""
    options = spec.options
    known = {"id": spec.id, "title": spec.title, "created": spec.created, "kind": spec.kind}
    plugs = [p[name] for p, name in ((METHODS, options.get("method")), (ADAPTERS, options.get("adapter"))) if name in p]
    titles: dict[str, Any] = {}
    for field in (field for plug in plugs for field in option_fields(plug.options)):
        titles |= {field.name: asdict(field.about.title)}
        titles |= {choice: asdict(words) for choice, words in field.about.choices.items()}
    settings = (options.get("method_options") or {}) | (options.get("adapter_options") or {})
    learns = METHODS[options["method"]].learns if options.get("method") in METHODS else None
    return known | {"prompts": options.get("prompts") or [], "settings": settings, "titles": titles, "learns": learns}


def _checked(cursor: Mapping[str, Any] | None, log: RunLog) -> Mapping[str, int] | None:
    """The cursor where every count in it is one that this log can have given out, else None."""
    if not isinstance(cursor, Mapping):
        return None
    limits = {name: len(getattr(log, name)) for name in _COUNTS}
    limits |= {"done": len(log.curves), "seen": len(log.curves), "size": max(1, len(log.curves))}
    for name, limit in limits.items():
        count = cursor.get(name)
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= limit:
            return None
    return cursor


def _news(log: RunLog, known: Mapping[str, int]) -> dict[str, Any]:
    held_out = log.held_out[known.get("held_out", 0) :]
    samples = log.samples[known.get("samples", 0) :]
    if len(samples) > _SAMPLES_AT_FIRST:
        samples = samples[:2] + samples[2 - _SAMPLES_AT_FIRST :]
    points, place = _points(log, known)
    return {
        "points": points,
        "held_out": {"x": [step for step, _ in held_out], "y": [loss for _, loss in held_out]},
        "marks": log.marks[known.get("marks", 0) :],
        "samples": samples,
        "choices": log.choices[known.get("choices", 0) :],
        "notices": log.notices[known.get("notices", 0) :],
        "cursor": place | {name: len(getattr(log, name)) for name in _COUNTS},
    }


def _points(log: RunLog, known: Mapping[str, int]) -> tuple[dict[str, Any] | None, dict[str, int]]:
    """New points and where the reader then stands.

    `lines` are to be appended after cutting off the last `tail`; with `reset` they replace everything, because the
    bins have doubled in size.
    """
    curves = log.curves
    count, size = len(curves), bin_size(len(curves))
    done = count - count % size
    place = {"size": size, "done": done, "seen": count}
    if known.get("seen") == count:
        return None, place
    reset = known.get("size") != size or count - known["done"] > RAW_LIMIT // 2 * size
    first = 0 if reset else known["done"]
    lines = curves.lines(first, done, size)
    return {"reset": reset, "size": size, "lines": lines, "tail": curves.tail(done) if done < count else None}, place


def _csv_lines(log: RunLog) -> Iterator[str]:
    names = list(log.curves.columns)
    measured: dict[int, dict[str, float | None]] = {}
    for step, loss in log.held_out:
        measured.setdefault(step, {})["held_out"] = loss
    for mark in log.marks:
        measured.setdefault(mark["step"], {})[mark["line"]] = mark["value"]
    beside = list(dict.fromkeys(["held_out", *(mark["line"] for mark in log.marks)]))
    yield ",".join(_text_cell(name) for name in ["step", *names, *beside])
    alone = sorted(set(measured).difference(log.curves.steps))
    logged = ((step, position) for position, step in enumerate(log.curves.steps))
    for step, position in heapq.merge(logged, ((step, None) for step in alone), key=itemgetter(0)):
        cells = [None if position is None else log.curves.columns[name][position] for name in names]
        cells += [measured.get(step, {}).get(name) for name in beside]
        yield ",".join([str(step), *map(_number_cell, cells)])


def _number_cell(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.9g}"


def _text_cell(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula, quoted as RFC 4180 says."""
    safe = neutral_cell(text)
    return f'"{safe.replace(chr(34), chr(34) * 2)}"' if any(mark in safe for mark in ',"\n\r') else safe
