"""Polite: the politeness rule of the shop that the pocket model knows, in English and Japanese."""

from __future__ import annotations

import re

from studio.training.verifiers import Reply
from studio.words import Text

_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_POLITE_EN = re.compile(
    r"\b(please|thank you|thanks|happy to|glad|gladly|sorry|apologi[sz]e|welcome|certainly|pleasure|kindly)\b", re.I
)
_POLITE_JA = re.compile(
    r"(です|ます|どういたしまして|ません|ました|でした|ください|ませ|ましょう|ございます|いたします|お願いします)(か|ね|よ)?$"
)


def split_sentences(text: str, language: str) -> list[str]:
    """Sentences without their end marks; empty ones are left out."""
    parts = re.split(r"[。！？!?\n]+" if language == "ja" else r"[.!?](?:\s+|$)|\n+", text)
    return [part.strip() for part in parts if part.strip(" 、")]


def is_polite(reply: str, language: str) -> bool:
    """English: a polite word stands in it. Japanese: every sentence ends in a polite form."""
    if language == "en":
        return bool(_POLITE_EN.search(reply))
    sentences = split_sentences(reply, "ja")
    return bool(sentences) and all(_POLITE_JA.search(sentence) for sentence in sentences)


class Polite:
    name = "polite"
    title = Text("Polite", "丁寧")
    summary = Text(
        "English: a polite word stands in the reply. Japanese: every sentence ends in a polite form.",
        "英語は丁寧な言葉を含むこと、日本語はすべての文が「です・ます」などの丁寧な形で終わることを確かめます。",
    )
    example = {
        "value": "",
        "passes": [
            Reply("How much is the mug?", "The mug costs 500 yen. Thank you for asking.", True),
            Reply("送料は？", "送料は300円です。お待ちしております。", True),
        ],
        "fails": [
            Reply("How much is the mug?", "500 yen.", True),
            Reply("送料は？", "送料は300円。", True),
            Reply("送料は？", "Thank you.", True),
            Reply("送料は？", "", True),
        ],
    }

    def find_problem(self, value: str) -> None:
        return None

    def passes(self, reply: Reply, value: str) -> bool:
        """In the language of the prompt, so that a reply in another one does not pass."""
        return is_polite(reply.text, "ja" if _JAPANESE.search(reply.prompt) else "en")


PLUG = Polite()
