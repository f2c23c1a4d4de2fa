"""Exact duplicates: rows that say the same, and questions that are asked again with another answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

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
from studio.data.checks._folding import Keys, prompt_text, ticked, whole_text
from studio.words import Text

SAME_ROW, SAME_PROMPT = "same_row", "same_prompt"


def _pair(prompt: str, reply: str) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "completion": [{"role": "assistant", "content": reply}],
    }


class ExactDuplicates(Check):
    name = "exact_duplicates"
    title = Text("Exact duplicates", "完全な重複")
    summary = Text(
        "Rows with the same text, whatever its case, width and white space, and prompts that have several answers.",
        "大文字・小文字、全角・半角、空白の違いを除いて同じ文章の行と、複数の応答がある同じプロンプトを探します。",
    )
    severity = "warn"
    severities = {SAME_PROMPT: "info"}
    words = {
        SAME_ROW: Text("This row says the same as row {other_row}.", "{other_row} 行目と同じ内容です。"),
        SAME_PROMPT: Text(
            "Row {other_row} asks the same and has another answer.",
            "{other_row} 行目に同じ質問があり、応答が異なります。",
        ),
    }
    fixable = frozenset({SAME_ROW})
    example = CheckExample(
        rows=(
            example_row(1, _pair("Do you sell mugs?", "Yes, in two sizes.")),
            example_row(2, _pair("ＤＯ you  sell mugs?", "yes, in two sizes.\n")),
            example_row(3, _pair("Do you sell mugs?", "We do.")),
        ),
        findings=(Finding(SAME_ROW, {OTHER_ROW: 1}, 2), Finding(SAME_PROMPT, {OTHER_ROW: 1}, 3)),
        clean=(example_row(1, _pair("Do you sell mugs?", "Yes.")), example_row(2, _pair("Do you sell pens?", "Yes."))),
        fixed={2: None},
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        whole, prompts = Keys(), Keys()
        for row in ticked(rows(), context.tick):
            whole.add(row.row_id, whole_text(row.record))
            prompts.add(row.row_id, prompt_text(row.record))
        repeated: set[int] = set()
        for first, *others in whole.groups():
            repeated.update(others)
            for row_id in others:
                yield Finding(SAME_ROW, {OTHER_ROW: first}, row_id)
        for group in prompts.groups():
            first, *others = group
            for row_id in others:
                if row_id not in repeated:
                    yield Finding(SAME_PROMPT, {OTHER_ROW: first}, row_id)

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        return None


PLUG = ExactDuplicates()
