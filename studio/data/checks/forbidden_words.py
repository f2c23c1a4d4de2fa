"""Forbidden words: a person's own list, found however the words are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, Record, example_row
from studio.data.checks._folding import fold, ticked
from studio.data.records import iterate_texts
from studio.words import Text

FORBIDDEN = "forbidden"

_TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_QUOTED = re.compile('["“「『](.*)["”」』]')
_LETTER = "[^\\W_぀-ヿ㐀-鿿豈-﫿]"
_SPACED = re.compile(_LETTER)
_NOT_AFTER, _NOT_BEFORE = f"(?<!{_LETTER})", f"(?!{_LETTER})"
_DEEPEST = 20


def _asked(question: str, reply: str) -> Record:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


class ForbiddenWords(Check):
    name = "forbidden_words"
    title = Text("Forbidden words", "禁止語")
    summary = Text(
        "Words of your own list, whatever their case, width and kana; a word in quotation marks only in the kana it is"
        " written in, words of an alphabet only as whole words.",
        "自分で登録した語を、大文字・小文字、全角・半角、ひらがな・カタカナの違いにかかわらず探します。「」で囲んだ語はかなの種類も"
        "区別し、英字の語は単語全体が一致したときだけ見つけます。",
    )
    severity = "warn"
    needs = "forbidden"
    uses = ("forbidden",)
    words = {
        FORBIDDEN: Text(
            "Holds the word {word} {count} {count|time|times}.", "禁止語 {word} が {count} 回使われています。"
        ),
    }
    example = CheckExample(
        rows=(
            example_row(1, _asked("He is an idiot, is he?", "We do not call anyone an ＩＤＩＯＴ here.")),
            example_row(2, _asked("馬鹿にしないでください。", "ばかにはしていません。この店はヤバイ。")),
        ),
        findings=(
            Finding(FORBIDDEN, {"word": "Idiot", "count": 2}, 1),
            Finding(FORBIDDEN, {"word": "バカ", "count": 1}, 2),
            Finding(FORBIDDEN, {"word": "「ヤバイ」", "count": 1}, 2),
        ),
        clean=(
            example_row(1, _asked("What is an idiotope?", "A part of an antibody.")),
            example_row(2, _asked("この道は夜だとやばいですか。", "明るいので大丈夫です。")),
        ),
        context=CheckContext(forbidden=("Idiot", "バカ", "「ヤバイ」", "  ")),
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        """One pass with one pattern of all words, the longest first."""
        finders = [found for is_exact in (False, True) if (found := _Words(context.forbidden, is_exact)).words]
        for row in ticked(rows(), context.tick):
            counts: dict[str, int] = {}
            for _, _, text in iterate_texts(row.record) if finders else ():
                for finder in finders:
                    finder.count(text, counts)
            for word, count in counts.items():
                yield Finding(FORBIDDEN, {"word": word, "count": count}, row.row_id)


class _Words:
    """The words of a list that are looked for in one way, and the one pattern that finds them.

    is_exact: those in quotation marks, which keep their kana; else those without.
    """

    def __init__(self, listed: Iterable[str], is_exact: bool) -> None:
        self._fold = fold if is_exact else folded_kana
        self.words: dict[str, str] = {}
        for word in listed:
            quoted = _QUOTED.fullmatch(word.strip())
            plain = quoted.group(1).strip() if quoted else word.strip()
            if plain and bool(quoted) == is_exact:
                self.words.setdefault(self._fold(plain), word.strip())
        self._pattern = _pattern(self.words)

    def count(self, text: str, counts: dict[str, int]) -> None:
        """Add how often each word is there, under the word as the list has it."""
        for match in self._pattern.finditer(self._fold(text)):
            word = self.words[match.group()]
            counts[word] = counts.get(word, 0) + 1


def folded_kana(text: str) -> str:
    """The text without differences of width, case, white space and kana."""
    return fold(text) if text.isascii() else fold(text).translate(_TO_HIRAGANA)


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, the longest first. Where one begins or ends with a letter of an alphabet no such letter may
    stand beside it; Japanese is written without spaces, so a word of it is found anywhere."""
    groups: dict[tuple[str, str], list[str]] = {}
    for word in words:
        ends = _NOT_AFTER if _SPACED.match(word[0]) else "", _NOT_BEFORE if _SPACED.match(word[-1]) else ""
        groups.setdefault(ends, []).append(word)
    return re.compile("|".join(f"{before}{_branches(group, 0)}{after}" for (before, after), group in groups.items()))


def _branches(words: list[str], depth: int) -> str:
    """The words by their common beginnings, so that a thousand of them cost no more than a few at each place."""
    common = _common_beginning(words)
    by_letter: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        if len(word) > len(common):
            rest = word[len(common) :]
            by_letter.setdefault(rest[0], []).append(rest)
    if depth < _DEEPEST:
        parts = [_branches(group, depth + 1) for group in by_letter.values()]
    else:
        parts = [re.escape(rest) for group in by_letter.values() for rest in group]
    # A word that is the beginning of others comes last: the longest is found.
    parts += [""] if common in words else []
    return re.escape(common) + (f"(?:{'|'.join(parts)})" if any(parts) else "")


def _common_beginning(words: list[str]) -> str:
    least, most = min(words), max(words)
    return least[: next((at for at, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), len(least))]


PLUG = ForbiddenWords()
