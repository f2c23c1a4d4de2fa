"""Names of people, where a label says that they are: no list of names, and no guess from さん or 様 alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.data.personal.spans import Span

_JAPANESE = r"([一-鿿々ヶ]{1,4}[ ]?[一-鿿々ぁ-ゖァ-ヶー]{1,5}|[ァ-ヶー]{2,7}[ ・][ァ-ヶー]{2,7}|[ぁ-ゖー]{2,6}[ ][ぁ-ゖー]{2,6})"
_ENGLISH = r"([A-Z][a-z]{1,15}(?: [A-Z]\.)?[ ][A-Z][a-z]{1,15}(?: [A-Z][a-z]{1,15})?)"
_END = r"(?=[ ]?(?:様|さま|さん|氏|殿|です|と申|\(|\)|[、。,.;/|]|\n|\r|$))"
"""A colon is no end: 氏名：住所： is a form that nobody has filled in."""
_SURE_JA = re.compile(
    rf"(?:氏[ ]?名|お名前|ご氏名|患者名|お客様名|契約者名|受取人|差出人|フリガナ|ふりがな)[ ]?[:|][ ]?{_JAPANESE}{_END}"
)
_SURE_EN = re.compile(
    rf"(?:[Ff]ull|[Cc]ustomer|[Pp]atient|[Cc]lient|[Ee]mployee|[Cc]ontact|[Rr]ecipient|[Cc]ardholder)(?: |'s )[Nn]ame: ?{_ENGLISH}\b"
)
_UNSURE_JA = re.compile(rf"(?:名前|担当者?|宛名|私は|わたしは|名前は)[ ]?[:、]?[ ]?{_JAPANESE}{_END}")
_UNSURE_EN = re.compile(
    rf"(?:\b[Nn]ame: ?|\b[Mm]y name is |\bI am |\bI'm |\bDear |\bMr\. |\bMs\. |\bMrs\. ){_ENGLISH}\b"
)
_POLITE = re.compile("[ ]?(?:様|さま|さん|氏|殿)$")
_SAMPLES = frozenset({"山田太郎", "山田花子", "johndoe", "janedoe", "やまだたろう", "ヤマダタロウ"})
"""Names that forms are filled in with as an example: nobody's."""


def find_names(text: str) -> Iterator[Span]:
    """Behind labels that only a person's name follows: 氏名, お名前, Customer name."""
    if ":" in text or "|" in text:
        yield from _named(_SURE_JA, text)
        yield from _named(_SURE_EN, text)


def find_unsure_names(text: str) -> Iterator[Span]:
    """Behind words that other things follow as well: 名前, Name, My name is."""
    yield from _named(_UNSURE_JA, text)
    yield from _named(_UNSURE_EN, text)


def _named(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        name = _POLITE.sub("", match.group(1))
        value = "".join(name.split())
        if len(value) > 1 and value.lower().replace("・", "") not in _SAMPLES:
            yield Span("name", match.start(1), match.start(1) + len(name), value)
