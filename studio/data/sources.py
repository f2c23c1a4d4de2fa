"""How a file will be read: container, encoding and what else a container asks, guessed with reasons or chosen."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from studio.data.containers import CONTAINERS
from studio.data.containers.csv import DELIMITERS, QUOTINGS
from studio.data.containers.text import DIVISIONS
from studio.data.encodings import ENCODINGS, guess_encoding
from studio.data.files import Head, Source
from studio.data.headers import HEADERS
from studio.data.lines import open_text
from studio.data.packing import inner_name, is_workbook, list_members
from studio.data.rows import Guess, RawRow
from studio.errors import OptionsInvalid, StudioError

CHOICES: Mapping[str, tuple[str, ...] | None] = {
    "container": CONTAINERS.names,
    "encoding": ENCODINGS,
    "delimiter": DELIMITERS,
    "quoting": QUOTINGS,
    "header": HEADERS,
    "division": DIVISIONS,
    "sheet": None,
    "rows_under": None,
}
"""What a person may choose about reading a file, by name; None: what there is depends on the file (Guess.among)."""

PREVIEW_S = 0.25
_HEAD_BYTES = 256 * 1024
_PACKINGS = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"))
_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_OTHER_KINDS = (
    (b"\xd0\xcf\x11\xe0", "is_xls"),
    (b"\xfd7zXZ", "is_xz"),
    (b"\x28\xb5\x2f\xfd", "is_zstd"),
    (b"7z\xbc\xaf", "is_7z"),
    (b"%PDF", "is_pdf"),
    (b"SQLite format 3\0", "is_sqlite"),
    (b"ARROW1", "is_arrow"),
)
_STRANGE = re.compile("[\x01-\x08\x0b\x0e-\x1f]")
_BINARY = {"parquet": "is_parquet", "xlsx": "is_xlsx"}
_MEMBERS_LOOKED_AT = 20
"""Of an archive, before its first row; the others are looked at when they are reached."""


@dataclass(frozen=True)
class Plan:
    """What was decided about a file; `guesses` says why, by name: those of CHOICES that its container asks for.

    others: the further files of an archive, each read in its own way, after `source`. chosen: what a person chose.
    """

    source: Source
    container: str
    guesses: dict[str, Guess]
    chosen: Mapping[str, str] = field(default_factory=dict)
    others: tuple[Source, ...] = ()

    @property
    def notices(self) -> list[tuple[str, dict[str, Any]]]:
        """(code, values) that the readers met on the way; one list for all files of an archive."""
        return self.source.notices

    @property
    def total_rows(self) -> int | None:
        """How many rows there will be, where a container knows it from the start."""
        return None if self.others else self.source.total_rows

    def bytes_read(self) -> int:
        """How far reading has come in the file as it lies on the disk."""
        return max(source.bytes_read() for source in (self.source, *self.others))

    def size_bytes(self) -> int:
        return self.source.path.stat().st_size

    def rows(self) -> Iterator[RawRow]:
        """Every row of the file, those of an archive with the name of their file.

        Raises FileUnreadable and FileTooLarge where the file as a whole cannot be read.
        """
        for source in (self.source, *self.others):
            yield from self._rows_of(source, _planned(source, self.chosen, self.container))

    def _rows_of(self, source: Source, container: str) -> Iterator[RawRow]:
        try:
            rows = CONTAINERS[container].read(source)
            if source.packing == "zip":
                rows = (row._replace(file=source.inner_name) for row in rows)
            yield from rows
        except (StudioError, OSError, MemoryError):
            raise
        except Exception as problem:  # the readers' boundary: whatever a library raises on a strange file
            raise source.unreadable(
                "reader_failed", container=container, found=f"{type(problem).__name__}: {problem}"[:300]
            ) from problem


def plan_reading(
    path: Path,
    file_name: str,
    container: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    **details: str | None,
) -> Plan:
    """Look into a file and decide how to read it; what a person chose stands. details: the rest of CHOICES by name.

    Takes a moment, however large the file is. Raises FileUnreadable for an empty file and for kinds that are not read,
    FileTooLarge for an archive that says it unpacks too far, OptionsInvalid for an unknown choice.
    """
    given = {"container": container, "encoding": encoding, "delimiter": delimiter} | details
    if problems := check_choices(**given):
        raise OptionsInvalid(problems)
    chosen = {name: value for name, value in given.items() if value is not None}
    source, *others = _find_sources(path, file_name)
    guesses = _plan_source(source, chosen)
    plan = Plan(source, str(source.container), guesses, chosen, tuple(others))
    if source.packing:
        notice = "archive_files" if source.packing == "zip" else "unpacked"
        source.notices.insert(0, (notice, {"count": 1 + len(others), "name": source.inner_name}))
    for other in others[:_MEMBERS_LOOKED_AT]:
        _planned(other, chosen, plan.container)
    return plan


def preview_rows(plan: Plan, limit: int, within_s: float = PREVIEW_S) -> list[RawRow]:
    """The first rows of a file, at most `limit`, and `within_s` seconds after the first those that are there.

    The first may take its time: some readers load a library for it.

    The plan can be read afterwards as if nothing had been. Raises what reading raises.
    """
    sources = [replace(source, choices=dict(source.choices), notices=[]) for source in (plan.source, *plan.others)]
    rows = replace(plan, source=sources[0], others=tuple(sources[1:])).rows()
    until_s = None
    found = []
    for row in islice(rows, limit):
        found.append(row)
        until_s = until_s or time.monotonic() + within_s
        if time.monotonic() > until_s:
            break
    rows.close()
    return found


def check_choices(
    container: str | None, encoding: str | None, delimiter: str | None, **details: str | None
) -> list[dict[str, Any]]:
    """What cannot be chosen, as the problems of OptionsInvalid."""
    given = {"container": container, "encoding": encoding, "delimiter": delimiter} | details
    return [
        {"field": name, "code": "not_a_choice", "found": str(value)[:80]}
        for name, value in given.items()
        if value is not None and (name not in CHOICES or value not in (CHOICES[name] or (value,)))
    ]


def _find_sources(path: Path, file_name: str) -> list[Source]:
    """The file, or what is packed in it: one source for each file of an archive, with one list of notices for all."""
    with path.open("rb") as file:
        start = file.read(8)
        is_archive = start.startswith(_ZIP_MARKS) and not is_workbook(file, file_name)
    if is_archive:
        notices: list[tuple[str, dict[str, Any]]] = []
        return [
            Source(path, f"{file_name}: {shown}", shown, "zip", name, notices=notices)
            for name, shown in list_members(path, file_name)
        ]
    packing = next((name for mark, name in _PACKINGS if start.startswith(mark)), None)
    return [Source(path, file_name, inner_name(file_name, packing) if packing else file_name, packing)]


def _planned(source: Source, chosen: Mapping[str, str], container: str) -> str:
    """The container of a file of an archive. Raises FileUnreadable where it is another than the first file's."""
    if source.container is None:
        _plan_source(source, chosen)
        if source.container != container:
            titles = {name: CONTAINERS[name].title for name in (container, source.container)}
            raise source.unreadable("zip_kinds", first=titles[container].en, other=titles[source.container].en)
    return str(source.container)


