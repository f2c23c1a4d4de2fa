"""Where the pairs of a project come from: the sample, a dataset of pairs, or prompts whose replies are still to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from studio.data.formats import FORMATS, read_record
from studio.data.records import PREFERENCE
from studio.data.samples import find_sample
from studio.data.splits import DEFAULT_HELD_OUT_FRACTION, HELD_OUT, held_out_threshold, split_of
from studio.preferences.pairs import Messages, NewPair, asks_something, content_key, find_prompt, prompt_key
from studio.store.dataset_file import open_dataset
from studio.store.table import StoredRow, Table

SAMPLE = "shop_pairs"
MOST_PAIRS = 20_000
LONGEST_PASTED = 200_000

WRONG_KIND, REPEATED, ASKS_NOTHING = "wrong_kind", "repeated", "asks_nothing"

Sides = tuple[Messages, Messages | None, Messages | None]
"""Prompt and the two replies, None where they are still to come."""


@dataclass
class Found:
    """Pairs in order, and how many rows gave none, by cause."""

    pairs: list[NewPair] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


def read_sample() -> Found:
    """The pairs that come with the app."""
    _, path = find_sample(SAMPLE)
    lines = path.read_bytes().splitlines()
    records = [read_record(FORMATS[PREFERENCE], orjson.loads(line)) for line in lines]
    return _drawn(_imported(record) for record in records)


def read_pairs(path: Path, most: int) -> Found:
    """The pairs of a dataset file, held out as its rows are. Rows of other kinds are counted."""
    found = Found()

    def pairs() -> Iterator[tuple[Sides, bool, float]]:
        for row, held_out in _rows_of(path):
            if row.kind == PREFERENCE:
                yield _imported(orjson.loads(row.record)), held_out, row.split_key
            else:
                _count(found, WRONG_KIND)

    _collect(found, pairs(), most)
    return found


def read_prompts(path: Path, most: int) -> Found:
    """The prompts of a dataset file, each once, held out as its rows are. Rows that ask nothing are counted."""
    found = Found()

    def prompts() -> Iterator[tuple[Sides, bool, float]]:
        for row, held_out in _rows_of(path):
            prompt = find_prompt(orjson.loads(row.record))
            if asks_something(prompt):
                yield _asked(prompt), held_out, row.split_key
            else:
                _count(found, ASKS_NOTHING)

    _collect(found, prompts(), most)
    return found


def read_lines(text: str) -> Found:
    """One prompt a line; a share of them is held out, drawn by their words."""
    prompts = ([{"role": "user", "content": line.strip()}] for line in text.splitlines() if line.strip())
    return _drawn(_asked(prompt) for prompt in prompts)


def _rows_of(path: Path) -> Iterator[tuple[StoredRow, bool]]:
    """Every row in order, and whether it is held out."""
    with open_dataset(path) as connection:
        table = Table(connection)
        threshold = table.fact("held_out_threshold")
        for row in table.iterate():
            yield row, split_of(row.split_key, threshold) == HELD_OUT


def _imported(record: Mapping[str, Any]) -> Sides:
    return record["prompt"], record["chosen"], record["rejected"]


def _asked(prompt: Messages) -> Sides:
    return prompt, None, None


def _collect(found: Found, rows: Iterable[tuple[Sides, bool, float]], most: int) -> None:
    seen: set[str] = set()
    for sides, held_out, key in rows:
        if len(found.pairs) >= most:
            return
        if (content := content_key(*sides)) in seen:
            _count(found, REPEATED)
            continue
        seen.add(content)
        found.pairs.append(_new_pair(sides, held_out, key))


def _drawn(rows: Iterable[Sides]) -> Found:
    """Pairs whose side of the split is drawn here, by the words of the prompt: the same prompt falls on one side."""
    found = Found()
    keyed = [(sides, prompt_key(sides[0])) for sides in islice(rows, MOST_PAIRS)]
    threshold = held_out_threshold([key for _, key in keyed], DEFAULT_HELD_OUT_FRACTION)
    _collect(found, ((sides, split_of(key, threshold) == HELD_OUT, key) for sides, key in keyed), MOST_PAIRS)
    return found


def _new_pair(sides: Sides, held_out: bool, key: float) -> NewPair:
    prompt, a, b = sides
    origins = ({"kind": "imported", "side": side} if a is not None else {} for side in ("chosen", "rejected"))
    return NewPair(prompt, a, b, *origins, split_key=key, held_out=held_out)


def _count(found: Found, cause: str) -> None:
    found.left_out[cause] = found.left_out.get(cause, 0) + 1
