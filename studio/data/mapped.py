"""Rows read by a mapping: what stands in the columns is put into the roles of a record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from studio.data.fields import plain_text
from studio.data.formats import OneRecord, Record, Row, invalid
from studio.data.formats.verifiable import choose_verifier
from studio.data.kinds import (
    CLASSIFICATION,
    CONVERSATION,
    DOCUMENT,
    EXTRACTION,
    PREFERENCE,
    UNPAIRED,
    VERIFIABLE,
)
from studio.data.mapping import ASKS, LETTERS, NAME, SAID_NAMES, SPEAKER_NAMES, Fill, RowMapping
from studio.data.row_paths import MISSING, fill_places, find_value, places_of
from studio.data.selection import LONGEST_TAG
from studio.data.turns import ROLE_NAMES, read_messages, unread_keys
from studio.words import Text


class Mapped(OneRecord):
    """Reads rows by a mapping, as a format does."""

    name = NAME
    title = Text(en="Mapping of columns", ja="列の割り当て")

    def __init__(self, mapping: RowMapping) -> None:
        self.mapping = mapping
        # A column that is used in part goes with the row as a whole: nothing of it is lost.
        self.fields = frozenset(path for path in mapping.paths() if "." not in path and "[" not in path)
        self._read = _READERS[mapping.kind]

    def names(self, row: Row) -> Collection[str]:
        return self.fields

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        """Unknown keys of turns, messages and entities; and tags that were shortened, or are none."""
        for role, fill in self.mapping.roles.items():
            if (column := fill.column) in self.fields:
                value = row.get(str(column))
                parts = value if isinstance(value, list) else []
                if role == "turns":
                    keys = _unread(parts, lambda turn, fill=fill: _turn_names(fill, turn))
                else:
                    keys = _unread(parts, _entity_names) if role == "entities" else unread_keys(value)
                yield from ((str(column), key) for key in keys)
        for path in self.mapping.tags:
            value = row.get(path) if path in self.fields else None
            said = [plain_text(one) for one in _listed(value) if one is not None]
            if any(text is None or _tag(text) != text for text in said):
                yield path, ""

    def read(self, row: Row) -> Record:
        """Raises RowInvalid."""
        return self._read(_Cells(self.mapping, row))

    def tags(self, row: Row) -> list[str]:
        """The row's tags, each once, as `is_tag` has them; values that are no text or number make none."""
        found: dict[str, None] = {}
        for path in self.mapping.tags:
            value = find_value(row, path)
            for one in _listed(value):
                if tag := _tag(plain_text(one) or ""):
                    found[tag] = None
        return list(found)


