"""Formats: plugs that turn raw rows into records."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from studio.data.fields import Row, invalid, share_with
from studio.data.records import check_record
from studio.data.rows import Guess
from studio.data.turns import unread_keys
from studio.errors import FormatUnknown, RowInvalid
from studio.registry import Registry
from studio.words import Text

Record = dict[str, Any]

__all__ = [
    "FORMATS",
    "LEAST_CONFIDENCE",
    "Format",
    "FormatExample",
    "HoldsMessages",
    "OneRecord",
    "Record",
    "Row",
    "guess_format",
    "invalid",
    "read_record",
    "share_with",
]
LEAST_CONFIDENCE = 0.5
_OPENS = frozenset("[{ \t\r\n")
"""How JSON in a table's cell begins."""


@dataclass(frozen=True)
class FormatExample:
    """A raw row and the record it means."""

    row: Row
    record: Record


class Format(Protocol):
    """One way to write examples down. fields: the names it knows, several of them for the same thing."""

    name: str
    title: Text
    summary: Text
    example: FormatExample
    fields: frozenset[str]

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        """How surely rows with these fields are of this format. Its value is this plug's name."""

    def unfold(self, row: Row) -> list[Row]:
        """The rows within a row, each of one record; of most formats the row itself. Raises RowInvalid."""

    def read(self, row: Row) -> Record:
        """The record of a row that holds one. Raises RowInvalid(field=, cause=, ...)."""

    def names(self, row: Row) -> Collection[str]:
        """The fields that `read` takes the record of this row from. All others go with the row as its meta."""

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        """Of those fields, the ones that the record holds only in part, so that they go with the row as well: each with
        a key in it that nothing reads, or with "" where it is the value that is not held whole."""

    def render(self, record: Record) -> Row:
        """The row of a record, for those records that the format can hold. Raises RowInvalid for the others."""


class HoldsMessages:
    """A format whose records hold all of the fields they are read from, but for unknown keys of messages."""

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        for name in self.names(row):
            value = row.get(name)
            # Nearly all values are plain texts: this is asked of every row.
            if value and (type(value) is not str or value[0] in _OPENS):
                for key in unread_keys(value):
                    yield name, key


class OneRecord(HoldsMessages):
    """A format whose rows hold one record each."""

    def unfold(self, row: Row) -> list[Row]:
        return [row]


FORMATS: Registry[Format] = Registry(
    "format",
    "studio.data.formats",
    (
        "messages",
        "sharegpt",
        "alpaca",
        "self_instruct",
        "prompt_completion",
        "preference",
        "comparison",
        "rated_replies",
        "unpaired",
        "verifiable",
        "multiple_choice",
        "instruction_checks",
        "unit_tests",
        "reading",
        "classification",
        "sentence_pair",
        "extraction",
        "document",
    ),
)


def guess_format(file_name: str, rows: Sequence[Row]) -> Guess:
    """The format that fits the first rows best. Raises FormatUnknown, naming the fields, where none does."""
    fields = list(dict.fromkeys(name for row in rows for name in row))
    best = max((plug.guess(fields, rows) for plug in FORMATS), key=lambda guess: guess.confidence)
    if best.confidence < LEAST_CONFIDENCE:
        raise FormatUnknown(file=file_name, fields=", ".join(fields)[:300])
    return best


def read_record(plug: Format, row: Row) -> Record:
    """The record of a row that holds one, checked. Raises RowInvalid with the first cause."""
    record = plug.read(row)
    if problems := check_record(record):
        problem = dict(problems[0])
        raise RowInvalid(row=None, cause=problem.pop("code"), field=problem.pop("field"), **problem)
    return record
