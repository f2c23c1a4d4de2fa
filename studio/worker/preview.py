"""A look at the start of a file, in a short process of its own: what it was taken for, its first rows as records.

`python -m studio.worker.preview`: one question as JSON on stdin (`what`: look or hash), one answer as JSON on stdout.
A strange file may cost this process its time or its memory, never the page.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from studio.data.containers import CONTAINERS
from studio.data.files import content_hash
from studio.data.formats import FORMATS
from studio.data.mapping_guess import guess_mapping
from studio.data.records import record_kind
from studio.data.row_paths import find_places
from studio.data.rows import Guess, RawRow, shown_raw
from studio.data.sources import CHOICES, plan_reading, preview_rows
from studio.data.understanding import (
    Aside,
    Reader,
    Refused,
    Understood,
    choose_reader,
    iterate_aside,
    notices_aside,
    read_row,
)
from studio.errors import StudioError

SAMPLE_ROWS = 200
"""As many as the import looks at before it chooses a format, so that both choose the same."""

SHOWN_ROWS = 5
SHOWN_RECORDS = 3
MEMORY_BYTES = 4 * 1024**3
PROCESSOR_S = {"look": 4, "hash": 120}
"""Of the processor, so that a busy machine costs no file its preview."""

CELL_CHARACTERS = 300
TEXT_CHARACTERS = 1_500
MOST_ITEMS = 30


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    list(CONTAINERS), list(FORMATS)  # their files are imported before the question comes
    if not (question := sys.stdin.buffer.read()):
        return
    asked = orjson.loads(question)
    used_s = round(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used_s + PROCESSOR_S[asked["what"]],) * 2)
    answer = {"content_hash": content_hash(Path(asked["path"]))} if asked["what"] == "hash" else look(asked)
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS))


def look(asked: Mapping[str, Any]) -> dict[str, Any]:
    """asked: path, file_name, choices (of reading, and format and mapping; None: guessed).

    {guesses, columns, paths, proposal, rows, records, counts, notices, problem}: problem is {code, values} of what keeps
    the file, or its rows, from being understood; what was found before it is told all the same. proposal: a mapping
    that may fit.
    """
    told: dict[str, Any] = {"guesses": {}, "columns": [], "paths": [], "proposal": None, "rows": [], "records": []}
    told |= {"counts": None, "notices": [], "problem": None}
    try:
        _look_into(asked, told)
    except StudioError as problem:
        told["problem"] = {"code": problem.code, "values": problem.values}
    return told


def _look_into(asked: Mapping[str, Any], told: dict[str, Any]) -> None:
    choices = asked["choices"]
    chosen = {name: value for name in CHOICES if (value := choices.get(name)) is not None}
    plan = plan_reading(Path(asked["path"]), asked["file_name"], **chosen)
    told["guesses"] = {name: told_guess(guess) for name, guess in plan.guesses.items()}
    told["notices"] = [{"code": code, "values": values} for code, values in plan.notices]
    found = preview_rows(plan, SAMPLE_ROWS + 1)
    sample = found[:SAMPLE_ROWS]
    fields = [row.fields for row in sample if row.fields is not None]
    told["columns"] = list(dict.fromkeys(name for row in fields for name in row))[:MOST_ITEMS]
    told["paths"] = [vars(place) for place in find_places(fields)]
    told["rows"] = [_shown_row(row, told["columns"]) for row in sample[:SHOWN_ROWS]]
    told["proposal"] = guess_mapping(fields) if fields else None
    reader = None
    if fields:
        reader, guess = choose_reader(asked["file_name"], fields, choices.get("format"), choices.get("mapping"))
        told["guesses"]["format"] = told_guess(guess)
    records, aside = _records(reader, sample)
    told |= records
    told["notices"] += [{"code": code, "values": values} for code, values in notices_aside(aside)]
    told["counts"]["complete"] = len(found) <= SAMPLE_ROWS


def _records(reader: Reader | None, sample: Sequence[RawRow]) -> tuple[dict[str, Any], dict[Aside, None]]:
    """Every row of the sample read, the first of them to be shown; and what of them no record holds. reader: None where
    not one row has fields."""
    aside: dict[Aside, None] = {}
    causes: Counter[str] = Counter()
    shown: list[dict[str, Any]] = []
    read = 0
    for outcome in (outcome for row in sample for outcome in read_row(reader, row)):
        read += 1
        if isinstance(outcome, Refused):
            causes[outcome.cause] += 1
        elif reader is not None:
            aside |= dict.fromkeys(iterate_aside(reader, outcome.fields))
        if len(shown) < SHOWN_RECORDS:
            shown.append(_shown(outcome))
    refused = sum(causes.values())
    counts = {"rows": read, "understood": read - refused, "refused": refused, "causes": dict(causes)}
    return {"records": shown, "counts": counts}, aside


def _shown(outcome: Understood | Refused) -> dict[str, Any]:
    """{number, kind, record}, or of a refused row {number, field, cause, values, raw}."""
    if isinstance(outcome, Refused):
        return _refused(outcome.row, outcome.field, outcome.cause, outcome.values)
    record = outcome.record
    return {"number": outcome.row.number, "kind": record_kind(record), "record": shortened(record)}


def _refused(row: RawRow, field: str | None, cause: str, values: Mapping[str, Any]) -> dict[str, Any]:
    raw = shown_raw(row)[:TEXT_CHARACTERS]
    return {"number": row.number, "field": field, "cause": cause, "values": dict(values), "raw": raw}


def _shown_row(row: RawRow, columns: Sequence[str]) -> dict[str, Any]:
    if row.fields is None:
        return _refused(row, row.field, str(row.cause), row.values)
    return {"number": row.number, "cells": [_cell(row.fields.get(name)) for name in columns]}


def _cell(value: Any) -> str | None:
    """None for a value that is not there, which is not the same as an empty text."""
    if value is None or isinstance(value, str):
        return value and value[:CELL_CHARACTERS]
    return orjson.dumps(shortened(value), default=str).decode()[:CELL_CHARACTERS]


def shortened(value: Any) -> Any:
    """The value with long texts and lists cut: only ever shown."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_CHARACTERS else value[: TEXT_CHARACTERS - 1] + "…"
    if isinstance(value, Mapping):
        return {key: shortened(item) for key, item in islice(value.items(), MOST_ITEMS)}
    if isinstance(value, (list, tuple)):
        return [shortened(item) for item in value[:MOST_ITEMS]]
    return value


def told_guess(guess: Guess) -> dict[str, Any]:
    return {
        "value": guess.value,
        "confidence": round(guess.confidence, 3),
        "reason": guess.reason,
        "values": dict(guess.values),
        "among": list(guess.among),
    }


if __name__ == "__main__":
    main()
