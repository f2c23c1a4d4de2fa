"""Regular expression: a pattern is found in the reply."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from studio.training.verifiers import Reply
from studio.words import Text

LIMIT_S = 0.2
"""A pattern like (a+)+$ may look for hours; a sensible one is through a reply in microseconds."""


@contextmanager
def _limited() -> Iterator[None]:
    """In the main thread of a process alone, as a worker's job is: a signal breaks the search off."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Regex:
    name = "regex"
    title = Text("Matches a pattern", "正規表現に一致")
    summary = Text(
        "The value, a regular expression, is found in the reply.", "指定した正規表現が応答の中に見つかります。"
    )
    example = {
        "value": r"\d+ yen",
        "passes": [Reply("How much?", "It costs 500 yen.", True)],
        "fails": [Reply("How much?", "It costs yen.", True), Reply("How much?", "", True)],
    }

    def find_problem(self, value: str) -> str | None:
        if not value.strip():
            return "verifier_value_missing"
        try:
            re.compile(value)
        except (re.error, RecursionError, OverflowError):
            return "verifier_value_unreadable"
        return None

    def passes(self, reply: Reply, value: str) -> bool:
        if not reply.text.strip():
            return False
        with _limited():
            return re.search(value, reply.text) is not None


PLUG = Regex()
