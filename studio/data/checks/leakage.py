"""Leakage: training rows that the evaluation asks about, here or in another dataset of the workspace."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.data.checks import (
    OTHER_DATASET,
    OTHER_NUMBER,
    OTHER_ROW,
    Check,
    CheckContext,
    CheckExample,
    CheckRow,
    Finding,
    Fixer,
    OtherDataset,
    Record,
    example_row,
)
from studio.data.checks._folding import Keys, prompt_text, ticked, whole_text
from studio.data.checks._grams import Grams, Named, Shared, asked_texts, learned_texts
from studio.data.splits import HELD_OUT
from studio.words import Text

EXACT, SAME_PROMPT, CONTAINED = "exact", "same_prompt", "contained"
OTHER_EXACT, OTHER_PROMPT, OTHER_CONTAINED = "other_exact", "other_prompt", "other_contained"

_STORY = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."


def _talk(question: str, reply: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


def _other() -> Iterator[CheckRow]:
    yield example_row(7, _talk("What is two and two?", "4"))
    yield example_row(8, _talk("What is two and three?", "5"))
    yield example_row(9, _talk("Who wrote " + _STORY, "I do not know."))


class Leakage(Check):
    name = "leakage"
    title = Text("Leakage into the evaluation", "評価データの混入")
    summary = Text(
        "Training rows whose text, prompt or long stretches of a prompt are held out too, and rows that are also in another dataset of the workspace.",
        "学習用の行と評価用の行で文章・プロンプト・プロンプトの長い部分が重なるもの、ワークスペースのほかのデータセットにもある行を探します。",
    )
    severity = "error"
    uses = ("compared",)
    severities = {SAME_PROMPT: "warn", OTHER_EXACT: "warn", OTHER_PROMPT: "warn", OTHER_CONTAINED: "warn"}
    words = {
        EXACT: Text(
            "This training row says the same as row {other_row}, which is held out.",
            "この学習用の行は、評価用の {other_row} 行目と同じ内容です。",
        ),
        SAME_PROMPT: Text(
            "Row {other_row}, which is held out, asks the same.",
            "評価用の {other_row} 行目に同じ質問があります。",
        ),
        CONTAINED: Text(
            "Row {other_row}, which is held out, asks in part the same: {share} % of the shorter text stands word for word in the other.",
            "評価用の {other_row} 行目の質問と重なっています。短いほうの文章の {share}%がそのままもう一方に含まれています。",
        ),
        OTHER_EXACT: Text("Row {number} of {dataset} says the same.", "{dataset} の {number} 行目と同じ内容です。"),
        OTHER_PROMPT: Text(
            "Row {number} of {dataset} asks the same.", "{dataset} の {number} 行目に同じ質問があります。"
        ),
        OTHER_CONTAINED: Text(
            "Row {number} of {dataset} asks in part the same: {share} % of the shorter text stands word for word in the other.",
            "{dataset} の {number} 行目の質問と重なっています。短いほうの文章の {share}%がそのままもう一方に含まれています。",
        ),
    }
    fixable = frozenset({EXACT, CONTAINED, OTHER_EXACT, OTHER_PROMPT, OTHER_CONTAINED})
    across = frozenset({EXACT, SAME_PROMPT, CONTAINED})
    elsewhere = frozenset({OTHER_EXACT, OTHER_PROMPT, OTHER_CONTAINED})
    example = CheckExample(
        rows=(
            example_row(1, _talk("Do you sell mugs?", "Yes.")),
            example_row(2, _talk("ＤＯ you sell mugs?", "Yes."), "held_out"),
            example_row(3, _talk("Do you sell mugs?", "We do.")),
            example_row(4, _talk(_STORY, "72 clips.")),
            example_row(5, _talk(_STORY + " How many did she sell?", "72 clips."), "held_out"),
            example_row(6, _talk("What is two and two?", "4")),
            example_row(7, _talk("What is two and three?", "Five.")),
        ),
        findings=(
            Finding(EXACT, {OTHER_ROW: 2}, 1),
            Finding(SAME_PROMPT, {OTHER_ROW: 2}, 3),
            Finding(CONTAINED, {OTHER_ROW: 5, "share": 100}, 4),
            Finding(OTHER_CONTAINED, {"dataset": "Sums", "number": 9, "share": 100}, 4),
            Finding(OTHER_CONTAINED, {"dataset": "Sums", "number": 9, "share": 80}, 5),
            Finding(OTHER_EXACT, {"dataset": "Sums", "number": 7}, 6),
            Finding(OTHER_PROMPT, {"dataset": "Sums", "number": 8}, 7),
        ),
        clean=(
            example_row(1, _talk("Do you sell mugs?", "Yes.")),
            example_row(2, _talk("Do you sell pens?", "Yes."), "held_out"),
        ),
        fixed={1: None, 4: None, 5: None, 6: None, 7: None},
        context=CheckContext(others=(OtherDataset("Sums", _other),)),
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        def read() -> Iterator[CheckRow]:
            return ticked(rows(), context.tick)

        own, held = _Texts(), set()
        for row in read():
            own.add(row.row_id, row.record)
            if row.split == HELD_OUT:
                held.add(row.row_id)
        if held:
            yield from _find_in_held_out(read, own, held)
        if context.others:
            yield from _find_in_others(read, own, context)

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        return None


class _Texts:
    """The whole texts and the prompts of rows, as keys."""

    def __init__(self) -> None:
        self.whole = Keys()
        self.prompts = Keys()

    def add(self, name: int, record: Record) -> None:
        self.whole.add(name, whole_text(record))
        self.prompts.add(name, prompt_text(record))


def _find_in_held_out(read: Callable[[], Iterator[CheckRow]], own: _Texts, held: set[int]) -> Iterator[Finding]:
    known: set[int] = set()
    for code, keys in ((EXACT, own.whole), (SAME_PROMPT, own.prompts)):
        for group in keys.groups():
            evaluated = next((row_id for row_id in group if row_id in held), None)
            for row_id in group if evaluated is not None else ():
                if row_id not in held and row_id not in known:
                    known.add(row_id)
                    yield Finding(code, {OTHER_ROW: evaluated}, row_id)
    index, places = Grams(), _Places()
    index.add(named for row in read() if row.row_id in held for named in places.add("", row))

    def trained(only: set[int] | None) -> Iterator[Named]:
        for row in read():
            if row.row_id not in held and row.row_id not in known and (only is None or row.row_id in only):
                yield row.row_id, learned_texts(row.record)

    for found in index.find(trained):
        evaluated = places.find(found.other)[1]
        yield Finding(CONTAINED, {OTHER_ROW: evaluated, "share": _percent(found)}, found.name)


def _find_in_others(read: Callable[[], Iterator[CheckRow]], own: _Texts, context: CheckContext) -> Iterator[Finding]:
    index, places = Grams(), _Places()
    known: set[int] = set()
    for other in context.others:
        texts = _Texts()

        def rows(other: OtherDataset = other, texts: _Texts = texts) -> Iterator[Named]:
            for row in ticked(other.iterate(), lambda _done: context.tick(0)):
                # Names of the other's rows are negative, so that both can lie in one group.
                texts.add(-row.row_id, row.record)
                yield from places.add(other.name, row)

        index.add(rows())
        for code, keys, theirs in (
            (OTHER_EXACT, own.whole, texts.whole),
            (OTHER_PROMPT, own.prompts, texts.prompts),
        ):
            yield from _find_equal(code, keys, theirs, other.name, known)

    def unknown(only: set[int] | None) -> Iterator[Named]:
        for row in read():
            if row.row_id not in known and (only is None or row.row_id in only):
                yield row.row_id, learned_texts(row.record)

    for found in index.find(unknown):
        dataset, number = places.find(found.other)
        values = {OTHER_DATASET: dataset, OTHER_NUMBER: number, "share": _percent(found)}
        yield Finding(OTHER_CONTAINED, values, found.name)


def _find_equal(code: str, own: Keys, theirs: Keys, name: str, known: set[int]) -> Iterator[Finding]:
    for group in own.groups(theirs):
        number = next((-one for one in group if one < 0), None)
        for row_id in group if number is not None else ():
            if row_id > 0 and row_id not in known:
                known.add(row_id)
                yield Finding(code, {OTHER_DATASET: name, OTHER_NUMBER: number}, row_id)


class _Places:
    """Numbers for the texts of several datasets: one after the other, so that a number leads back to its row."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._starts: list[int] = []
        self._row_ids = array("q")

    def add(self, name: str, row: CheckRow) -> Iterator[Named]:
        if not self._names or self._names[-1] != name:
            self._names.append(name)
            self._starts.append(len(self._row_ids))
        for text in asked_texts(row.record):
            self._row_ids.append(row.row_id)
            yield len(self._row_ids) - 1, [text]

    def find(self, number: int) -> tuple[str, int]:
        return self._names[bisect_right(self._starts, number) - 1], self._row_ids[number]


def _percent(found: Shared) -> int:
    return round(found.containment * 100)


PLUG = Leakage()
