"""An export of rows before it is made: how many rows each format can say, found by writing and reading them back."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import asdict
from typing import Any

import orjson

from studio.data.formats import FORMATS
from studio.data.row_files import find_row
from studio.data.selection import Selection
from studio.store.selecting import Selector
from studio.store.table import Table

LOOK_S = 1.0
_BATCH_ROWS = 50


def look_at_formats(connection: sqlite3.Connection, selection: Selection, form: str) -> dict[str, Any]:
    """{"rows", "looked_at", "complete", "formats": [{name, title, summary, said}]}, the format that says most first.

    said: how many of the rows that were looked at mean the same once they are read back. Formats that say none are
    left out.
    """
    table = Table(connection)
    found = Selector(connection, selection).find()
    row_ids = found.row_ids.tolist()
    said = dict.fromkeys(FORMATS.names, 0)
    looked_at = 0
    deadline_s = time.monotonic() + LOOK_S
    while looked_at < len(row_ids) and (looked_at == 0 or time.monotonic() < deadline_s):
        wanted = row_ids[looked_at : looked_at + _BATCH_ROWS]
        for row in table.rows_by_id(wanted):
            record = orjson.loads(row.record)
            for plug in FORMATS:
                said[plug.name] += find_row(plug, record, form) is not None
        looked_at += len(wanted)
    offered = sorted((plug for plug in FORMATS if said[plug.name]), key=lambda plug: -said[plug.name])
    return {
        "rows": len(row_ids),
        "looked_at": looked_at,
        "complete": found.complete and looked_at == len(row_ids),
        "formats": [
            {"name": plug.name, "title": asdict(plug.title), "summary": asdict(plug.summary), "said": said[plug.name]}
            for plug in offered
        ],
    }
