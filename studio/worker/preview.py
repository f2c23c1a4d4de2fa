"""A look at the start of a file, in a short process of its own: what it was taken for, its first rows, and what they
become.

`python -m studio.worker.preview`: one question as JSON on stdin, one answer as JSON on stdout. A strange file may cost
this process its time or its memory, never the page.
"""

from __future__ import annotations

import resource
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from studio.data.formats import FORMATS, Format, guess_format, read_record
from studio.data.records import record_kind
from studio.data.rows import Guess, RawRow, shown_raw
from studio.data.sources import plan_reading
from studio.errors import RowInvalid, StudioError

SAMPLE_ROWS = 200
"""As many as the import looks at before it chooses a format, so that both choose the same."""

SHOWN_ROWS = 5
SHOWN_RECORDS = 3
MEMORY_BYTES = 4 * 1024**3
CELL_CHARACTERS = 300
TEXT_CHARACTERS = 1_500
MOST_ITEMS = 30
READING = ("container", "encoding", "delimiter")


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    answer = look(orjson.loads(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS))


def look(asked: Mapping[str, Any]) -> dict[str, Any]:
    """asked: path, file_name, choices (container, encoding, delimiter, format; None: guessed).

    {guesses, columns, rows, records, counts, notices, problem}: problem is {code, values} of what keeps the file, or
    its rows, from being understood; what was found before it is told all the same.
    """
    told: dict[str, Any] = {"guesses": {}, "columns": [], "rows": [], "records": [], "counts": None, "notices": []}
    told["problem"] = None
    try:
        _look_into(asked, told)
    except StudioError as problem:
        told["problem"] = {"code": problem.code, "values": problem.values}
    return told


def _look_into(asked: Mapping[str, Any], told: dict[str, Any]) -> None:
    chosen = {name: value for name in READING if (value := asked["choices"].get(name))}
    plan = plan_reading(Path(asked["path"]), asked["file_name"], **chosen)
    told["guesses"] = {name: told_guess(guess) for name, guess in plan.guesses.items()}
    found = list(islice(plan.rows(), SAMPLE_ROWS + 1))
    sample = found[:SAMPLE_ROWS]
    told["notices"] = [{"code": code, "values": values} for code, values in plan.source.notices]
    fields = [row.fields for row in sample if row.fields is not None]
    told["columns"] = list(dict.fromkeys(name for row in fields for name in row))[:MOST_ITEMS]
    told["rows"] = [_shown_row(row, told["columns"]) for row in sample[:SHOWN_ROWS]]
    guess = _choose_format(asked, fields)
    told["guesses"]["format"] = told_guess(guess)
    told |= _records(FORMATS[guess.value], sample)
    told["counts"]["complete"] = len(found) <= SAMPLE_ROWS


def _choose_format(asked: Mapping[str, Any], fields: Sequence[dict[str, Any]]) -> Guess:
    """Raises FormatUnknown."""
    if name := asked["choices"].get("format"):
        return Guess(name, 1.0, "chosen_by_person")
    return guess_format(asked["file_name"], fields)


def _records(plug: Format, sample: Sequence[RawRow]) -> dict[str, Any]:
    """Every row of the sample read, the first of them to be shown."""
    causes: Counter[str] = Counter()
    shown = []
    for row in sample:
        one = _read(plug, row)
        causes[one.get("cause", "")] += 1
        if len(shown) < SHOWN_RECORDS:
            shown.append(one)
    understood = causes.pop("", 0)
    counts = {"rows": len(sample), "understood": understood, "refused": sum(causes.values()), "causes": dict(causes)}
    return {"records": shown, "counts": counts}


def _read(plug: Format, row: RawRow) -> dict[str, Any]:
    """{number, kind, record}, or of a refused row {number, field, cause, values, raw}."""
    if row.fields is None:
        return _refused(row, str(row.cause), row.field, row.values)
    try:
        record = read_record(plug, row.fields)
    except RowInvalid as problem:
        values = dict(problem.values)
        values.pop("row")
        return _refused(row, values.pop("cause"), values.pop("field"), values)
    return {"number": row.number, "kind": record_kind(record), "record": shortened(record)}


def _refused(row: RawRow, cause: str, field: str | None, values: Mapping[str, Any]) -> dict[str, Any]:
    raw = shown_raw(row)[:TEXT_CHARACTERS]
    return {"number": row.number, "field": field, "cause": cause, "values": dict(values), "raw": raw}


def _shown_row(row: RawRow, columns: Sequence[str]) -> dict[str, Any]:
    if row.fields is None:
        return _refused(row, str(row.cause), row.field, row.values)
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
    }


if __name__ == "__main__":
    main()
