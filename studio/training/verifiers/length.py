"""Length: the reply has so many characters."""

from __future__ import annotations

import re

from studio.training.verifiers import Reply
from studio.words import Text

_RANGE = re.compile(r"\s*(\d{0,6})\s*-\s*(\d{0,6})\s*")


class Length:
    name = "length"
    title = Text("Length", "長さ")
    summary = Text(
        "The reply has as many characters as the value says: 10-200, or -200 for at most, or 10- for at least.",
        "応答の文字数が指定した範囲に入ります。「10-200」のほか、上限だけなら「-200」、下限だけなら「10-」と書きます。",
    )
    example = {
        "value": "5-12",
        "passes": [Reply("How much?", "500 yen.", True)],
        "fails": [
            Reply("How much?", "500", True),
            Reply("How much?", "The mug costs 500 yen.", True),
            Reply("How much?", "", True),
        ],
    }

    def find_problem(self, value: str) -> str | None:
        if not value.strip():
            return "verifier_value_missing"
        found = _RANGE.fullmatch(value)
        if not found or not any(found.groups()):
            return "verifier_value_unreadable"
        least, most = _limits(value)
        return "verifier_value_unreadable" if least > most else None

    def passes(self, reply: Reply, value: str) -> bool:
        least, most = _limits(value)
        return max(least, 1) <= len(reply.text.strip()) <= most


def _limits(value: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(value)
    least, most = found.groups() if found else ("", "")
    return int(least or 0), int(most or 10**6)


PLUG = Length()
