"""Making a record short enough: its oldest exchanges cut, a long dialogue split into windows, or one turn dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from studio.data.records import CONVERSATION, SIDES, check_record, record_kind
from studio.errors import OptionsInvalid, RecordInvalid

OLDEST, WINDOWS, DROP = "oldest", "windows", "drop"
WAYS = (OLDEST, WINDOWS, DROP)

Record = Mapping[str, Any]
Fits = Callable[[Record], bool]
"""Whether a record is short enough; asked as seldom as can be, since tokens are counted elsewhere."""


def list_ways(record: Record) -> list[str]:
    """The ways that could help a record: exchanges to cut, more than one window, more than two turns."""
    section = _section(record)
    if section is None:
        return []
    exchanges = len(_exchanges(record[section], section))
    found = [OLDEST] if exchanges > 1 else []
    found += [WINDOWS] if exchanges > 1 and record_kind(record) == CONVERSATION else []
    return found + ([DROP] if len(record[section]) > 1 else [])


def cut_oldest(record: Record, fits: Fits) -> list[Record]:
    """The record with as few of its first exchanges gone as it takes; the last one stays, even if it does not fit.

    The system turn stays. Of a prompt with a reply the exchanges of the prompt go. Raises OptionsInvalid where there is
    nothing to cut.
    """
    section = _checked(record, OLDEST)
    exchanges = _exchanges(record[section], section)

    def without(count: int) -> Record:
        kept = [turn for exchange in exchanges[count:] for turn in exchange]
        return {**record, section: [*_system(record[section]), *kept]}

    return [without(_least(1, len(exchanges) - 1, lambda count: fits(without(count))))]


def split_windows(record: Record, fits: Fits) -> list[Record]:
    """The dialogue as several that follow each other, each with the system turn and as many exchanges as fit.

    No turn is in two windows and none is lost; an exchange that is too long alone is a window of its own. Raises
    OptionsInvalid where there is only one exchange.
    """
    section = _checked(record, WINDOWS)
    exchanges = _exchanges(record[section], section)

    def window(start: int, end: int) -> Record:
        turns = [turn for exchange in exchanges[start:end] for turn in exchange]
        return {**record, section: [*_system(record[section]), *turns]}

    windows: list[Record] = []
    start = 0
    while start < len(exchanges):
        end = _last_fitting(lambda end, start=start: fits(window(start, end)), start + 1, len(exchanges))
        windows.append(window(start, end))
        start = end
    return windows


def drop_turn(record: Record, index: int) -> list[Record]:
    """The record without one turn; with a tool call its replies go, so that none answers nothing.

    index: of the turn in the messages or the prompt. Raises OptionsInvalid for a turn that is not there, RecordInvalid
    where what is left is no record.
    """
    section = _checked(record, DROP)
    turns = list(record[section])
    if not 0 <= index < len(turns):
        raise OptionsInvalid([{"field": "turn", "code": "out_of_range", "minimum": 0, "maximum": len(turns) - 1}])
    end = index + 1
    if turns[index].get("tool_calls"):
        while end < len(turns) and turns[end]["role"] == "tool":
            end += 1
    left = {**record, section: turns[:index] + turns[end:]}
    if problems := check_record(left):
        raise RecordInvalid(problems)
    return [left]


def _section(record: Record) -> str | None:
    """The messages that may be shortened: a conversation's, else those of the prompt."""
    sides = SIDES.get(record_kind(record) or "", ())
    return sides[0] if sides else None


def _checked(record: Record, way: str) -> str:
    if way not in list_ways(record):
        raise OptionsInvalid([{"field": "way", "code": "cannot_shorten"}])
    return str(_section(record))


def _system(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return turns[:1] if turns and turns[0]["role"] == "system" else []


def _exchanges(turns: list[dict[str, Any]], section: str) -> list[list[dict[str, Any]]]:
    """Each question with all that follows it up to the next one; the system turn is in none.

    What the assistant says before anybody asked belongs to the first exchange, and a last question without a reply to
    the one before it, except in a prompt: there it is what is replied to.
    """
    found: list[list[dict[str, Any]]] = []
    for turn in turns[len(_system(turns)) :]:
        if not found or (turn["role"] == "user" and not _is_open(found[-1])):
            found.append([turn])
        else:
            found[-1].append(turn)
    if section == "messages" and len(found) > 1 and _is_open(found[-1]):
        last = found.pop()
        found[-1] += last
    return found


def _is_open(exchange: list[dict[str, Any]]) -> bool:
    """Whether nothing was replied, or nobody has asked."""
    roles = {turn["role"] for turn in exchange}
    return not {"assistant", "user"} <= roles


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least number in low … high for which it holds, if it holds from there on; else high."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _last_fitting(fits: Callable[[int], bool], low: int, high: int) -> int:
    """The greatest number in low … high that fits, if all below it do; low even where it does not."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
