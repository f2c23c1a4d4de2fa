"""Tasks whose answer a program can check: a question, and the answer alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from studio.data.fields import best_names, find_name, find_number, invalid, share_where
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.data.turns import read_side, render_side
from studio.words import Text

NUMBER, CHOICE, EXACT = "number", "choice", "exact"
_ASKED = ("question", "problem", "prompt", "input", "query")
_ANSWERED = ("answer", "final_answer", "target", "expected", "solution")
_TABLE = ("column 1", "column 2")
_PAIRS = (*((asked, answered) for asked in _ASKED for answered in _ANSWERED), _TABLE)
_WORKED = re.compile(r"\n####\s*([^\n]+?)\s*\Z")
"""GSM8K: the working, then four hashes and the number."""
_BOXED = re.compile(r"\\boxed\{([^{}]+)\}")
"""MATH: the answer stands in the last box."""
_CHOICE = re.compile(r"\(?[A-Z]\)?")


class Verifiable(OneRecord):
    name = "verifiable"
    title = Text(en="Tasks with an answer", ja="正解のある課題")
    summary = Text(
        en="question and answer, where a program can check the answer; of worked solutions the result after #### counts.",
        ja="question と answer で、答えをプログラムで確かめられるもの。途中式がある場合は #### の後の結果だけを使います。",
    )
    example = FormatExample(
        row={"question": "There are 3 + 6 pencils. How many?", "answer": "9"},
        record={
            "prompt": [{"role": "user", "content": "There are 3 + 6 pencils. How many?"}],
            "answer": "9",
            "verifier": NUMBER,
        },
    )
    fields = frozenset({*_ASKED, *_ANSWERED, *_TABLE, "system", "verifier"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share, pair = best_names(rows, _PAIRS)
        names = ", ".join(pair)
        answers = [row[pair[1]] for row in rows if row.get(pair[1]) is not None]
        numbers = share_where(answers, lambda answer: find_number(answer) is not None)
        choices = share_where(answers, lambda answer: type(answer) is str and _CHOICE.fullmatch(answer.strip()))
        if pair == _TABLE:
            is_pair = len(fields) == 2 and share_where(rows, lambda row: _is_asked(row.get(_TABLE[0]))) > 0.9
            share = share if is_pair else 0.0
        if "verifier" in fields and numbers + choices < 0.9 and pair != _TABLE:
            return Guess(self.name, 0.96 * share, "format_fields", {"fields": names, "share": round(100 * share)})
        if max(numbers, choices) >= 0.9:
            values = {"fields": names, "share": round(100 * max(numbers, choices))}
            return Guess(self.name, 0.94 * share, "format_short_answers", values)
        if pair == ("input", "target"):
            return Guess(self.name, 0.92 * share, "format_fields", {"fields": names, "share": round(100 * share)})
        # Worked or free answers teach more as completions: this is for a person to choose.
        return Guess(self.name, 0.3 * share, "format_fields", {"fields": names, "share": round(100 * share)})

    def names(self, row: Row) -> Sequence[str]:
        asked = find_name(row, (*_ASKED, _TABLE[0])) or _ASKED[0]
        return asked, find_name(row, (*_ANSWERED, _TABLE[1])) or _ANSWERED[0], "system", "verifier"

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        """Of a worked answer the record holds the result alone."""
        yield from super().parts_aside(row)
        _, answered, *_ = self.names(row)
        answer = row[answered]
        if type(answer) is str and find_answer(answered, answer) != answer.strip():
            yield answered, ""

    def read(self, row: Row) -> Record:
        asked, answered, *_ = self.names(row)
        prompt = read_side(asked, row.get(asked), "user")
        if system := row.get("system"):
            prompt.insert(0, {"role": "system", "content": system})
        answer = find_answer(answered, row.get(answered))
        return {"prompt": prompt, "answer": answer, "verifier": row.get("verifier") or choose_verifier(answer)}

    def render(self, record: Record) -> Row:
        row = {"prompt": render_side(record["prompt"])}
        return row | {"answer": record["answer"], "verifier": record["verifier"]}


def find_answer(field: str, value: Any) -> str:
    """The answer without the way to it: after ####, in the last box, else the whole. Raises RowInvalid."""
    if value is None:
        raise invalid(field, "field_missing")
    if type(value) in (int, float) and find_number(value) is not None:
        return str(int(value) if value == int(value) else value)
    if type(value) is bool:
        return str(value)
    if type(value) is not str:
        raise invalid(field, "content_not_text")
    if worked := _WORKED.search(value):
        return worked[1]
    if boxes := _BOXED.findall(value):
        return boxes[-1].strip()
    return value.strip()


def choose_verifier(answer: str) -> str:
    """The rule that fits an answer by its looks: a number, a letter of a choice, or the text as it is."""
    if find_number(answer) is not None:
        return NUMBER
    return CHOICE if _CHOICE.fullmatch(answer) else EXACT


def _is_asked(value: Any) -> bool:
    return type(value) is str and find_number(value) is None and len(value) > 8


PLUG = Verifiable()
