"""Classification: a text with its label, or with all labels that apply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.data.fields import find_name, invalid, plain_text, read_text, share_where, with_json
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.words import Text

_TEXTS = ("text", "sentence", "utterance", "content", "review", "tweet")
_LABELS = ("label", "labels", "category", "categories", "intent", "intents", "class", "sentiment", "label_text")
_LONGEST_LABEL = 80


class Classification(OneRecord):
    name = "classification"
    title = Text(en="Classified texts", ja="ラベル付きテキスト")
    summary = Text(
        en="text with label or category, or with a list of labels or intents of which any number may apply.",
        ja="text と label または category。labels や intents のように、当てはまるものを並べたリストでもかまいません。",
    )
    example = FormatExample(
        row={"text": "Where is my card?", "label": "card_arrival"},
        record={"text": "Where is my card?", "label": "card_arrival"},
    )
    fields = frozenset({*_TEXTS, *_LABELS})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        text = next((name for name in _TEXTS if name in fields), _TEXTS[0])
        label = next((name for name in _LABELS if name in fields), _LABELS[0])
        share = share_where(rows, lambda row: type(row.get(text)) is str and _is_label(row.get(label)))
        distinct = {str(row.get(label)) for row in rows}
        # What is different in nearly every row is no class, but a title or another text.
        if len(rows) >= 20 and len(distinct) > 0.8 * len(rows) and not any(_listed(row.get(label)) for row in rows):
            share *= 0.4
        values = {"fields": f"{text}, {label}", "share": round(100 * share)}
        return Guess(self.name, 0.93 * share, "format_fields", values)

    def names(self, row: Row) -> Sequence[str]:
        there = [name for name in _LABELS if name in row]
        label = find_name(row, there) or (there or _LABELS)[0]
        return find_name(row, _TEXTS) or _TEXTS[0], label

    def read(self, row: Row) -> Record:
        said, field = self.names(row)
        text = read_text(row, said)
        if field not in row:
            return {"text": text, "label": []}  # of labels in a list, a row to which none applies often has no list
        labels = _listed(row[field], field)
        if labels is not None:
            return {"text": text, "label": [_read_label(field, label) for label in labels]}
        return {"text": text, "label": _read_label(field, row[field])}

    def render(self, record: Record) -> Row:
        return {"text": record["text"], "label": record["label"]}


def _listed(value: Any, field: str | None = None) -> list[Any] | None:
    found = with_json(value, field)
    return found if type(found) is list else None


def _is_label(value: Any) -> bool:
    labels = _listed(value)
    return all(
        type(label) in (int, bool) or (type(label) is str and 0 < len(label) <= _LONGEST_LABEL and "\n" not in label)
        for label in (labels if labels is not None else [value])
    )


def _read_label(field: str, value: Any) -> str:
    """Numbers of classes and yes or no are labels too, as they are written in JSON."""
    if value is None:
        raise invalid(field, "field_missing")
    label = plain_text(value)
    if label is None:
        raise invalid(field, "label_not_text")
    if not label.strip():
        raise invalid(field, "content_empty")
    return label.strip()


PLUG = Classification()
