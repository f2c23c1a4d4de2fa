"""The adapter as it was before training, put back for as long as something is measured with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Start:
    """A copy of the trained weights at the start; of an adapter that is new, the base alone is what it stands for."""

    def __init__(self, model: Any) -> None:
        self._kept = [(p, p.data.clone()) for p in model.parameters() if p.requires_grad]

    @contextmanager
    def restored(self) -> Iterator[None]:
        now = [parameter.data for parameter, _ in self._kept]
        for parameter, data in self._kept:
            parameter.data = data
        try:
            yield
        finally:
            for (parameter, _), data in zip(self._kept, now, strict=True):
                parameter.data = data

    def forget(self) -> None:
        """Give the memory back once nothing will be measured with it any more."""
        self._kept.clear()
