"""Containers: plugs that turn a file's bytes into raw rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from studio.registry import Registry
from studio.words import Text

if TYPE_CHECKING:
    from studio.data.files import Head, Source
    from studio.data.rows import Guess, RawRow


@dataclass(frozen=True)
class ContainerExample:
    """A small file and the rows in it. content: None where it is no text (the test writes it from `rows`)."""

    file_name: str
    content: bytes | None
    rows: tuple[dict[str, Any], ...]


class Container(Protocol):
    """One kind of file. choices: what a person may choose about reading it, by name, in the order it is guessed."""

    name: str
    title: Text
    summary: Text
    example: ContainerExample
    choices: tuple[str, ...]

    def guess(self, head: Head) -> Guess:
        """How surely a file is of this kind, by its start and its name. Its value is this plug's name."""

    def guess_choice(self, name: str, head: Head, source: Source) -> Guess:
        """One of `choices`, `among` naming what else could be chosen. Those before it stand in `source.choices`."""

    def read(self, source: Source) -> Iterator[RawRow]:
        """Every row, understood or refused; a row is never skipped. Raises FileUnreadable for the whole file."""


CONTAINERS: Registry[Container] = Registry(
    "container", "studio.data.containers", ("jsonl", "json", "csv", "text", "xlsx", "parquet")
)
