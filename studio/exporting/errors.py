"""What can go wrong with an export after it was written: it does something else, or it cannot be loaded."""

from __future__ import annotations

from studio.errors import ModelError
from studio.words import say


class ExportMismatch(ModelError):
    """What was exported does not do what the adapter does. values: name, cause (a code worded under `mismatch.<cause>`,
    with its own values)."""

    def message(self, language: str) -> str:
        cause = say(language, f"mismatch.{self.values['cause']}", **self.values)
        return say(language, f"error.{self.code}.message", **self.values | {"cause": cause})


class ExportUnreadable(ModelError):
    """The process that reads an export back ended without an answer. values: name, exit_code, signal (name or None)."""
