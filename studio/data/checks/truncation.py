"""Truncation: what the chosen base and maximum length cut off, and pairs that are the same after the cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.data.checks import (
    Check,
    CheckContext,
    CheckExample,
    CheckRow,
    Finding,
    Fixer,
    Lengths,
    Record,
    example_row,
)
from studio.data.checks._folding import ticked
from studio.data.kinds import PREFERENCE
from studio.words import Text

CUT, NOTHING_LEFT, SAME_WHEN_CUT = "cut", "nothing_left", "same_when_cut"

_TALK = {"messages": [{"role": "user", "content": "Tell me all."}, {"role": "assistant", "content": "All of it."}]}
_CHOICE = {
    "prompt": [{"role": "user", "content": "Tell me all."}],
    "chosen": [{"role": "assistant", "content": "All of it is told here."}],
    "rejected": [{"role": "assistant", "content": "All of it is told there."}],
}


class Truncation(Check):
    name = "truncation"
    title = Text("Cut at the maximum length", "最大長での切り詰め")
    summary = Text(
        "Rows that are longer than the chosen base model and maximum length allow, those that then teach nothing, and pairs that are the same after the cut.",
        "選んだベースモデルと最大長を超える行、切り詰めると何も学習されない行、切り詰めると同じになるペアを探します。",
    )
    severity = "error"
    uses = ("base", "max_length")
    severities = {CUT: "warn"}
    words = {
        CUT: Text(
            "{tokens} tokens, of which the last {over} are cut at {max_length}.",
            "{tokens} トークンのうち、最大長 {max_length} を超える最後の {over} トークンが切り捨てられます。",
        ),
        NOTHING_LEFT: Text(
            "{tokens} tokens, cut at {max_length}: of the reply nothing is left, so the row teaches nothing.",
            "{tokens} トークンあり、最大長 {max_length} で切ると応答が残らないため、何も学習されません。",
        ),
        SAME_WHEN_CUT: Text(
            "Cut at {max_length} tokens, both replies are the same: nothing can be learned from this pair.",
            "最大長 {max_length} トークンで切ると両方の応答が同じになり、このペアからは何も学習できません。",
        ),
    }
    needs = "lengths"
    fixable = frozenset({NOTHING_LEFT, SAME_WHEN_CUT})
    example = CheckExample(
        rows=(example_row(1, _TALK), example_row(2, _TALK), example_row(3, _CHOICE)),
        findings=(
            Finding(CUT, {"tokens": 70, "over": 6, "max_length": 64}, 1),
            Finding(NOTHING_LEFT, {"tokens": 90, "max_length": 64}, 2),
            Finding(SAME_WHEN_CUT, {"tokens": 80, "max_length": 64}, 3),
        ),
        clean=(example_row(4, _TALK),),
        fixed={2: None, 3: None},
        context=CheckContext(
            lengths={
                1: Lengths(70, 30, 40, 64),
                2: Lengths(90, 20, 70, 64),
                3: Lengths(80, 30, 64, 64),
                4: Lengths(64, 30, 34, 64),
            }
        ),
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        lengths = context.lengths or {}
        for row in ticked(rows(), context.tick):
            found = lengths.get(row.row_id)
            if found is None or found.tokens <= found.max_length:
                continue
            values = {"tokens": found.tokens, "max_length": found.max_length}
            if found.first is not None and found.first < found.max_length:
                yield Finding(CUT, values | {"over": found.tokens - found.max_length}, row.row_id)
            else:
                yield Finding(SAME_WHEN_CUT if row.kind == PREFERENCE else NOTHING_LEFT, values, row.row_id)

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        return None


PLUG = Truncation()
