"""Contains: a text stands in the reply."""

from __future__ import annotations

from studio.training.verifiers import Reply
from studio.words import Text


class Contains:
    name = "contains"
    title = Text("Contains a text", "文字列を含む")
    summary = Text(
        "The value stands in the reply, in capitals or not.",
        "指定した文字列が応答に含まれます。大文字と小文字は区別しません。",
    )
    example = {
        "value": "yen",
        "passes": [Reply("How much?", "500 Yen.", True)],
        "fails": [Reply("How much?", "Five hundred.", True), Reply("How much?", "", True)],
    }

    def find_problem(self, value: str) -> str | None:
        return None if value.strip() else "verifier_value_missing"

    def passes(self, reply: Reply, value: str) -> bool:
        return value.strip().casefold() in reply.text.casefold()


PLUG = Contains()
