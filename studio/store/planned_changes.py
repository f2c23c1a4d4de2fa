"""Changes of rows that were worked out before they are written: kept in a file, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from studio.store.row_changes import KEEP, Rewrite, RowChange

_KEEP, _REWRITE, _RECORD = "keep", "rewrite", "record"
_TUPLES = ("tags_add", "tags_remove")
_NAMES = tuple(field.name for field in fields(RowChange))


def render_change(change: RowChange, beside: Any = None) -> bytes:
    """One line. beside: what else is to be known of the change when it is read."""
    how = _KEEP if change.record is KEEP else _REWRITE if isinstance(change.record, Rewrite) else _RECORD
    values = [getattr(change, name) for name in _NAMES]
    return orjson.dumps([how, values, beside], default=dict, option=orjson.OPT_APPEND_NEWLINE)


def read_changes(path: Path) -> Iterator[tuple[RowChange, Any]]:
    """In the order in which they were written, each with what was kept beside it."""
    with path.open("rb") as file:
        for line in file:
            how, values, beside = orjson.loads(line)
            told = dict(zip(_NAMES, values, strict=True))
            for name in _TUPLES:
                told[name] = tuple(told[name])
            if how == _KEEP:
                told["record"] = KEEP
            elif how == _REWRITE:
                told["record"] = Rewrite(**told["record"])
            yield RowChange(**told), beside