class _Cells:
    """The values of one row by role."""

    def __init__(self, mapping: RowMapping, row: Row) -> None:
        self.mapping = mapping
        self.row = row

    def has(self, role: str) -> bool:
        return role in self.mapping.roles

    def value(self, role: str) -> Any:
        """As it stands in the column, or the role's text filled in. Raises RowInvalid where it is not there."""
        fill = self.mapping.roles[role]
        if fill.column is None:
            text = fill.text or ""
            return fill_places(text, {path: self._text_at(path) for path in places_of(text)})
        value = find_value(self.row, fill.column)
        if value is MISSING or value is None:
            raise invalid(fill.column, "field_missing")
        return value

    def text(self, role: str) -> str:
        """With the choices under it where the role asks, and the picked one where it answers."""
        fill = self.mapping.roles[role]
        text = self._said(fill, self.value(role))
        choices = self.mapping.choices
        if choices is None:
            return text
        if fill.picks:
            return self._picked(fill, text)
        if role == ASKS.get(self.mapping.kind, "prompt"):
            lines = [f"{choices.mark(index)}. {one}" for index, one in enumerate(self._choices())]
            return "\n".join([text, *lines])
        return text

    def texts(self, role: str) -> str | list[str]:
        """A text, or a list of them where the column holds a list."""
        fill = self.mapping.roles[role]
        value = self.value(role)
        return [self._said(fill, one) for one in value] if isinstance(value, list) else self.text(role)

    def messages(self, role: str, speaker: str) -> list[dict[str, Any]]:
        """One message, or those that the column holds as a list."""
        if self.mapping.roles[role].column and isinstance(value := self.value(role), list):
            return read_messages(str(self.mapping.roles[role].column), value)
        return [{"role": speaker, "content": self.text(role)}]

    def system(self) -> list[dict[str, Any]]:
        """Nothing where the row has no system text: it need not have one."""
        if not self.has("system"):
            return []
        fill = self.mapping.roles["system"]
        if fill.column and find_value(self.row, fill.column) in (MISSING, None, ""):
            return []
        return [{"role": "system", "content": self.text("system")}]

    def _said(self, fill: Fill, value: Any) -> str:
        text = plain_text(value)
        if text is None:
            raise invalid(fill.column or "", "content_not_text")
        return fill.values.get(text, text)

    def _text_at(self, path: str) -> str:
        value = find_value(self.row, path)
        if value is MISSING or value is None:
            raise invalid(path, "field_missing")
        text = plain_text(value)
        if text is None:
            raise invalid(path, "content_not_text")
        return text

    def _choices(self) -> list[str]:
        """Columns that a row leaves empty at the end are no choices of it."""
        choices = self.mapping.choices
        found: list[str] = []
        for path in choices.columns if choices else ():
            value = find_value(self.row, path)
            for one in value if isinstance(value, list) else [value]:
                text = "" if one is MISSING or one is None else plain_text(one)
                if text is None:
                    raise invalid(path, "content_not_text")
                found.append(text)
        while found and not found[-1].strip():
            found.pop()
        return found

    def _picked(self, fill: Fill, text: str) -> str:
        """text: a mark, a number counted from `first`, or the choice itself."""
        choices, listed, said = self.mapping.choices, self._choices(), text.strip()
        if choices is None or said in listed:
            index = listed.index(said) if said in listed else -1
        elif len(said) == 1 and said.upper() in LETTERS:
            index = LETTERS.index(said.upper())
        else:
            index = int(said) - choices.first if said.isdecimal() and len(said) < 4 else -1
        if choices is None or not 0 <= index < len(listed):
            raise invalid(fill.column or "", "choice_unknown", found=said[:80], choices=len(listed))
        return choices.mark(index) if fill.picks == "mark" else listed[index]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _tag(text: str) -> str:
    seen = "".join(letter for letter in text if letter.isprintable() or letter.isspace())
    return " ".join(seen.split())[:LONGEST_TAG].strip()


# What is made of a row, by kind ---------------------------------------------------------------------------------------


def _conversation(cells: _Cells) -> Record:
    if cells.has("turns"):
        return {"messages": cells.system() + _turns(cells)}
    return {"messages": cells.system() + cells.messages("user", "user") + cells.messages("assistant", "assistant")}


def _turns(cells: _Cells) -> list[dict[str, Any]]:
    """A list of turns, or of texts that take turns, the user first."""
    fill = cells.mapping.roles["turns"]
    field, value = str(fill.column), cells.value("turns")
    if not isinstance(value, list):
        raise invalid(field, "messages_not_a_list")
    made = []
    for index, turn in enumerate(value):
        if isinstance(turn, str):
            made.append({"role": ("user", "assistant")[index % 2], "content": turn})
            continue
        if not isinstance(turn, Mapping):
            raise invalid(f"{field}[{index}]", "message_not_an_object")
        speaker, said = _turn_names(fill, turn)
        who = turn.get(speaker)
        role = fill.values.get(str(who), ROLE_NAMES.get(str(who).lower(), str(who)))
        content = turn.get(said)
        if not isinstance(content, str):
            raise invalid(f"{field}[{index}].{said}", "content_not_text")
        made.append({"role": role, "content": content})
    return made


def _unread(parts: list[Any], names: Callable[[Mapping[str, Any]], Collection[str]]) -> Iterator[str]:
    """The keys of turns or of entities that are none of those they are read by."""
    for part in parts:
        if isinstance(part, Mapping):
            read = names(part)
            yield from (key for key, value in part.items() if value is not None and key not in read)


