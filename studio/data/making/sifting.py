"""Which of the rows that were made are worth a person's look: not one that is there already, broken or out of scale."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz, process

from studio.data.checks import CHECKS, CheckContext, CheckRow
from studio.data.making.asking import Seed
from studio.data.records import check_record, record_kind

TOO_CLOSE = 0.85
"""A question whose letters agree to this share with one that is there says nothing new (rapidfuzz's ratio, 0..1)."""

SHORTEST, LONGEST = 0.25, 4.0
"""A reply may be this much shorter than the seeds' shortest and longer than their longest."""

LOOKED_AT = 20_000
"""Questions of the dataset that a new one is compared with, besides all that were made: 20,000 take about 20 ms."""

_CHECKS = ("garbled", "repetition", "boilerplate", "language_mix", "personal_data", "forbidden_words")


@dataclass(frozen=True)
class Sifted:
    """problems: [{"code", …values}], empty for a row worth a look. similarity: to the closest question, 0..1."""

    problems: list[dict[str, Any]]
    similarity: float


@dataclass
class Sieve:
    """known: the questions that are there. Grows by every question that passes, so that none is made twice.

    too_close: the similarity from which a question is left out; 1 where rows are meant to be alike, as a template's are.
    """

    seeds: Sequence[Seed]
    known: Iterable[str]
    forbidden: tuple[str, ...] = ()
    too_close: float = TOO_CLOSE
    _folded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._folded = [_fold(text) for _, text in zip(range(LOOKED_AT), self.known, strict=False)]
        self._folded += [_fold(seed.question) for seed in self.seeds]

    def sift(self, record: Mapping[str, Any], question: str, reply: str) -> Sifted:
        """reply, question: the record's own texts."""
        if problems := check_record(record):
            return Sifted([{"code": "unusable", "path": problems[0]["field"], "cause": problems[0]["code"]}], 0.0)
        folded = _fold(question)
        closest = process.extractOne(folded, self._folded, scorer=fuzz.ratio)
        similarity = closest[1] / 100 if closest else 0.0
        found = list(self._problems(record, question, reply, similarity))
        if not found:
            self._folded.append(folded)
        return Sifted(found, round(similarity, 3))

    def _problems(
        self, record: Mapping[str, Any], question: str, reply: str, similarity: float
    ) -> Iterable[dict[str, Any]]:
        if similarity >= self.too_close:
            yield {"code": "too_close", "share": round(100 * similarity)}
        if _fold(question) == _fold(reply):
            yield {"code": "echo"}
        lengths = [len(seed.reply) for seed in self.seeds]
        if lengths and not SHORTEST * min(lengths) <= len(reply) <= LONGEST * max(lengths):
            yield {"code": "out_of_scale", "characters": len(reply), "least": min(lengths), "most": max(lengths)}
        row = CheckRow(1, 1, str(record_kind(record)), dict(record), {}, "train")
        context = CheckContext(forbidden=self.forbidden)
        for name in (name for name in _CHECKS if name in CHECKS):
            found = next(iter(CHECKS[name].find(lambda: iter((row,)), context)), None)
            if found is not None:
                yield {"code": "check", "check": name}


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
