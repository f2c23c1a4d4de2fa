"""Checks: plugs that look through the rows of a dataset and say what is wrong with them, and what would mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol

from studio.data.records import record_kind
from studio.registry import Registry
from studio.words import Text

Record = dict[str, Any]
Severity = Literal["error", "warn", "info"]
Need = Literal["forbidden", "lengths"]
SEVERITIES: tuple[Severity, ...] = ("error", "warn", "info")

OTHER_ROW = "other_row"
"""The name of a finding's value that is the id of another row: a person is shown that row's place instead."""

OTHER_DATASET, OTHER_NUMBER = "dataset", "number"
"""The names of the values that say which row of which other dataset a finding is about."""


@dataclass(frozen=True)
class CheckRow:
    """One row as the checks read it. split: "train" or "held_out"."""

    row_id: int
    revision: int
    kind: str
    record: Record
    meta: dict[str, Any]
    split: str


@dataclass(frozen=True)
class Finding:
    """One thing found: `values` fill the check's words of this code, and are JSON. row_id None: the dataset as a whole.

    Equal values on the same row mean the same finding when the check runs again: what was ignored stays ignored.
    """

    code: str
    values: Mapping[str, Any]
    row_id: int | None = None


@dataclass(frozen=True)
class Lengths:
    """A row as the chosen base reads it, in tokens. first: from where it teaches anything; None where it never does."""

    tokens: int
    trained: int
    first: int | None
    max_length: int


@dataclass(frozen=True)
class OtherDataset:
    """Another dataset of the workspace to compare with. iterate: its rows, from the start at each call."""

    name: str
    iterate: Callable[[], Iterator[CheckRow]]


def _go_on(_done: int) -> None:
    """Nobody watches, nobody stops."""


@dataclass(frozen=True)
class CheckContext:
    """What a check may know besides the rows.

    forbidden: words that must not occur. lengths: of each row by its id, None where no base was chosen. group_field:
    the field of a row's meta or record that names its group; None for those that are groups by custom. tick: called
    with the number of rows looked at in this pass, at least every thousand rows; raises when the person stopped it.
    """

    forbidden: tuple[str, ...] = ()
    lengths: Mapping[int, Lengths] | None = None
    others: tuple[OtherDataset, ...] = ()
    group_field: str | None = None
    tick: Callable[[int], None] = _go_on


class Fixer(Protocol):
    """What fixes share: the same value gets the same placeholder through the whole dataset."""

    def placeholder(self, kind: str, value: str) -> str:
        """Such as ⟨EMAIL_1⟩ for kind "email"; which value it stands for is kept outside the dataset."""
        ...


@dataclass(frozen=True)
class CheckExample:
    """Rows, and everything that the check finds in them, in order; it finds nothing in the `clean` rows alone.

    fixed: row id → the record once each fixable finding of the row is mended, in order; None where the row is left out.
    context: what the check is run with, on both.
    """

    rows: tuple[CheckRow, ...]
    findings: tuple[Finding, ...]
    clean: tuple[CheckRow, ...]
    fixed: Mapping[int, Record | None] = field(default_factory=dict)
    context: CheckContext = field(default_factory=CheckContext)


class Check(Protocol):
    """One check. Needs no model and no network; its memory is bounded at a million rows (hashes, never all records).

    words: one sentence for each code, filled with a finding's values. severities: codes that weigh differently from
    `severity`; an error keeps a dataset from being trained on until it is mended or ignored with a reason. kinds: the
    records it looks at; None for all. needs: a part of the context without which there is nothing to look for. uses: names of
    `CheckSettings` that change what it finds. fixable: codes for which `fix` is safe enough to be offered. across: codes
    that stand only while the row is trained on and its OTHER_ROW is held out. elsewhere: codes about a row of another
    dataset (OTHER_DATASET, OTHER_NUMBER), without which there is no reason to leave the row out.
    """

    name: str
    title: Text
    summary: Text
    example: CheckExample
    severity: Severity
    words: Mapping[str, Text]
    kinds: ClassVar[frozenset[str] | None] = None
    needs: ClassVar[Need | None] = None
    uses: ClassVar[tuple[str, ...]] = ()
    severities: ClassVar[Mapping[str, Severity]] = MappingProxyType({})
    fixable: ClassVar[frozenset[str]] = frozenset()
    across: ClassVar[frozenset[str]] = frozenset()
    elsewhere: ClassVar[frozenset[str]] = frozenset()

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        """Everything found, in any order. rows: all rows of the check's kinds, in order, from the start at each call."""
        ...

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        """The record without what was found; None: the row is best left out. Changes nothing that it is given.

        A pure function of the record as it stands: where nothing is left to mend it returns an equal record.
        """
        return record


def severity_of(check: Check, code: str) -> Severity:
    return check.severities.get(code, check.severity)


def example_row(row_id: int, record: Record, split: str = "train", **fields: Any) -> CheckRow:
    """A row of a worked example. fields: what of its raw row the record does not hold."""
    meta = {"row": row_id} | ({"fields": fields} if fields else {})
    return CheckRow(row_id, 1, str(record_kind(record)), record, meta, split)


CHECKS: Registry[Check] = Registry(
    "check",
    "studio.data.checks",
    (
        "schema",
        "empty_sides",
        "exact_duplicates",
        "near_duplicates",
        "leakage",
        "group_leakage",
        "truncation",
        "personal_data",
        "garbled",
        "language_mix",
        "repetition",
        "boilerplate",
        "imbalance",
        "forbidden_words",
    ),
)
