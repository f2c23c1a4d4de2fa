"""Multiple choice: a question, its choices, and which of them is right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import Any

from studio.data.fields import find_name, find_number, invalid, plain_text, read_text, share_where, with_json
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.words import Text

_VERIFIER = "choice"
_ASKED = ("question", "input", "query", "column 1")
_ANSWERED = ("label", "answer", "answerKey", "answer_index", "correct", "target", "column 6")
_NUMBERED = tuple(f"choice{index}" for index in range(10))
_LETTERED = ("A", "B", "C", "D", "E")
_SETS = (
    _NUMBERED,
    tuple(f"option{number}" for number in range(1, 10)),
    tuple(f"option_{letter.lower()}" for letter in _LETTERED),
    _LETTERED,
)
_TABLE = tuple(f"column {number}" for number in range(1, 7))
"""MMLU without names: question, four choices, letter."""


class MultipleChoice(OneRecord):
    name = "multiple_choice"
    title = Text(en="Multiple choice", ja="選択式の問題")
    summary = Text(
        en="question with its choices (choice0, choice1 …, A to D, or a list) and the right one, by number or letter.",
        ja="question と選択肢（choice0、choice1…、A〜D、またはリスト）、番号または文字で示した正解。",
    )
    example = FormatExample(
        row={"question": "Which is a tea?", "choice0": "Sencha", "choice1": "Miso", "label": 0},
        record={
            "prompt": [{"role": "user", "content": "Which is a tea?\nA. Sencha\nB. Miso"}],
            "answer": "A",
            "verifier": _VERIFIER,
        },
    )
    fields = frozenset(
        {*_ASKED, *_ANSWERED, *_TABLE, "choices", "options", *(name for names in _SETS for name in names)}
    )

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        if list(fields) == list(_TABLE):
            share = share_where(rows, lambda row: str(row.get(_TABLE[-1])).strip() in _LETTERED)
            return Guess(self.name, 0.95 * share, "format_choices", {"fields": ", ".join(_TABLE[1:5])})
        share = share_where(rows, _has_choices)
        found = _choice_fields(rows[0]) if rows else ()
        names = ", ".join(found) or "choices"
        return Guess(self.name, 0.97 * share, "format_choices", {"fields": names[:120]})

    def names(self, row: Row) -> Sequence[str]:
        listed = _find_listed(row)
        choices = (listed,) if listed else _choice_fields(row)
        return find_name(row, _ASKED) or _ASKED[0], find_name(row, _ANSWERED) or _ANSWERED[0], *choices

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        """Of choices that are an object, their texts are read and their marks."""
        field = _find_listed(row)
        found = with_json(row[field]) if field else None
        if type(found) is dict:
            yield from ((str(field), key) for key in found if key not in ("text", "label"))

    def read(self, row: Row) -> Record:
        asked, answered, *_ = self.names(row)
        question = read_text(row, asked).strip()
        choices, marks, first = _read_choices(row)
        if row.get(answered) is None:
            raise invalid("answer", "field_missing")
        place = _find_place(row[answered], choices, marks, first)
        if place is None:
            raise invalid(answered, "choice_unknown", found=str(row[answered])[:80], choices=len(choices))
        lines = [question, *(f"{ascii_uppercase[at]}. {choice}" for at, choice in enumerate(choices))]
        return {
            "prompt": [{"role": "user", "content": "\n".join(lines)}],
            "answer": ascii_uppercase[place],
            "verifier": _VERIFIER,
        }

    def render(self, record: Record) -> Row:
        """Raises RowInvalid for a prompt that does not end with lettered choices."""
        (message,) = record["prompt"] if len(record["prompt"]) == 1 else (None,)
        parts = re.split(r"\n([A-Z])\. ", message["content"]) if message else []
        letters, choices = "".join(parts[1::2]), parts[2::2]
        if not 2 <= len(choices) <= len(_NUMBERED) or letters != ascii_uppercase[: len(letters)]:
            raise invalid("prompt", "choices_missing")
        named = dict(zip(_NUMBERED, choices, strict=False))
        return {"question": parts[0]} | named | {"label": ascii_uppercase.index(record["answer"])}


def _choice_fields(row: Row) -> tuple[str, ...]:
    """The names of a row's choices that stand in fields of their own, at least two."""
    for names in (*_SETS, _TABLE[1:5] if row.keys() >= set(_TABLE) else ()):
        if len(there := tuple(name for name in names if row.get(name) is not None)) > 1:
            return there
    return ()


def _has_choices(row: Row) -> bool:
    in_list = _find_listed(row)
    asked, answered = find_name(row, _ASKED[:-1]), find_name(row, _ANSWERED[:-1])
    return bool(asked and answered and (in_list or _choice_fields(row)))


def _find_listed(row: Row) -> str | None:
    """The field with the choices as a list, or as {"text": [], "label": []} of ARC and CommonsenseQA."""
    field = "choices" if row.get("choices") is not None else "options"
    found = with_json(row.get(field))
    return field if type(found) in (list, dict) and found else None


def _read_choices(row: Row) -> tuple[list[str], list[str], int]:
    """The choices, the marks they have in the file, and the number of the first. Raises RowInvalid."""
    field, first = _find_listed(row), 0
    listed = with_json(row[field], field) if field else None
    marks: list[Any] = []
    if type(listed) is dict:
        marks, listed = listed.get("label") or [], listed.get("text")
    if listed is None:
        names = _choice_fields(row)
        listed, first = [row[name] for name in names], 1 if names and names[0] == "option1" else 0
    if type(listed) is not list or not 2 <= len(listed) <= len(ascii_uppercase):
        raise invalid("choices", "choices_missing")
    choices = [(plain_text(choice) or "").strip() for choice in listed]
    if "" in choices:
        raise invalid(f"choices[{choices.index('')}]", "content_empty")
    return choices, [str(mark) for mark in marks] if type(marks) is list else [], first


def _find_place(answer: Any, choices: list[str], marks: list[str], first: int) -> int | None:
    """Which choice is meant: by its mark, its letter, its number from `first`, or its own words."""
    text = str(answer).strip()
    letter = text.strip("().").upper()
    number = find_number(answer)
    if text in marks and len(marks) == len(choices):
        return marks.index(text)
    if len(letter) == 1 and letter in ascii_uppercase[: len(choices)]:
        return ascii_uppercase.index(letter)
    if number is not None and number == int(number) and 0 <= number - first < len(choices):
        return int(number) - first
    return choices.index(text) if text in choices else None


PLUG = MultipleChoice()
