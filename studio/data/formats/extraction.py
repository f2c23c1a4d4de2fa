"""Extraction: a text with the entities in it, each a span with a label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from studio.data.fields import find_name, invalid, read_text, share_where, with_json
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.words import Text

_ENTITIES = ("entities", "spans", "slots", "ner", "annotations", "label", "labels")
_STARTS, _ENDS = ("start", "start_offset", "begin", "start_char"), ("end", "end_offset", "end_char")
_SPANS = ("span", "offset", "offsets")
_LABELS = ("label", "type", "entity_group", "entity", "tag", "category")
_TEXTS = ("text", "name", "word", "surface")


class Extraction(OneRecord):
    name = "extraction"
    title = Text(en="Texts with entities", ja="エンティティ付きテキスト")
    summary = Text(
        en="text with entities, each with start, end (or a span) and a label; lists of [start, end, label] and slots too.",
        ja="text と entities。各エンティティは start と end（または span）、ラベルを持ちます。[start, end, label] のリストや slots も読めます。",
    )
    example = FormatExample(
        row={
            "text": "東京で田中さんに会った。",
            "entities": [
                {"name": "東京", "span": [0, 2], "type": "地名"},
                {"name": "田中", "span": [3, 5], "type": "人名"},
            ],
        },
        record={
            "text": "東京で田中さんに会った。",
            "entities": [
                {"start": 0, "end": 2, "label": "地名", "text": "東京"},
                {"start": 3, "end": 5, "label": "人名", "text": "田中"},
            ],
        },
    )
    fields = frozenset({"text", *_ENTITIES})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        field = next((name for name in _ENTITIES if any(_has_spans(row.get(name)) for row in rows)), None)
        if field is None:
            return Guess(self.name, 0.0, "format_fields", {"fields": "text, entities", "share": 0})
        share = share_where(rows, lambda row: row.get("text") and _is_listed(row.get(field)))
        values = {"fields": f"text, {field}", "share": round(100 * share)}
        return Guess(self.name, 0.95 * share, "format_fields", values)

    def names(self, row: Row) -> Sequence[str]:
        return "text", find_name(row, _ENTITIES) or _ENTITIES[0]

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        _, field = self.names(row)
        found = with_json(row[field])
        slots = [(one, ("label",)) for one in found.values()] if type(found) is dict else [(one, ()) for one in found]
        for one, hidden in slots:
            if type(one) is dict:
                read = _entity_names({name: value for name, value in one.items() if name not in hidden})
                yield from ((field, name) for name, value in one.items() if value is not None and name not in read)

    def read(self, row: Row) -> Record:
        text = read_text(row, "text")
        _, field = self.names(row)
        found = with_json(row.get(field), field)
        if type(found) is dict:
            found = [_named(field, name, slot) for name, slot in found.items()]
        if type(found) is not list:
            raise invalid(field, "entities_not_a_list")
        return {"text": text, "entities": [_entity(f"{field}[{at}]", text, one) for at, one in enumerate(found)]}

    def render(self, record: Record) -> Row:
        return {"text": record["text"], "entities": record["entities"]}


def _is_listed(value: Any) -> bool:
    return type(with_json(value)) in (list, dict)


def _has_spans(value: Any) -> bool:
    """Whether any entity of a row says where it is; a list of bare labels does not."""
    found = with_json(value)
    found = list(found.values()) if type(found) is dict else found
    return type(found) is list and any(
        (type(one) is dict and (find_name(one, _STARTS) or find_name(one, _SPANS)))
        or (type(one) is list and len(one) == 3 and type(one[0]) is int)
        for one in found
    )


def _named(field: str, name: str, slot: Any) -> dict[str, Any]:
    if type(slot) is not dict:
        raise invalid(f"{field}.{name}", "entity_unreadable")
    return slot | {"label": name}


def _entity_names(one: dict[str, Any]) -> tuple[str, ...]:
    """The keys of an entity's label and text, then of its span, or of its start and its end."""
    said = find_name(one, _LABELS) or _LABELS[0], find_name(one, _TEXTS) or _TEXTS[0]
    span = next((name for name in _SPANS if type(one.get(name)) is list and len(one[name]) == 2), None)
    return *said, *([span] if span else [find_name(one, _STARTS) or _STARTS[0], find_name(one, _ENDS) or _ENDS[0]])


def _entity(path: str, text: str, one: Any) -> dict[str, Any]:
    if type(one) is list and len(one) == 3:
        one = {"start": one[0], "end": one[1], "label": one[2]}
    if type(one) is not dict:
        raise invalid(path, "entity_unreadable")
    labelled, named, *places = _entity_names(one)
    start, end = one[places[0]] if len(places) == 1 else map(one.get, places)
    label = one.get(labelled)
    if type(start) is not int or type(end) is not int or label is None:
        raise invalid(path, "entity_unreadable")
    said = one.get(named)
    return {"start": start, "end": end, "label": label, "text": text[start:end] if said is None else said}


PLUG = Extraction()
