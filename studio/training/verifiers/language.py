"""Language: the reply is written in Japanese, or in English."""

from __future__ import annotations

import re

from studio.training.verifiers import Reply
from studio.words import Text

_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
MOST_LATIN = 0.5
"""Share of Latin letters up to which a text with kana or kanji is Japanese: names and units stand in it too."""


class Language:
    name = "language"
    title = Text("In a language", "言語")
    summary = Text(
        "The reply is written in the language of the value: ja or en.",
        "応答が指定した言語（ja または en）で書かれています。",
    )
    example = {
        "value": "ja",
        "passes": [Reply("How much?", "500円です。", True), Reply("送料は？", "USBの送料は300円です。", True)],
        "fails": [Reply("送料は？", "500 yen.", True), Reply("送料は？", "", True), Reply("送料は？", "42", True)],
    }

    def find_problem(self, value: str) -> str | None:
        if not value.strip():
            return "verifier_value_missing"
        return None if value.strip().lower() in ("ja", "en") else "verifier_value_unreadable"

    def passes(self, reply: Reply, value: str) -> bool:
        japanese, latin = len(_JAPANESE.findall(reply.text)), len(_LATIN.findall(reply.text))
        if value.strip().lower() == "en":
            return latin > 0 and japanese == 0
        return japanese > 0 and latin <= MOST_LATIN * (japanese + latin)


PLUG = Language()
