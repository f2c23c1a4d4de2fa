"""HumanEval: the beginning of a program, and the tests that its completion has to pass."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from studio.data.fields import invalid, read_text, share_with
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.data.turns import read_side, render_side
from studio.words import Text

_VERIFIER = "unit_tests"
_CALL = re.compile(r"\n\ncheck\((\w+)\)\n\Z")


class UnitTests(OneRecord):
    name = "unit_tests"
    title = Text(en="Programs with tests (HumanEval)", ja="テスト付きプログラム（HumanEval）")
    summary = Text(
        en="prompt with test and entry_point: the tests are kept as the answer, and nothing is run at import.",
        ja="prompt と test、entry_point。テストを正解として保持し、取り込み時には何も実行しません。",
    )
    example = FormatExample(
        row={
            "prompt": "def double(x):\n",
            "test": "def check(candidate):\n    assert candidate(2) == 4",
            "entry_point": "double",
        },
        record={
            "prompt": [{"role": "user", "content": "def double(x):\n"}],
            "answer": "def check(candidate):\n    assert candidate(2) == 4\n\ncheck(double)\n",
            "verifier": _VERIFIER,
        },
    )
    fields = frozenset({"prompt", "test", "entry_point"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share = share_with(rows, "prompt", "test", "entry_point")
        values = {"fields": "prompt, test, entry_point", "share": round(100 * share)}
        return Guess(self.name, 0.98 * share, "format_fields", values)

    def names(self, row: Row) -> Collection[str]:
        return self.fields

    def read(self, row: Row) -> Record:
        test, name = read_text(row, "test"), read_text(row, "entry_point")
        answer = f"{test.strip()}\n\ncheck({name})\n"
        if not _CALL.search(answer):
            raise invalid("entry_point", "entry_point_no_name", found=name[:80])
        return {"prompt": read_side("prompt", row.get("prompt"), "user"), "answer": answer, "verifier": _VERIFIER}

    def render(self, record: Record) -> Row:
        """Raises RowInvalid for a task that is checked in another way."""
        call = _CALL.search(record["answer"])
        if record["verifier"] != _VERIFIER or call is None:
            raise invalid("verifier", "entry_point_no_name", found=record["verifier"])
        row = {"prompt": render_side(record["prompt"]), "test": record["answer"][: call.start()]}
        return row | {"entry_point": call[1]}


PLUG = UnitTests()
