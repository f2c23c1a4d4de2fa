"""Comparisons: two replies and which of them was preferred, as Chatbot Arena and HelpSteer write them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from studio.data.fields import best_names, find_bool, find_name, find_number, invalid, share_where, with_json
from studio.data.formats import FormatExample, HoldsMessages, Record, Row
from studio.data.rows import Guess
from studio.data.turns import Message, read_messages, read_side, split_shared
from studio.words import Text

_ASKED = ("prompt", "context", "question", "instruction")
_SIDES = (
    ("response_a", "response_b"),
    ("conversation_a", "conversation_b"),
    ("response_1", "response_2"),
    ("response1", "response2"),
    ("answer_a", "answer_b"),
)
_WINNERS = ("winner", "preferred", "preference", "choice", "better")
_COLUMNS = ("winner_model_a", "winner_model_b", "winner_tie")
_STRENGTHS = ("preference_strength", "overall_preference")
"""HelpSteer2 and 3: from -3, the first is much better, to 3, the second is much better."""
_FIRST = frozenset({"a", "1", "model_a", "response_a", "response_1", "response1", "answer_a", "first", "left"})
_SECOND = frozenset({"b", "2", "model_b", "response_b", "response_2", "response2", "answer_b", "second", "right"})
_TIES = {"tie": True, "tie (bothbad)": False, "both_good": True, "both_bad": False, "bothbad": False}


class Comparison(HoldsMessages):
    name = "comparison"
    title = Text(en="Two replies and a winner", ja="2 つの応答と勝者")
    summary = Text(
        en="Two replies to a prompt with a winner (Chatbot Arena) or a strength (HelpSteer). A tie becomes two good replies, a tie of bad ones two bad ones.",
        ja="1 つのプロンプトへの 2 つの応答と、勝者（Chatbot Arena）または差の強さ（HelpSteer）。引き分けは良い応答 2 つ、両方とも悪い場合は悪い応答 2 つになります。",
    )
    example = FormatExample(
        row={
            "prompt": '["Is the shop open today?"]',
            "response_a": '["Dunno."]',
            "response_b": '["Yes, until six."]',
            "winner_model_a": 0,
            "winner_model_b": 1,
            "winner_tie": 0,
        },
        record={
            "prompt": [{"role": "user", "content": "Is the shop open today?"}],
            "chosen": [{"role": "assistant", "content": "Yes, until six."}],
            "rejected": [{"role": "assistant", "content": "Dunno."}],
        },
    )
    fields = frozenset({*_ASKED, *(name for pair in _SIDES for name in pair), *_WINNERS, *_COLUMNS, *_STRENGTHS})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share, names = best_names(rows, _SIDES)
        told = share_where(rows, lambda row: find_name(row, (*_WINNERS, *_COLUMNS, *_STRENGTHS)))
        values = {"fields": ", ".join(names), "share": round(100 * min(share, told))}
        return Guess(self.name, 0.97 * min(share, told), "format_fields", values)

    def unfold(self, row: Row) -> list[Row]:
        """Two rows for a tie, one for each reply; else the row."""
        sides = _find_sides(row)
        if len(sides) < 2 or _find_verdict(row) not in ("good", "bad"):
            return [row]
        return [{name: value for name, value in row.items() if name != other} for other in reversed(sides)]

    def names(self, row: Row) -> Sequence[str]:
        sides = _find_sides(row)
        is_whole = any(side.startswith("conversation") for side in sides)
        asked = () if is_whole else (find_name(row, _ASKED) or _ASKED[0],)
        return *sides, *asked, *_find_told(row)

    def read(self, row: Row) -> Record:
        sides, verdict = _find_sides(row), _find_verdict(row)
        if not sides:
            raise invalid(_SIDES[0][0], "field_missing")
        talks = [_talk(row, side) for side in sides]
        if verdict in ("good", "bad"):
            if len(talks) != 1:
                raise invalid("winner", "several_records", found=len(talks))
            prompt, reply = _split_last(*talks)
            return {"prompt": prompt, "completion": reply, "label": verdict == "good"}
        if len(talks) != 2:
            raise invalid("winner", "field_missing")
        chosen, rejected = talks if verdict == "first" else talks[::-1]
        prompt, chosen, rejected = split_shared(chosen, rejected)
        record: Record = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
        told = _find_told(row)
        if told[0] in _STRENGTHS and (strength := find_number(row[told[0]])):
            record["margin"] = abs(strength)
        return record

    def render(self, record: Record) -> Row:
        """Both talks whole, as Arena has them; a margin has no place in it."""
        prompt = record["prompt"]
        if "completion" in record:
            winner = "tie" if record["label"] else "tie (bothbad)"
            return {"conversation_a": [*prompt, *record["completion"]], "winner": winner}
        sides = {"conversation_a": [*prompt, *record["chosen"]], "conversation_b": [*prompt, *record["rejected"]]}
        return sides | {"winner": "model_a"}


def _find_sides(row: Row) -> list[str]:
    """The names of the replies that the row has: two, or one of a tie that was unfolded."""
    pair = max(_SIDES, key=lambda names: sum(row.get(name) is not None for name in names))
    return [name for name in pair if row.get(name) is not None]


def _find_told(row: Row) -> tuple[str, ...]:
    """The field that tells which reply won, or Arena's three columns."""
    strength = find_name(row, _STRENGTHS)
    if strength and find_number(row[strength]) is not None:
        return (strength,)
    if [find_bool(row.get(name)) for name in _COLUMNS].count(True) == 1:
        return _COLUMNS
    return (find_name(row, _WINNERS) or _WINNERS[0],)


def _find_verdict(row: Row) -> str:
    """first, second, good or bad (a tie of such replies). Raises RowInvalid where a row does not say."""
    field, *columns = _find_told(row)
    if field in _STRENGTHS:
        number = find_number(row[field]) or 0
        return "good" if number == 0 else "first" if number < 0 else "second"
    if columns:
        return ("first", "second", "good")[[find_bool(row.get(name)) for name in _COLUMNS].index(True)]
    if row.get(field) is None:
        raise invalid(field, "field_missing")
    said = str(row[field]).strip().lower()
    if said in _TIES:
        return "good" if _TIES[said] else "bad"
    if said not in _FIRST | _SECOND:
        raise invalid(field, "winner_unknown", found=said[:80])
    return "first" if said in _FIRST else "second"


def _talk(row: Row, side: str) -> list[Message]:
    """Prompt and reply as one talk. Arena's are lists of texts, one for each turn, as JSON."""
    found = with_json(row[side], side if side.startswith("conversation") else None)
    if side.startswith("conversation"):
        return read_messages(side, found)
    asked = find_name(row, _ASKED)
    if asked is None:
        raise invalid("prompt", "field_missing")
    questions = with_json(row[asked])
    if _are_texts(questions) and _are_texts(found):
        if len(questions) != len(found):
            raise invalid(side, "turns_not_in_pairs")
        pairs = zip_longest(questions, found)
        return [message for pair in pairs for message in _turns(*pair)]
    return [*read_side(asked, row[asked], "user"), *read_side(side, row[side])]


def _turns(question: str, reply: str) -> tuple[Message, Message]:
    return {"role": "user", "content": question}, {"role": "assistant", "content": reply}


def _are_texts(value: Any) -> bool:
    return type(value) is list and bool(value) and all(type(one) is str for one in value)


def _split_last(talk: list[Message]) -> tuple[list[Message], list[Message]]:
    """The prompt, and the reply that was rated: the last."""
    if len(talk) < 2:
        raise invalid("prompt", "prompt_missing")
    return talk[:-1], talk[-1:]


PLUG = Comparison()
