"""Imbalance: labels that are rare or outnumbered, and preferences that length or lists explain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, Record, example_row
from studio.data.checks._folding import ticked
from studio.data.intervals import wilson_interval
from studio.data.records import CLASSIFICATION, EXTRACTION, PREFERENCE, UNPAIRED
from studio.words import Text

RARE, OUTNUMBERED, SIDED, LENGTH, LISTS = "rare_label", "outnumbered", "one_sided", "length_bias", "list_bias"

_LEAST_ROWS = 30
_LEAST_OF_A_LABEL = 5
_MOST_TIMES = 20
_LEAST_SIDE = 0.2
_TOLERATED = 0.05
"""How far from one half the interval may stay on one side before a bias is told: a person can prefer a little length."""

_MOST_LABELS = 10_000
_LIST = re.compile(r"^\s{0,8}(?:[-*•・]|[0-9]{1,2}[.)]|#{1,4}) ", re.MULTILINE)


def _pair(chosen: str, rejected: str) -> Record:
    sides = {"chosen": chosen, "rejected": rejected}
    asked = {"prompt": [{"role": "user", "content": "Do you have mugs?"}]}
    return asked | {side: [{"role": "assistant", "content": text}] for side, text in sides.items()}


def _marked(label: bool) -> Record:
    asked = {"prompt": [{"role": "user", "content": "Do you have mugs?"}]}
    return asked | {"completion": [{"role": "assistant", "content": "Yes."}], "label": label}


_LONG_LIST = "Yes:\n- mugs in blue\n- mugs in white"


class Imbalance(Check):
    name = "imbalance"
    title = Text("Imbalance", "偏り")
    summary = Text(
        "Labels with too few rows or far fewer than others, good and bad replies in unequal numbers, and chosen replies"
        " that are mostly the longer ones or those with lists.",
        "行が少なすぎるラベルやほかより極端に少ないラベル、良い応答と悪い応答の数の偏り、選ばれた応答が長いものや箇条書きに偏って"
        "いないかを調べます。",
    )
    severity = "warn"
    severities = {OUTNUMBERED: "info"}
    words = {
        RARE: Text(
            "The label “{label}” has only {count} {count|row|rows}; with fewer than {least} it is hardly learned.",
            "ラベル「{label}」は {count} 行しかありません。{least} 行より少ないとほとんど学習されません。",
        ),
        OUTNUMBERED: Text(
            "“{most}” has {times} times the rows of “{fewest}” ({many} and {few}).",
            "「{most}」の行数は「{fewest}」の {times} 倍です（{many} 行と {few} 行）。",
        ),
        SIDED: Text(
            "{share} % of the replies are marked good ({good} of {rows}); the others are too few to learn from.",
            "応答の {share} % が「良い」と評価されています（{rows} 件中 {good} 件）。少ないほうから学べることが限られます。",
        ),
        LENGTH: Text(
            "The chosen reply is the longer one in {share} % of {rows} pairs (95 % interval {low} to {high} %): length"
            " alone may be learned.",
            "{rows} 組のうち {share} % で、選ばれた応答のほうが長くなっています（95 % 区間 {low}〜{high} %）。長さだけを"
            "学習するおそれがあります。",
        ),
        LISTS: Text(
            "Where one reply alone has a list or headings, it is chosen in {share} % of {rows} pairs (95 % interval"
            " {low} to {high} %): the form alone may be learned.",
            "片方の応答だけに箇条書きや見出しがある {rows} 組のうち、{share} % でそちらが選ばれています（95 % 区間 {low}〜{high} %）。"
            "形だけを学習するおそれがあります。",
        ),
    }
    kinds = frozenset({CLASSIFICATION, EXTRACTION, UNPAIRED, PREFERENCE})
    example = CheckExample(
        rows=(
            *(example_row(n, {"text": f"Row {n}", "label": "returns"}) for n in range(1, 61)),
            *(example_row(n, {"text": f"Row {n}", "label": "gifts"}) for n in range(61, 63)),
            *(example_row(n, _marked(n > 105)) for n in range(101, 141)),
            *(example_row(n, _pair(_LONG_LIST, "Yes.")) for n in range(201, 241)),
        ),
        findings=(
            Finding(RARE, {"label": "gifts", "count": 2, "least": _LEAST_OF_A_LABEL}),
            Finding(OUTNUMBERED, {"most": "returns", "fewest": "gifts", "times": 30, "many": 60, "few": 2}),
            Finding(SIDED, {"share": 88, "good": 35, "rows": 40}),
            Finding(LENGTH, {"share": 100, "rows": 40, "low": 91, "high": 100}),
            Finding(LISTS, {"share": 100, "rows": 40, "low": 91, "high": 100}),
        ),
        clean=(
            *(example_row(n, {"text": f"Row {n}", "label": "returns" if n % 2 else "gifts"}) for n in range(1, 61)),
            *(example_row(n, _marked(bool(n % 2))) for n in range(101, 141)),
            *(
                example_row(n, _pair("Yes.", _LONG_LIST) if n % 2 else _pair(_LONG_LIST, "Yes."))
                for n in range(201, 241)
            ),
        ),
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        """All findings are about the dataset as a whole. Fewer than 30 rows or pairs of a kind are not judged."""
        seen = _Seen()
        for row in ticked(rows(), context.tick):
            seen.add(row.kind, row.record)
        yield from seen.label_findings()
        good, bad = seen.marks[True], seen.marks[False]
        if good + bad >= _LEAST_ROWS and min(good, bad) < _LEAST_SIDE * (good + bad):
            share = round(100 * good / (good + bad))
            yield Finding(SIDED, {"share": share, "good": good, "rows": good + bad})
        for code, counts in ((LENGTH, seen.longer), (LISTS, seen.listed)):
            yield from _bias(code, counts[True], counts[False])


class _Seen:
    """What was counted so far: labels, good and bad, and pairs by whether the longer or the listed reply is chosen."""

    def __init__(self) -> None:
        self.labels: Counter[str] = Counter()
        self.marks: Counter[bool] = Counter()
        self.longer: Counter[bool] = Counter()
        self.listed: Counter[bool] = Counter()

    def add(self, kind: str, record: Mapping[str, Any]) -> None:
        if kind == UNPAIRED:
            self.marks[bool(record["label"])] += 1
        elif kind == PREFERENCE:
            chosen, rejected = _said(record["chosen"]), _said(record["rejected"])
            if len(chosen) != len(rejected):
                self.longer[len(chosen) > len(rejected)] += 1
            has_list, has_list_too = bool(_LIST.search(chosen)), bool(_LIST.search(rejected))
            if has_list != has_list_too:
                self.listed[has_list] += 1
        else:
            self._add_labels(record)

    def _add_labels(self, record: Mapping[str, Any]) -> None:
        label = record.get("label")
        found = (
            [label] if isinstance(label, str) else label or [entity["label"] for entity in record.get("entities", ())]
        )
        for name in found:
            # Where every row has a label of its own it is a text, and only the first are counted.
            if name in self.labels or len(self.labels) < _MOST_LABELS:
                self.labels[name] += 1

    def label_findings(self) -> Iterator[Finding]:
        if self.labels.total() < _LEAST_ROWS or 2 * len(self.labels) > self.labels.total():
            return
        for label, count in sorted(self.labels.items(), key=lambda item: (item[1], item[0])):
            if count < _LEAST_OF_A_LABEL:
                yield Finding(RARE, {"label": label[:80], "count": count, "least": _LEAST_OF_A_LABEL})
        (most, many), *_, (fewest, few) = [*self.labels.most_common(), *self.labels.most_common()[-1:]]
        if many >= _MOST_TIMES * few:
            times = {"times": round(many / few), "many": many, "few": few}
            yield Finding(OUTNUMBERED, {"most": most[:80], "fewest": fewest[:80]} | times)


def _bias(code: str, chosen: int, others: int) -> Iterator[Finding]:
    """A finding where Wilson's interval of the share leaves out one half by more than five points."""
    pairs = chosen + others
    if pairs < _LEAST_ROWS:
        return
    low, high = wilson_interval(chosen / pairs, pairs)
    if low > 0.5 + _TOLERATED or high < 0.5 - _TOLERATED:
        values = {
            "share": round(100 * chosen / pairs),
            "rows": pairs,
            "low": round(100 * low),
            "high": round(100 * high),
        }
        yield Finding(code, values)


def _said(messages: list[dict[str, Any]]) -> str:
    return "\n".join(message["content"] for message in messages if message["role"] == "assistant")


PLUG = Imbalance()