def _turn_names(fill: Fill, turn: Mapping[str, Any]) -> tuple[str, str]:
    speaker = fill.speaker or next((name for name in SPEAKER_NAMES if name in turn), SPEAKER_NAMES[0])
    said = fill.said or next((name for name in SAID_NAMES if name in turn and name != speaker), SAID_NAMES[0])
    return speaker, said


def _preference(cells: _Cells) -> Record:
    prompt = cells.system() + cells.messages("prompt", "user")
    sides = [cells.messages("chosen", "assistant"), cells.messages("rejected", "assistant")]
    if cells.has("winner"):
        won = cells.text("winner").strip().lower()
        if won not in _FIRST and won not in _SECOND:
            raise invalid(str(cells.mapping.roles["winner"].column), "winner_unknown", found=won[:80])
        if won in _SECOND:
            sides.reverse()
    return {"prompt": prompt, "chosen": sides[0], "rejected": sides[1]}


_FIRST = frozenset({"first", "a", "1", "model_a", "response_a", "left", "chosen"})
_SECOND = frozenset({"second", "b", "2", "model_b", "response_b", "right", "rejected"})


def _unpaired(cells: _Cells) -> Record:
    label = {"true": True, "1": True, "false": False, "0": False}.get(cells.text("label").strip().lower())
    if label is None:
        raise invalid(str(cells.mapping.roles["label"].column), "label_not_true_or_false")
    prompt = cells.system() + cells.messages("prompt", "user")
    return {"prompt": prompt, "completion": cells.messages("completion", "assistant"), "label": label}


def _verifiable(cells: _Cells) -> Record:
    prompt = cells.system() + cells.messages("prompt", "user")
    answer = cells.text("answer")
    verifier = cells.text("verifier").strip() if cells.has("verifier") else choose_verifier(answer)
    return {"prompt": prompt, "answer": answer, "verifier": verifier}


def _document(cells: _Cells) -> Record:
    return {"text": cells.text("text")}


def _classification(cells: _Cells) -> Record:
    return {"text": cells.text("text"), "label": cells.texts("label")}


def _extraction(cells: _Cells) -> Record:
    text, entities = cells.text("text"), cells.value("entities")
    field = str(cells.mapping.roles["entities"].column)
    if not isinstance(entities, list):
        raise invalid(field, "entities_not_a_list")
    made = [_entity(f"{field}[{index}]", text, entity) for index, entity in enumerate(entities)]
    return {"text": text, "entities": made}


_LABELS, _TEXTS = ("label", "type", "entity", "tag", "category"), ("text", "name", "word", "value", "surface")
_STARTS, _ENDS, _SPANS = (
    ("start", "begin", "start_offset"),
    ("end", "stop", "end_offset"),
    ("span", "offsets", "position"),
)


def _entity_names(entity: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of an entity's label and text, then of its start and its end, or of its span."""
    label, text, start, end, span = (
        next((name for name in names if name in entity), names[0])
        for names in (_LABELS, _TEXTS, _STARTS, _ENDS, _SPANS)
    )
    is_span = entity.get(start) is None and isinstance(entity.get(span), list) and len(entity[span]) == 2
    return label, text, *([span] if is_span else [start, end])


def _entity(field: str, text: str, entity: Any) -> dict[str, Any]:
    if not isinstance(entity, Mapping):
        raise invalid(field, "entity_unreadable")
    labelled, named, *places = _entity_names(entity)
    start, end = entity[places[0]] if len(places) == 1 else map(entity.get, places)
    label = entity.get(labelled)
    if type(start) is not int or type(end) is not int or not isinstance(label, str):
        raise invalid(field, "entity_unreadable")
    said = entity.get(named)
    return {"start": start, "end": end, "label": label, "text": text[start:end] if said is None else said}


_READERS: Mapping[str, Callable[[_Cells], Record]] = MappingProxyType(
    {
        CONVERSATION: _conversation,
        PREFERENCE: _preference,
        UNPAIRED: _unpaired,
        VERIFIABLE: _verifiable,
        DOCUMENT: _document,
        CLASSIFICATION: _classification,
        EXTRACTION: _extraction,
    }
)
