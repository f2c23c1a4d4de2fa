"""Unpaired feedback as for KTO: a prompt, one reply, and whether the reply is good."""

from __future__ import annotations

from collections.abc import Sequence

from studio.data.fields import best_names, find_bool, find_name, invalid, share_where
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.data.turns import find_input, read_side, render_side, with_input
from studio.words import Text

_ASKED = ("prompt", "question", "instruction", "input")
_ANSWERED = ("completion", "response", "reply", "output", "answer", "solution")
_LABELS = ("label", "is_correct", "correct", "desirable", "is_good", "follow_all_instructions")
_PAIRS = tuple((asked, answered) for asked in _ASKED for answered in _ANSWERED)


class Unpaired(OneRecord):
    name = "unpaired"
    title = Text(en="Rated replies (KTO)", ja="良い・悪いの付いた応答（KTO）")
    summary = Text(
        en="prompt, completion and a label true or false: good replies and bad ones, each on its own.",
        ja="prompt、completion と、true または false の label。良い応答と悪い応答を 1 つずつ記します。",
    )
    example = FormatExample(
        row={"prompt": "Is the shop open today?", "completion": "Dunno.", "label": False},
        record={
            "prompt": [{"role": "user", "content": "Is the shop open today?"}],
            "completion": [{"role": "assistant", "content": "Dunno."}],
            "label": False,
        },
    )
    fields = frozenset({*_ASKED, *_ANSWERED, *_LABELS, "system"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        _, (asked, answered) = best_names(rows, _PAIRS)
        label = next((name for name in _LABELS if name in fields), _LABELS[0])
        share = share_where(
            rows,
            lambda row: row.get(asked) and row.get(answered) is not None and find_bool(row.get(label)) is not None,
        )
        values = {"fields": f"{asked}, {answered}, {label}", "share": round(100 * share)}
        return Guess(self.name, 0.96 * share, "format_fields", values)

    def names(self, row: Row) -> Sequence[str]:
        asked, answered = _asked_and_answered(row)
        more = find_input(row, asked) if asked == "instruction" else None
        return asked, answered, find_name(row, _LABELS) or _LABELS[0], "system", *([more] if more else [])

    def read(self, row: Row) -> Record:
        asked, answered, label, _, *more = self.names(row)
        prompt, completion = read_side(asked, row.get(asked), "user"), read_side(answered, row.get(answered))
        if more:
            prompt = with_input(prompt, row[more[0]])
        if system := row.get("system"):
            prompt.insert(0, {"role": "system", "content": system})
        if row.get(label) is None:
            raise invalid(label, "field_missing")
        is_good = find_bool(row[label])
        if is_good is None:
            raise invalid(label, "label_not_true_or_false")
        return {"prompt": prompt, "completion": completion, "label": is_good}

    def render(self, record: Record) -> Row:
        sides = {name: render_side(record[name]) for name in ("prompt", "completion")}
        return sides | {"label": record["label"]}


def _asked_and_answered(row: Row) -> tuple[str, str]:
    asked = find_name(row, _ASKED) or _ASKED[0]
    return asked, next((name for name in _ANSWERED if row.get(name) is not None and name != asked), _ANSWERED[0])


PLUG = Unpaired()
