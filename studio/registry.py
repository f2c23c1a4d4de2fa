"""Plugs: everything that comes in several kinds is one file and one registry line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar

from studio.words import Text


class Plug(Protocol):
    """What every plug carries: its name (= its file's name), its words, and a worked example that is also its test."""

    name: str
    title: Text
    summary: Text
    example: Any


P = TypeVar("P", bound=Plug)


class Registry(Generic[P]):
    """The plugs of one kind, in the order they are offered.

    kind: singular name. package: where the files are; each holds one `PLUG`. A file is imported when first asked for.
    """

    def __init__(self, kind: str, package: str, names: tuple[str, ...]) -> None:
        self.kind = kind
        self.package = package
        self.names = names

    def __iter__(self) -> Iterator[P]:
        return (self[name] for name in self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> P:
        """Raises KeyError for a name that no line registers."""
        if name not in self.names:
            raise KeyError(f"no {self.kind} is called {name!r}")
        return _load(self.package, name)


@cache
def _load(package: str, name: str) -> Any:
    return import_module(f"{package}.{name}").PLUG