def _plan_source(source: Source, chosen: Mapping[str, str]) -> dict[str, Guess]:
    """Decide how to read one file, and tell why."""
    with source.open() as file:
        data = file.read(_HEAD_BYTES)
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise source.unreadable("file_empty")
    guesses: dict[str, Guess] = {}
    container = chosen.get("container")
    marked = _guess_by_mark(source, data)
    if container in _BINARY or (marked is not None and container in (None, marked.value)):
        guesses["container"] = _chosen(container) if container else marked
        head = Head(source.inner_name, data, "", complete=len(data) < _HEAD_BYTES)
    elif marked is not None:
        raise source.unreadable(_BINARY[marked.value])
    else:
        guesses["encoding"] = _chosen(chosen["encoding"]) if "encoding" in chosen else guess_encoding(source.looks())
        source.encoding = guesses["encoding"].value
        head = _text_head(source, data, is_chosen=container is not None)
        guesses["container"] = _chosen(container) if container else _guess_container(head)
    source.container = guesses["container"].value
    for name in CONTAINERS[source.container].choices:
        guess = CONTAINERS[source.container].guess_choice(name, head, source)
        if name in chosen and chosen[name] not in guess.among:
            raise OptionsInvalid([{"field": name, "code": "not_a_choice", "found": chosen[name][:80]}])
        guesses[name] = replace(_chosen(chosen[name]), among=guess.among) if name in chosen else guess
        source.choices[name] = guesses[name].value
    return guesses


def _guess_by_mark(source: Source, data: bytes) -> Guess | None:
    """The container that a file's first bytes name. Raises FileUnreadable for kinds that are not read."""
    if data.startswith(b"PAR1"):
        return Guess("parquet", 1.0, "container_parquet_mark", {})
    if data.startswith(_ZIP_MARKS):
        with source.open_random() as file:
            if is_workbook(file, source.file_name):
                return Guess("xlsx", 1.0, "container_workbook", {})
        raise source.unreadable("packed_twice")
    if data.startswith(tuple(mark for mark, _ in _PACKINGS)):
        raise source.unreadable("packed_twice")
    if data[257:262] == b"ustar":
        raise source.unreadable("is_tar")
    for mark, cause in _OTHER_KINDS:
        if data.startswith(mark):
            raise source.unreadable(cause)
    return None


def _chosen(value: str) -> Guess:
    return Guess(value, 1.0, "chosen_by_person", {})


def _text_head(source: Source, data: bytes, is_chosen: bool) -> Head:
    """is_chosen: a person said what it is; then it is read as that, however it looks."""
    with open_text(source, newline="") as file:
        text = file.read(_HEAD_BYTES)
    strange = len(_STRANGE.findall(text))
    if not is_chosen and (strange * 20 > len(text) or text.count("\0") * 3 > len(text)):
        raise source.unreadable("not_text")
    return Head(source.inner_name, data, text, complete=len(data) < _HEAD_BYTES)


def _guess_container(head: Head) -> Guess:
    guesses = [plug.guess(head) for plug in CONTAINERS]
    return max(guesses, key=lambda guess: guess.confidence)
