"""How a file will be read: container, encoding and delimiter, guessed with reasons or chosen by a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from studio.data.containers import CONTAINERS
from studio.data.encodings import ENCODINGS, guess_encoding
from studio.data.lines import open_text
from studio.data.rows import Guess, RawRow
from studio.errors import FileUnreadable, OptionsInvalid, StudioError

DELIMITERS = (",", "\t", ";", "|")
_HEAD_BYTES = 256 * 1024
_OTHER_KINDS = (
    (b"PK\x03\x04", "is_zip"),
    (b"PK\x05\x06", "is_zip"),
    (b"\xd0\xcf\x11\xe0", "is_xls"),
    (b"\x1f\x8b", "is_gzip"),
    (b"BZh", "is_bzip2"),
    (b"\xfd7zXZ", "is_xz"),
    (b"\x28\xb5\x2f\xfd", "is_zstd"),
    (b"7z\xbc\xaf", "is_7z"),
    (b"%PDF", "is_pdf"),
    (b"SQLite format 3\0", "is_sqlite"),
    (b"ARROW1", "is_arrow"),
)


@dataclass(frozen=True)
class Head:
    """The start of a file, as the containers look at it. complete: the file ends within it."""

    file_name: str
    data: bytes
    text: str
    complete: bool

    @property
    def suffix(self) -> str:
        return Path(self.file_name).suffix.lower()


@dataclass
class Source:
    """A file that is being read. encoding, delimiter: None where the container has none.

    notices: (code, values) that a container met on the way, worded under `notice.<code>`.
    """

    path: Path
    file_name: str
    encoding: str = "utf-8"
    delimiter: str | None = None
    notices: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    total_rows: int | None = None
    _file: BinaryIO | None = None

    def open(self) -> BinaryIO:
        self._file = self.path.open("rb", buffering=1024 * 1024)
        return self._file

    def bytes_read(self) -> int:
        """How far reading has come, for the progress bar."""
        if self._file is None or self._file.closed:
            return self.path.stat().st_size
        return self._file.tell()

    def unreadable(self, cause: str, **values: Any) -> FileUnreadable:
        return FileUnreadable(file=self.file_name, row=values.pop("row", None), cause=cause, **values)


@dataclass(frozen=True)
class Plan:
    """What was decided about a file; `guesses` says why, by name: container, encoding, delimiter."""

    source: Source
    container: str
    guesses: dict[str, Guess]

    def rows(self) -> Iterator[RawRow]:
        """Every row of the file. Raises FileUnreadable where the file as a whole cannot be read."""
        try:
            yield from CONTAINERS[self.container].read(self.source)
        except (StudioError, OSError, MemoryError):
            raise
        except Exception as problem:  # the readers' boundary: whatever a library raises on a strange file
            raise self.source.unreadable(
                "reader_failed", container=self.container, found=f"{type(problem).__name__}: {problem}"[:300]
            ) from problem


def plan_reading(
    path: Path, file_name: str, container: str | None = None, encoding: str | None = None, delimiter: str | None = None
) -> Plan:
    """Look into a file and decide how to read it; what a person chose stands.

    Raises FileUnreadable for an empty file and for kinds that are not read, OptionsInvalid for an unknown choice.
    """
    if problems := check_choices(container, encoding, delimiter):
        raise OptionsInvalid(problems)
    source = Source(path, file_name)
    data = _read_head(path)
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise source.unreadable("file_empty")
    guesses: dict[str, Guess] = {}
    if container is None and data.startswith(b"PAR1"):
        guesses["container"] = Guess("parquet", 1.0, "container_parquet_mark", {})
        return Plan(source, "parquet", guesses)
    if container == "parquet":
        return Plan(source, "parquet", {"container": _chosen("parquet")})
    for mark, cause in _OTHER_KINDS:
        if data.startswith(mark):
            is_workbook = cause == "is_zip" and (file_name.lower().endswith(".xlsx") or b"xl/" in data)
            raise source.unreadable("is_xlsx" if is_workbook else cause)
    guesses["encoding"] = _chosen(encoding) if encoding else guess_encoding(path)
    source.encoding = guesses["encoding"].value
    head = _text_head(source, data, is_chosen=container is not None)
    guesses["container"] = _chosen(container) if container else _guess_container(head)
    plug = CONTAINERS[guesses["container"].value]
    if plug.delimited:
        guesses["delimiter"] = _chosen(delimiter) if delimiter else plug.guess_delimiter(head)
        source.delimiter = guesses["delimiter"].value
    return Plan(source, plug.name, guesses)


def _chosen(value: str) -> Guess:
    return Guess(value, 1.0, "chosen_by_person", {})


def check_choices(container: str | None, encoding: str | None, delimiter: str | None) -> list[dict[str, Any]]:
    """What cannot be chosen, as the problems of OptionsInvalid."""
    given = (
        ("container", container, CONTAINERS),
        ("encoding", encoding, ENCODINGS),
        ("delimiter", delimiter, DELIMITERS),
    )
    return [
        {"field": name, "code": "not_a_choice", "found": str(value)[:80]}
        for name, value, allowed in given
        if value is not None and value not in allowed
    ]


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _text_head(source: Source, data: bytes, is_chosen: bool) -> Head:
    """is_chosen: a person said what it is; then it is read as that, however it looks."""
    with open_text(source, newline="") as file:
        text = file.read(_HEAD_BYTES)
    sample = text[:4096]
    strange = sum(character < " " and character not in "\t\r\n\f\0" for character in sample)
    if not is_chosen and (strange * 20 > len(sample) or sample.count("\0") * 3 > len(sample)):
        raise source.unreadable("not_text")
    return Head(source.file_name, data, text, complete=len(data) < _HEAD_BYTES)


def _guess_container(head: Head) -> Guess:
    guesses = [plug.guess(head) for plug in CONTAINERS]
    return max(guesses, key=lambda guess: guess.confidence)
