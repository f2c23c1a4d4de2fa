"""Finding the rows of a selection: complete or told to be cut off, in time and stoppable."""

from __future__ import annotations

import sqlite3
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from studio.data.kinds import ROLES
from studio.data.patterns import compile_pattern
from studio.data.records import iterate_texts
from studio.data.selection import ANY, FLAG, NONE, Selection
from studio.data.splits import HELD_OUT
from studio.store.table import Table

SEARCH_TIME_S = 10.0
"""Long enough for a regular expression over a million rows; whoever does not want to wait stops it."""

_STEPS = 20_000
"""Of SQLite's machine between two looks at the clock: about a millisecond."""

_IsOver = Callable[[], bool]


class _CutOff(Exception):
    """The time is up, or nobody waits any more."""


@dataclass(frozen=True)
class Found:
    """Ids of rows in the order asked for. complete: all rows were looked at in time, and nobody stopped it."""

    row_ids: array
    complete: bool


class Selector:
    """The rows of one selection behind a connection."""

    def __init__(self, connection: sqlite3.Connection, selection: Selection) -> None:
        self._sql = connection
        self._selection = selection
        self._looks = _text_test(selection)

    def find(self, limit_s: float | None = SEARCH_TIME_S, is_stopped: Callable[[], bool] = lambda: False) -> Found:
        """Ids of all rows that are meant, in order. limit_s: None for as long as it takes. Raises PatternTooSlow."""
        end_s = time.monotonic() + limit_s if limit_s is not None else float("inf")
        found = array("q")

        def is_over() -> bool:
            return time.monotonic() > end_s or is_stopped()

        # SQLite's steps are counted here, the work on the texts between two of them looks at the clock by itself.
        self._sql.set_progress_handler(is_over, _STEPS)
        try:
            for row_id in self._iterate(is_over):
                found.append(row_id)
        except _CutOff:
            return Found(found, complete=False)
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return Found(found, complete=False)
        finally:
            self._sql.set_progress_handler(None, 0)
        return Found(found, complete=True)

    def _iterate(self, is_over: _IsOver) -> Iterator[int]:
        where, values = self._conditions()
        field = "record" if self._looks else "NULL"
        order, joined = self._order()
        if joined is not None:
            values = [joined, *values]
        for row_id, record in self._sql.execute(
            f"SELECT rows.row_id, {field} FROM rows {order[0]} WHERE {where} ORDER BY {order[1]}", values
        ):
            if self._looks is None or self._looks(record, is_over):
                yield row_id

    def _order(self) -> tuple[tuple[str, str], str | None]:
        """(what is joined, what it is ordered by), and the value that the join needs."""
        wanted = self._selection
        way = "DESC" if wanted.descending else "ASC"
        if wanted.sort == "position":
            return ("", f"rows.row_id {way}"), None
        if wanted.sort == "length":
            return ("", f"rows.characters {way}, rows.row_id {way}"), None
        if wanted.sort == "edited":
            return ("", f"rows.changed {way}, rows.row_id {'ASC' if wanted.descending else 'DESC'}"), None
        if wanted.sort == "tokens":
            joined = "LEFT JOIN row_lengths ON row_lengths.base = ? AND row_lengths.row_id = rows.row_id AND row_lengths.revision = rows.revision"
            return (joined, f"row_lengths.tokens IS NULL, row_lengths.tokens {way}, rows.row_id"), wanted.base
        joined = (
            "LEFT JOIN (SELECT row_id, COUNT(*) AS number FROM open_findings GROUP BY row_id) AS counted USING (row_id)"
        )
        return (joined, f"COALESCE(counted.number, 0) {way}, rows.row_id"), None

    def _conditions(self) -> tuple[str, list[Any]]:
        parts: list[tuple[str, tuple]] = [("rows.deleted = 0", ())]
        wanted = self._selection
        if wanted.split is not None:
            threshold = Table(self._sql).fact("held_out_threshold")
            parts.append((f"rows.split_key {'<=' if wanted.split == HELD_OUT else '>'} ?", (threshold,)))
        if wanted.kind is not None:
            parts.append(("rows.kind = ?", (wanted.kind,)))
        parts += [(_TAGGED, (tag,)) for tag in wanted.tags]
        if wanted.is_flagged is not None:
            parts.append((_TAGGED if wanted.is_flagged else f"NOT {_TAGGED}", (FLAG,)))
        if wanted.is_edited is not None:
            parts.append((f"rows.changed {'>' if wanted.is_edited else '='} 0", ()))
        if wanted.row_ids is not None:
            parts.append(("rows.row_id IN (SELECT value FROM json_each(?))", (orjson.dumps(wanted.row_ids).decode(),)))
        parts += _check_conditions(wanted)
        parts += _length_conditions(wanted)
        parts += _text_conditions(wanted)
        return " AND ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]


