"""Every check over rows that nobody would write: of every kind, huge, of one sign, with halves of letters."""

from __future__ import annotations

import time

import pytest

from studio.data.checks import CHECKS, CheckContext, Lengths, example_row
from studio.data.records import KINDS
from tests.contracts.test_checks import Placeholders

SIZE = 20_000
TEXTS = [
    unit * (SIZE // len(unit))
    for unit in (
        *(
            "a",
            "あ",
            "漢",
            "😀",
            "\ud800",
            "0",
            "-",
            " \n",
            ".",
            "a b ",
            "<",
            "{{",
            "[",
            "`",
            "```\n",
            "&amp;",
            "\u200b",
            "é",
        ),
        *(
            "縺ゅ",
            "Ã©",
            "@a.",
            "東京都",
            "I am an AI ",
            "\nUser:",
            "。",
            "word, ",
            "https://",
            "1-",
            "氏名：",
            "<|im_start|>",
        ),
    )
]


def records(text: str) -> dict[str, dict]:
    # A dataset's file holds no half of a letter; what is made in memory might.
    whole = text.replace("\ud800", "?")
    asked, told = [{"role": "user", "content": text}], [{"role": "assistant", "content": text}]
    return {
        "conversation": {"messages": asked + told},
        "prompt_completion": {"prompt": asked, "completion": told},
        "preference": {"prompt": asked, "chosen": told, "rejected": [{"role": "assistant", "content": text + "x"}]},
        "unpaired": {"prompt": asked, "completion": told, "label": True},
        "verifiable": {"prompt": asked, "answer": text, "verifier": "exact"},
        "document": {"text": text},
        "classification": {"text": text, "label": [whole, "b"]},
        "extraction": {
            "text": whole,
            "entities": [{"start": 0, "end": 1, "label": whole[:80], "text": whole[0]}],
        },
    }


def test_the_rows_are_of_every_kind():
    assert {example_row(1, record).kind for record in records("a").values()} == set(KINDS)


@pytest.mark.parametrize("name", CHECKS.names)
def test_a_check_survives_rows_that_nobody_would_write(name):
    """About ten million characters: at most two seconds of processor time for a million, and every fix that is offered."""
    check = CHECKS[name]
    rows = [example_row(number, record) for number, text in enumerate(TEXTS) for record in records(text).values()]
    rows = [type(row)(**vars(row) | {"row_id": number}) for number, row in enumerate(rows, 1)]
    rows = [row for row in rows if check.kinds is None or row.kind in check.kinds]
    lengths = {row.row_id: Lengths(10, 5, 5, 20) for row in rows}
    context = CheckContext(forbidden=("a", "馬鹿", ".*"), lengths=lengths)
    began = time.process_time()
    findings = list(check.find(lambda: iter(rows), context))
    seconds = time.process_time() - began
    print(f"{name}: {len(findings)} findings, {seconds:.1f} s for {2 * len(rows) * SIZE / 1e6:.0f} million characters")
    assert seconds < 2.0 * 2 * len(rows) * SIZE / 1e6
    by_id = {row.row_id: row.record for row in rows}
    offered = [finding for finding in findings if finding.row_id and finding.code in check.fixable]
    for finding in {(f.code, by_id[f.row_id].get("text", "")[:9]): f for f in offered}.values():
        fixed = check.fix(by_id[finding.row_id], finding.values, Placeholders())
        assert fixed is None or set(fixed) == set(by_id[finding.row_id])
