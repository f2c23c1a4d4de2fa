"""A merge before it is made: what each dataset brings, what it would become, and what stands in more than one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from itertools import islice
from typing import Any

import numpy as np
import orjson

from studio.data.blends import MOST_PARTS, MOST_ROWS, MOST_TIMES, BlendPart, count_shared, same_key
from studio.data.conversions import can_become, convert_record
from studio.data.records import KINDS
from studio.errors import OptionsInvalid, RequestRefused
from studio.people import Person
from studio.services.datasets import Datasets
from studio.store.blending import kind_counts
from studio.store.dataset_file import SUFFIX, open_dataset
from studio.store.table import Table

LOOK_S = 1.5
_BATCH_ROWS = 200


def read_blend(asked: Mapping[str, Any]) -> tuple[list[BlendPart], str | None]:
    """The parts and the wished kind that a page sent. Raises RequestRefused, OptionsInvalid for impossible amounts."""
    parts, kind = asked.get("parts"), asked.get("kind")
    if not isinstance(parts, list) or len(parts) > MOST_PARTS or not (kind is None or kind in KINDS):
        raise RequestRefused()
    problems: list[dict[str, Any]] = []
    read = []
    for part in parts:
        if not isinstance(part, dict) or not isinstance(part.get("dataset_id"), str):
            raise RequestRefused()
        name, most = ("rows", MOST_ROWS) if part.get("rows") is not None else ("times", MOST_TIMES)
        value = part.get(name)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not (is_whole or (name == "times" and isinstance(value, float))) or not 0 < value <= most:
            least = 1 if name == "rows" else 0.01
            code = "merge_rows" if name == "rows" else "merge_times"
            problems.append({"field": code, "code": code, "minimum": least, "maximum": most})
        else:
            read.append((part["dataset_id"], name, value))
    if problems:
        raise OptionsInvalid(problems)
    try:
        return [BlendPart(**{"dataset_id": dataset_id, name: value}) for dataset_id, name, value in read], kind
    except ValueError as problem:  # an id that is none
        raise RequestRefused() from problem


def look_at_parts(
    datasets: Datasets, person: Person, parts: list[BlendPart], kind: str | None, budget_s: float = LOOK_S
) -> dict[str, Any]:
    """{"kind", "kinds": those that can be chosen, "name": a proposal, "parts": [{dataset_id, name, rows, kinds: {kind:
    rows}, usable, wanted, converted: {kind: rows}}], "total", "shared", "unconvertible", "looked_at", "complete",
    "problems"}.

    usable: rows whose kind can become the wanted one; wanted: how many are taken. shared: rows that stand in an
    earlier dataset as well, unconvertible: usable by their kind and yet not convertible, both among the `looked_at`
    rows, which are all of them where complete. Raises NotYours, FileUnreadable.
    """
    infos = [datasets.info(person, part.dataset_id) for part in parts]
    counts = []
    for part in parts:
        with open_dataset(person.workspace / "datasets" / (part.dataset_id + SUFFIX)) as connection:
            counts.append(kind_counts(connection))
    kinds = _choosable(counts)
    chosen = kind if kind in kinds else max(kinds, key=lambda one: _usable_all(counts, one), default=None)
    made = []
    for part, info, count in zip(parts, infos, counts, strict=True):
        converted = {one: rows for one, rows in count.items() if chosen and one != chosen and can_become(one, chosen)}
        usable = sum(rows for one, rows in count.items() if chosen and can_become(one, chosen))
        made.append(
            {
                "dataset_id": part.dataset_id,
                "name": info["name"],
                "rows": info["rows"],
                "kinds": count,
                "usable": usable,
                "wanted": part.wanted(usable),
                "converted": converted,
            }
        )
    seen = _look_closer(person, parts, chosen, budget_s) if chosen else {"looked_at": 0, "complete": True}
    problems = [
        {"field": one["name"], "code": "merge_part_unusable", "name": one["name"]} for one in made if not one["wanted"]
    ]
    if len({part.dataset_id for part in parts}) < len(parts):
        problems.append({"field": "parts", "code": "merge_twice"})
    elif len(parts) < 2:
        problems.append({"field": "parts", "code": "merge_too_few"})
    return seen | {
        "kind": chosen,
        "kinds": kinds,
        "name": find_name(" + ".join(info["name"] for info in infos)[:60], set()),
        "parts": made,
        "total": sum(one["wanted"] for one in made),
        "problems": problems,
    }


def find_name(name: str, taken: Set[str], longest: int = 80) -> str:
    """The name, with a number where it is taken."""
    made, number = name.strip(), 2
    while made in taken:
        suffix = f" ({number})"
        made, number = name[: longest - len(suffix)].strip() + suffix, number + 1
    return made


def _choosable(counts: list[dict[str, int]]) -> list[str]:
    """Kinds that some dataset holds and every dataset can give rows of, else those that some dataset holds."""
    held = [kind for kind in KINDS if any(kind in count for count in counts)]
    shared = [kind for kind in held if all(any(can_become(one, kind) for one in count) for count in counts)]
    return shared or held


def _usable_all(counts: list[dict[str, int]], kind: str) -> tuple[int, int]:
    """Rows that can be used as this kind, then rows that are of it already: what loses least comes first."""
    usable = sum(rows for count in counts for one, rows in count.items() if can_become(one, kind))
    return usable, sum(count.get(kind, 0) for count in counts)


def _look_closer(person: Person, parts: list[BlendPart], kind: str, budget_s: float) -> dict[str, Any]:
    """Rows that cannot be converted after all and rows that stand in several, counted until the time is up."""
    deadline_s = time.monotonic() + budget_s
    keys: list[np.ndarray] = []
    looked_at = unconvertible = 0
    complete = True
    for part in parts:
        found = []
        with open_dataset(person.workspace / "datasets" / (part.dataset_id + SUFFIX)) as connection:
            rows = Table(connection).iterate()
            while batch := list(islice(rows, _BATCH_ROWS)):
                if time.monotonic() > deadline_s:
                    complete = False
                    break
                for row in (row for row in batch if can_become(row.kind, kind)):
                    record = convert_record(orjson.loads(row.record), kind)
                    unconvertible += record is None
                    found += [same_key(record)] if record is not None else []
                looked_at += len(batch)
        keys.append(np.asarray(found, dtype=np.float64))
    shared = count_shared(keys)
    return {"shared": shared, "unconvertible": unconvertible, "looked_at": looked_at, "complete": complete}
