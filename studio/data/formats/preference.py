"""Preference: a prompt with a chosen and a rejected reply, written out or hidden in what both transcripts share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from studio.data.fields import best_names, find_number, invalid, with_json
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.data.turns import find_input, read_side, read_tools, render_side, split_shared, with_input
from studio.words import Text

_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant):[ \n]?")
_ASKED = ("prompt", "question", "instruction", "input", "query")
_SIDES = (("chosen", "rejected"), ("chosen_response", "rejected_response"), ("preferred", "dispreferred"))
_RATINGS = (
    ("chosen-rating", "rejected-rating"),
    ("chosen_rating", "rejected_rating"),
    ("score_chosen", "score_rejected"),
    ("chosen_score", "rejected_score"),
)
"""Argilla's, distilabel's and the hub's binarized names of what each reply was rated; the margin is the difference."""
_TURN_ROLES = {"Human": "user", "Assistant": "assistant"}


class Preference(OneRecord):
    name = "preference"
    title = Text(en="Preference pairs", ja="選好ペア")
    summary = Text(
        en="prompt, chosen and rejected as texts, transcripts or message lists; without a prompt, what chosen and rejected share is the prompt. Ratings give the margin.",
        ja="prompt、chosen、rejected の文字列、対話の書き起こし、またはメッセージのリスト。prompt がない場合は chosen と rejected の共通部分を prompt とします。評点の差を margin とします。",
    )
    example = FormatExample(
        row={"prompt": "Is the shop open today?", "chosen": "Yes, until six.", "rejected": "Dunno."},
        record={
            "prompt": [{"role": "user", "content": "Is the shop open today?"}],
            "chosen": [{"role": "assistant", "content": "Yes, until six."}],
            "rejected": [{"role": "assistant", "content": "Dunno."}],
        },
    )
    fields = frozenset(
        {*_ASKED, *(name for names in (*_SIDES, *_RATINGS) for name in names), "system", "margin", "tools"}
    )

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share, names = best_names(rows, _SIDES)
        values = {"fields": ", ".join(names), "share": round(100 * share)}
        return Guess(self.name, 0.97 * share, "format_fields", values)

    def names(self, row: Row) -> Sequence[str]:
        asked = _find_asked(row)
        more = find_input(row, asked) if asked == "instruction" else None
        rated = ("margin",) if find_number(row.get("margin")) is not None else _find_ratings(row)
        return *_find_sides(row), "system", "tools", *rated, *(name for name in (asked, more) if name)

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        """Of two ratings the record holds their difference; of a prompt beside whole talks theirs, where it is another."""
        yield from super().parts_aside(row)
        if (asked := _find_asked(row)) and _is_other_prompt(row, asked):
            yield asked, ""
        if find_number(row.get("margin")) is None:
            yield from ((name, "") for name in _find_ratings(row))

    def read(self, row: Row) -> Record:
        chosen, rejected = (_side(name, row.get(name)) for name in _find_sides(row))
        asked = _find_asked(row)
        if asked is None:
            prompt, chosen, rejected = split_shared(chosen, rejected)
        else:
            prompt = _prompt(asked, row[asked])
            if asked == "instruction" and (more := find_input(row, asked)):
                prompt = with_input(prompt, row[more])
            chosen, rejected = _without_prompt(prompt, chosen), _without_prompt(prompt, rejected)
            if chosen[:1] == rejected[:1] and chosen and chosen[0]["role"] in ("user", "system"):
                # Both hold the whole talk, and the prompt beside them was written in another way.
                prompt, chosen, rejected = split_shared(chosen, rejected)
        if system := row.get("system"):
            if prompt[0]["role"] != "system":
                prompt.insert(0, _turn("system", system))
            elif prompt[0]["content"] != system:
                raise invalid("system", "system_twice")
        record: Record = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
        if (margin := _find_margin(row)) is not None:
            record["margin"] = margin
        if tools := read_tools("tools", row.get("tools")):
            record["tools"] = tools
        return record

    def render(self, record: Record) -> Row:
        sides = {name: render_side(record[name]) for name in ("prompt", "chosen", "rejected")}
        if any(type(side) is not str for side in sides.values()):
            sides = {name: record[name] for name in sides}  # never a text beside a list: readers take both for one kind
        return sides | {name: record[name] for name in ("margin", "tools") if name in record}


def _turn(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def _prompt(field: str, value: Any) -> list[dict[str, Any]]:
    if type(value) is str and value.lstrip().startswith(("Human:", "Assistant:")):
        return [turn for turn in _transcript(value.strip()) if turn["content"]]
    return read_side(field, value, "user")


def _side(field: str, value: Any) -> list[dict[str, Any]]:
    if type(value) is str and value.lstrip().startswith(("Human:", "Assistant:")):
        return _transcript(value.strip())
    return read_side(field, value)


def _find_sides(row: Row) -> tuple[str, str]:
    for pair in _SIDES:
        if pair[0] in row or pair[1] in row:
            return pair
    return _SIDES[0]


def _find_asked(row: Row) -> str | None:
    return next((name for name in _ASKED if row.get(name) not in (None, "", [])), None)


def _is_other_prompt(row: Row, asked: str) -> bool:
    """Whether both sides hold the whole talk, and what it opens with is not what stands under the prompt."""
    sides = [with_json(row[name]) for name in _find_sides(row)]
    if any(type(side) is not list or len(side) < 2 for side in sides):
        return False
    said = {message["content"].strip() for message in read_side("chosen", sides[0])}
    return not said.issuperset(message["content"].strip() for message in _prompt(asked, row[asked]))


def _find_ratings(row: Row) -> tuple[str, ...]:
    """The fields of what both replies were rated; none where a row has not two such numbers."""
    for better, worse in _RATINGS:
        if find_number(row.get(better)) is not None and find_number(row.get(worse)) is not None:
            return better, worse
    return ()


def _find_margin(row: Row) -> float | int | None:
    """Given, or the difference of the ratings; None where a row has neither."""
    if (margin := find_number(row.get("margin"))) is not None:
        return margin
    ratings = [find_number(row[name]) for name in _find_ratings(row)]
    return round(ratings[0] - ratings[1], 6) if ratings else None


def _transcript(text: str) -> list[dict[str, Any]]:
    """Anthropic's HH: turns that open with a blank line and `Human:` or `Assistant:`."""
    pieces = _TURN.split(text)
    return [_turn(_TURN_ROLES[speaker], said.strip()) for speaker, said in zip(pieces[1::2], pieces[2::2], strict=True)]


def _without_prompt(prompt: list, side: list) -> list:
    """Some files repeat the prompt at the start of each reply."""
    return side[len(prompt) :] if len(side) > len(prompt) and side[: len(prompt)] == prompt else side


PLUG = Preference()
