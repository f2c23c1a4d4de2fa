"""Raw rows understood: by the format that fits them or by a person's mapping, each a record or refused with its cause."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from studio.data.formats import FORMATS, Record, Row, guess_format, read_record
from studio.data.mapped import Mapped
from studio.data.mapping import NAME, fits, read_mapping
from studio.data.rows import Guess, RawRow
from studio.errors import FormatUnknown, OptionsInvalid, RowInvalid

Aside = tuple[str, str | None]
"""A field that goes with a row as its meta, and which part of it no record holds: a key within, "" where it is the
value, None for all of it."""

_NOTHING = (None, "", [], {})


class Reader(Protocol):
    """What turns rows into records: a format, or a mapping. fields: all names it knows."""

    name: str
    fields: frozenset[str]

    def names(self, row: Row) -> Collection[str]: ...

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]: ...

    def unfold(self, row: Row) -> list[Row]: ...

    def read(self, row: Row) -> Record: ...


class Understood(NamedTuple):
    """row: the raw row it came from. fields: of the row within it, where it held several."""

    row: RawRow
    fields: Row
    record: Record


class Refused(NamedTuple):
    """field: where in the row, or None. cause: a code worded under `refused.<cause>` with `values`. row: with the text
    or the fields that were not understood."""

    row: RawRow
    field: str | None
    cause: str
    values: Mapping[str, Any]


def choose_reader(
    file_name: str, rows: Sequence[Row], format_name: str | None, mapping: Mapping[str, Any] | None
) -> tuple[Reader, Guess]:
    """What reads these first rows, and why: as a person chose, else the format that fits best.

    Raises FormatUnknown where none does, or where the mapping asks for columns that none of the rows has;
    OptionsInvalid for a choice that cannot be.
    """
    if mapping is not None:
        chosen = read_mapping(mapping)
        columns = dict.fromkeys(name for row in rows for name in row)
        if rows and not fits(chosen, columns):
            raise FormatUnknown(file=file_name, fields=", ".join(columns)[:300])
        return Mapped(chosen), Guess(NAME, 1.0, "mapping_columns", {"columns": ", ".join(chosen.paths())[:200]})
    if format_name is not None:
        if format_name not in FORMATS:
            raise OptionsInvalid([{"field": "format", "code": "not_a_choice", "found": format_name}])
        return FORMATS[format_name], Guess(format_name, 1.0, "chosen_by_person")
    guess = guess_format(file_name, rows)
    return FORMATS[guess.value], guess


def iterate_aside(reader: Reader, fields: Row) -> Iterator[Aside]:
    """What of an understood row its record does not hold."""
    read = reader.names(fields)
    for name, value in fields.items():
        if name not in read and (name not in reader.fields or value not in _NOTHING):
            yield name, None
    yield from reader.parts_aside(fields)


def keep_aside(reader: Reader, fields: Row) -> dict[str, Any]:
    """The fields of an understood row that its record does not hold, or holds only in part."""
    return {name: fields[name] for name, _ in iterate_aside(reader, fields)}


def notices_aside(aside: Iterable[Aside]) -> list[tuple[str, dict[str, Any]]]:
    """What is said about them: a code, worded under `notice.<code>`, with its values."""
    unseen, in_part = {}, {}
    for name, part in aside:
        if part == "":
            in_part[name] = None
        else:
            unseen[name if part is None else f"{name}[].{part}"] = None
    told = (("fields_kept_aside", unseen), ("fields_held_in_part", in_part))
    return [(code, {"fields": ", ".join(names)[:200]}) for code, names in told if names]


def tags_of(reader: Reader, fields: Row) -> list[str]:
    """What a person's mapping reads as tags of a row; formats know none."""
    return reader.tags(fields) if isinstance(reader, Mapped) else []


def read_row(reader: Reader | None, row: RawRow) -> Iterator[Understood | Refused]:
    """What becomes of a row: one outcome, or one for each row within it. reader: None for rows without fields only."""
    if row.fields is None or reader is None:
        yield Refused(row, row.field, str(row.cause), row.values)
        return
    try:
        inner = reader.unfold(row.fields)
    except RowInvalid as problem:
        yield _refused(row, problem)
        return
    for fields in inner:
        try:
            yield Understood(row, fields, read_record(reader, fields))
        except RowInvalid as problem:
            # Of a row that holds several, only the one that was not understood is shown.
            yield _refused(row if len(inner) == 1 else row._replace(fields=fields, raw=None), problem)


def _refused(row: RawRow, problem: RowInvalid) -> Refused:
    values = dict(problem.values)
    values.pop("row")
    return Refused(row, values.pop("field"), values.pop("cause"), values)