_TAGGED = "rows.row_id IN (SELECT row_id FROM row_tags WHERE tag = ?)"


def _check_conditions(wanted: Selection) -> Iterator[tuple[str, tuple]]:
    if wanted.check is None:
        return
    found, values = "SELECT row_id FROM open_findings WHERE row_id IS NOT NULL", ()
    if wanted.check not in (ANY, NONE):
        found, values = f"{found} AND check_name = ?", (wanted.check,)
        if wanted.check_code is not None:
            found, values = f"{found} AND code = ?", (wanted.check, wanted.check_code)
    yield f"rows.row_id {'NOT IN' if wanted.check == NONE else 'IN'} ({found})", values


def _length_conditions(wanted: Selection) -> Iterator[tuple[str, tuple]]:
    for sign, limit in ((">=", wanted.min_length), ("<=", wanted.max_length)):
        if limit is None:
            continue
        if wanted.length_unit == "characters":
            yield f"rows.characters {sign} ?", (limit,)
        else:
            measured = "SELECT row_id FROM row_lengths AS l WHERE l.base = ? AND l.revision = rows.revision"
            yield f"rows.row_id IN ({measured} AND l.row_id = rows.row_id AND l.tokens {sign} ?)", (wanted.base, limit)


def _text_conditions(wanted: Selection) -> Iterator[tuple[str, tuple]]:
    """Words must stand in the record's JSON; where that could mean the JSON itself, `_text_test` looks closer."""
    if not wanted.query or wanted.is_regex:
        return
    inside = orjson.dumps(wanted.query).decode()[1:-1]
    pattern = "%" + inside.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    yield "rows.record LIKE ? ESCAPE '\\'", (pattern,)
    # Unescaped quotes stand around texts only, so taking the names of fields out takes nothing out of a text.
    names = [name for name in _NAMES if _folded(wanted.query) in name]
    if names and _may_be_structure(wanted.query):
        bare = "rows.record"
        for _ in names:
            bare = f"replace({bare}, ?, '')"
        yield f"{bare} LIKE ? ESCAPE '\\'", (*names, pattern)


def _text_test(wanted: Selection) -> Callable[[str, _IsOver], bool] | None:
    """What the record's JSON text must pass beyond SQL's conditions; None where these say it all.

    It raises _CutOff in the midst of a record, since one can have thousands of texts.
    """
    if not wanted.query and wanted.role is None:
        return None
    if wanted.query and wanted.is_regex:
        is_in = compile_pattern(wanted.query).is_in
    elif wanted.query and (wanted.role is not None or _may_be_structure(wanted.query)):
        words = _folded(wanted.query)
        is_in = lambda text: words in _folded(text)  # noqa: E731
    elif wanted.query:
        return None
    else:
        is_in = bool  # rows that have a text of that role at all
    role = wanted.role

    def passes(record: str, is_over: _IsOver) -> bool:
        for _, its, text in iterate_texts(orjson.loads(record)):
            if is_over():
                raise _CutOff
            if (role is None or role == its) and is_in(text):
                return True
        return False

    return passes


_FOLDED = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

_STRUCTURE = (
    '{"messages":[{"role":"system","content":""},{"role":"user","content":""},{"role":"assistant","content":""},'
    '{"role":"tool","content":"","tool_calls":[{"type":"function","function":{"name":"","arguments":{}}}]}]}],'
    '"prompt":[{"role":"user","chosen":[{"role":"assistant","rejected":[{"completion":[{"tools":[{"margin":'
    '"tool_call_id":"","answer":"","verifier":"","label":"","text":"","label":true,false,null,'
    '"entities":[{"start":,"end":,"label":"","text":""}],"label":["",""]}'
)
_NAMES = (
    *(f'"role":"{role}"' for role in ROLES),
    *(
        f'"{name}":'
        for name in ("content", "messages", "prompt", "completion", "chosen", "rejected", "label", "answer")
    ),
    *(f'"{name}":' for name in ("verifier", "text", "entities", "start", "end", "tools", "tool_calls", "tool_call_id")),
    *(f'"{name}":' for name in ("type", "function", "name", "arguments", "margin")),
)
_NUMBER = frozenset("0123456789.-+e")


def _folded(text: str) -> str:
    """ASCII letters in lower case, as SQLite's LIKE compares them."""
    return text.translate(_FOLDED)


def _may_be_structure(words: str) -> bool:
    """Whether the words may stand in the JSON around the texts, so that each row found must be looked into."""
    return words.lower() in _STRUCTURE or _NUMBER.issuperset(words.lower())
