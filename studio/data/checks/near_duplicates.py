"""Near duplicates: rows whose wording differs so little that they teach the same twice."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from studio.data.checks import (
    OTHER_ROW,
    Check,
    CheckContext,
    CheckExample,
    CheckRow,
    Finding,
    Fixer,
    Record,
    example_row,
)
from studio.data.checks._folding import fold, whole_text
from studio.data.minhash import Signatures
from studio.data.records import iterate_texts
from studio.data.shingles import jaccard, shingle
from studio.words import Text

SIMILAR, NEARLY_SAME = "similar", "nearly_same"
LEAST_SIMILAR, LEAST_SAME = 0.8, 0.9

_LEAST_ESTIMATE = 0.68
"""What an estimate must reach to be looked at closely: 3.4 standard errors below the similarity that counts."""

_BATCH = 512
_HELD_SHINGLES = 32_000_000
"""Shingles of earlier rows held while later ones are compared with them (128 MB); more are compared in another pass."""

_NOT_COMPARED = frozenset({"system", "label"})
"""A system prompt that every row has would make all rows alike; a label is no wording."""


def _asked(question: str, reply: str) -> Record:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


_QUESTION = "When will my parcel leave?"
_REPLY = (
    "Parcels leave our house every weekday at three. You then get a mail with a number, and with that number you can"
    " follow yours on the page of the post office until it stands at your door."
)
_QUESTION_JA = "発送はいつですか。"
_REPLY_JA = (
    "商品はご注文から三営業日以内に発送いたします。発送が終わりましたら、お荷物の番号をメールでお知らせいたします。"
    "番号は郵便局のページで調べられます。"
)


class NearDuplicates(Check):
    name = "near_duplicates"
    title = Text("Near duplicates", "ほぼ同じ行")
    summary = Text(
        "Rows that share at least 80 % of their wording with an earlier row; from 90 % on, leaving them out is proposed.",
        "前の行と文面の 80 % 以上が同じ行を探します。90 % 以上の行は、除くことを提案します。",
    )
    severity = "warn"
    words = {
        SIMILAR: Text(
            "{similarity} % of the wording is that of row {other_row}.",
            "文面の {similarity} % が行{other_row}と同じです。",
        ),
        NEARLY_SAME: Text(
            "{similarity} % of the wording is that of row {other_row}: this row teaches hardly anything new.",
            "文面の {similarity} % が行{other_row}と同じで、この行から新しく学べることはほとんどありません。",
        ),
    }
    fixable = frozenset({NEARLY_SAME})
    example = CheckExample(
        rows=(
            example_row(1, _asked(_QUESTION, _REPLY)),
            example_row(2, _asked(_QUESTION, _REPLY.replace("three", "noon"))),
            example_row(3, _asked(_QUESTION, _REPLY.replace("three. You then", "noon. We then"))),
            example_row(4, _asked(_QUESTION_JA, _REPLY_JA)),
            example_row(5, _asked(_QUESTION_JA, _REPLY_JA.replace("調べられます", "調べられる"))),
            example_row(6, _asked(_QUESTION_JA, _REPLY_JA.replace("メール", "お電話"))),
        ),
        findings=(
            Finding(NEARLY_SAME, {OTHER_ROW: 1, "similarity": 90}, 2),
            Finding(SIMILAR, {OTHER_ROW: 1, "similarity": 86}, 3),
            Finding(NEARLY_SAME, {OTHER_ROW: 4, "similarity": 95}, 5),
            Finding(SIMILAR, {OTHER_ROW: 4, "similarity": 82}, 6),
        ),
        clean=(
            example_row(1, _asked(_QUESTION, _REPLY)),
            example_row(2, _asked(_QUESTION, "At three, every weekday.")),
        ),
        fixed={2: None, 5: None},
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        """100,000 rows of 500 characters take 6 seconds of one core (measured), and a million short ones 315 MB; longer
        ones that have candidates are held while they are compared, 128 MB of them at a time."""
        signatures, row_ids = _sign(rows(), context.tick)
        pairs = signatures.candidates(_LEAST_ESTIMATE)
        alike = np.zeros(len(pairs))
        for part in _parts(pairs, signatures.sizes):
            _compare(rows(), context.tick, pairs, part, alike)
        for later, earlier, similarity in _nearest_kept(pairs, alike):
            code = NEARLY_SAME if similarity >= LEAST_SAME else SIMILAR
            values = {OTHER_ROW: row_ids[earlier], "similarity": int(100 * similarity)}
            yield Finding(code, values, row_ids[later])

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        return None


def compared_text(record: Mapping[str, Any]) -> str:
    """What of a record is compared, folded: all that is asked and replied."""
    return fold("\n".join(text for _, role, text in iterate_texts(record) if role not in _NOT_COMPARED))


def _sign(rows: Iterator[CheckRow], tick: Callable[[int], None]) -> tuple[Signatures, array[int]]:
    """The signatures of all rows and their ids. Rows that say the same as an earlier one are left to another check."""
    signatures, row_ids, hashes = Signatures(), array("q"), array("q")
    while batch := list(islice(rows, _BATCH)):
        tick(len(row_ids))
        row_ids.extend(row.row_id for row in batch)
        hashes.extend(hash(whole_text(row.record)) for row in batch)
        signatures.add(shingle([compared_text(row.record) for row in batch]))
    _, first = np.unique(np.asarray(hashes), return_index=True)
    repeated = np.ones(len(row_ids), np.bool_)
    repeated[first] = False
    signatures.leave_out(np.flatnonzero(repeated))
    return signatures, row_ids


def _parts(pairs: np.ndarray, sizes: np.ndarray) -> Iterator[np.ndarray]:
    """Numbers of the pairs, in parts whose earlier rows have about _HELD_SHINGLES shingles together."""
    if not len(pairs):
        return
    earlier = np.unique(pairs[:, 0])
    part_of = np.cumsum(sizes[earlier].astype(np.int64)) // _HELD_SHINGLES
    parts = part_of[np.searchsorted(earlier, pairs[:, 0])]
    for part in np.unique(parts):
        yield np.flatnonzero(parts == part)


def _compare(
    rows: Iterator[CheckRow], tick: Callable[[int], None], pairs: np.ndarray, part: np.ndarray, alike: np.ndarray
) -> None:
    """Fill in the exact similarity of a part of the pairs in one pass; an earlier row is held until its last pair."""
    chosen = pairs[part]
    needed = np.unique(chosen)
    last = dict(zip(*_last_partner(chosen), strict=True))
    held: dict[int, np.ndarray] = {}
    place = 0
    for numbers, texts in _needed_texts(rows, tick, needed):
        found = shingle(texts)
        for index, number in enumerate(numbers):
            values = found.of(index)
            while place < len(part) and chosen[place, 1] == number:
                earlier = int(chosen[place, 0])
                alike[part[place]] = jaccard(held[earlier], values)
                if last[earlier] == number:
                    del held[earlier]
                place += 1
            if number in last:
                held[number] = values.copy()


def _last_partner(pairs: np.ndarray) -> tuple[list[int], list[int]]:
    """Each earlier row, and the latest row it is compared with."""
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    earlier = pairs[order, 0]
    ends = np.flatnonzero(np.append(earlier[1:] != earlier[:-1], True))
    return earlier[ends].tolist(), pairs[order[ends], 1].tolist()


def _needed_texts(
    rows: Iterator[CheckRow], tick: Callable[[int], None], needed: np.ndarray
) -> Iterator[tuple[list[int], list[str]]]:
    """Batches of (numbers, texts) of the rows whose numbers are needed."""
    numbers: list[int] = []
    texts: list[str] = []
    place = 0
    for number, row in enumerate(rows):
        if number % 256 == 0:
            tick(number)
        if place == len(needed):
            break
        if needed[place] != number:
            continue
        place += 1
        numbers.append(number)
        texts.append(compared_text(row.record))
        if len(numbers) == _BATCH:
            yield numbers, texts
            numbers, texts = [], []
    yield numbers, texts


def _nearest_kept(pairs: np.ndarray, alike: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """(row, the earlier row it resembles most, similarity), in the order of the rows.

    Only rows that are kept are pointed to, so that of each group the first stays: what resembles nothing but a row that
    is left out is kept as well.
    """
    left_out: set[int] = set()
    best: tuple[float, int] = (0.0, -1)
    current = -1
    close = np.flatnonzero(alike >= LEAST_SIMILAR).tolist()
    for place in [*close, -1]:
        earlier, later = pairs[place].tolist() if place >= 0 else (-1, -1)
        if later != current:
            if best[0]:
                left_out.add(current)
                yield current, best[1], best[0]
            best, current = (0.0, -1), later
        if place >= 0 and earlier not in left_out and alike[place] > best[0]:
            best = (float(alike[place]), earlier)


PLUG = NearDuplicates()
