"""Asking a handler everything it wants to know, without knowing it: values are made up as it looks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

KINDS = ("text", "whole", "number", "object", "texts", "objects", "pairs", "wholes", "nothing")
MOST_TRIES = 40


class Shape:
    """Which kind of value each name wants, as far as was found out. Names below another are `columns.id`."""

    def __init__(self) -> None:
        self.kinds: dict[str, int] = {}
        self.last: str | None = None

    def kind(self, name: str) -> str:
        self.last = name
        return KINDS[self.kinds.setdefault(name, 0)]

    def learn(self) -> bool:
        """The value looked at last was of the wrong kind: try the next one. False when nothing is left to try."""
        for name in [self.last, *reversed(self.kinds)]:
            if name is not None and self.kinds[name] + 1 < len(KINDS):
                self.kinds[name] += 1
                return True
        return False


class Asked(dict):
    """An argument that holds whatever is looked for in it. text: stands wherever a text does. known: by name."""

    def __init__(
        self, shape: Shape, text: str, known: Mapping[str, Any] = MappingProxyType({}), within: str = ""
    ) -> None:
        super().__init__()
        self._shape, self._text, self._known, self._within = shape, text, known, within

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def get(self, name: str, default: Any = None) -> Any:
        path = f"{self._within}{name}"
        known = path if path in self._known else name
        value = self._known[known] if known in self._known else self._made(path)
        super().__setitem__(name, value)
        return value

    def _made(self, path: str) -> Any:
        below = partial(Asked, self._shape, self._text, self._known, f"{path}.")
        return {
            "text": lambda: self._text,
            "whole": lambda: 1,
            "number": lambda: 0.5,
            "object": below,
            "texts": lambda: [self._text],
            "objects": lambda: [below()],
            "pairs": lambda: [below(), below()],
            "wholes": lambda: [1],
            "nothing": lambda: None,
        }[self._shape.kind(path)]()


def iterate_answers(
    call: Callable[[Asked], dict[str, Any]], ids: list[str], known: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answers of a handler to each id: in every text at once, then with what is known filled in.

    call: answers {"ok": …} as the gate does; it is asked again with other kinds of values while it refuses the shape.
    """
    for asked_id in ids:
        for filled in ({}, known):
            shape = Shape()
            for _ in range(MOST_TRIES):
                answer = call(Asked(shape, asked_id, filled))
                yield asked_id, answer
                if answer.get("code") != "RequestRefused" or not shape.learn():
                    break
