"""A mapping: which columns of a file fill which role of a record, said by a person where no format fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.data.kinds import (
    CLASSIFICATION,
    CONVERSATION,
    DOCUMENT,
    EXTRACTION,
    PREFERENCE,
    UNPAIRED,
    VERIFIABLE,
)
from studio.data.row_paths import places_of, top_column
from studio.errors import OptionsInvalid
from studio.words import Text

NAME = "mapping"
"""What stands in place of a format's name where a mapping reads the rows."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Role:
    """One part of a record that a column or a text fills. instead_of: roles that it makes needless."""

    name: str
    title: Text
    required: bool = True
    instead_of: tuple[str, ...] = ()


_SYSTEM = Role("system", Text(en="System prompt", ja="システムプロンプト"), required=False)
_USER = Role("user", Text(en="Question", ja="質問"))
_PROMPT = Role("prompt", Text(en="Prompt", ja="プロンプト"))
_TEXT = Role("text", Text(en="Text", ja="テキスト"))

ROLES: Mapping[str, tuple[Role, ...]] = MappingProxyType(
    {
        CONVERSATION: (
            _SYSTEM,
            _USER,
            Role("assistant", Text(en="Reply", ja="応答")),
            Role("turns", Text(en="Whole conversation", ja="会話全体"), False, ("user", "assistant")),
        ),
        PREFERENCE: (
            _SYSTEM,
            _PROMPT,
            Role("chosen", Text(en="Better reply", ja="良い応答")),
            Role("rejected", Text(en="Worse reply", ja="悪い応答")),
            Role("winner", Text(en="Which of the two won", ja="どちらが良いか"), required=False),
        ),
        UNPAIRED: (
            _SYSTEM,
            _PROMPT,
            Role("completion", Text(en="Reply", ja="応答")),
            Role("label", Text(en="Good (true) or bad (false)", ja="良い（true）か悪い（false）か")),
        ),
        VERIFIABLE: (
            _SYSTEM,
            _PROMPT,
            Role("answer", Text(en="Right answer", ja="正解")),
            Role("verifier", Text(en="Rule that checks it", ja="正解を確かめる規則"), required=False),
        ),
        DOCUMENT: (_TEXT,),
        CLASSIFICATION: (_TEXT, Role("label", Text(en="Label", ja="ラベル"))),
        EXTRACTION: (_TEXT, Role("entities", Text(en="List of entities", ja="固有表現のリスト"))),
    }
)
"""The roles of each kind that a mapping can make, in the order of the screen."""

ASKS: Mapping[str, str] = MappingProxyType({CONVERSATION: "user", CLASSIFICATION: "text", DOCUMENT: "text"})
"""Under which text the choices are listed: the prompt where nothing else is said."""


SPEAKER_NAMES = ("role", "from", "speaker", "name", "author", "sender", "participant")
SAID_NAMES = ("content", "value", "text", "message", "utterance", "body", "said")
"""Of a turn, the usual names of who speaks and of what is said."""


class Fill(BaseModel):
    """What fills a role: a column, or a text that may name columns in braces.

    values: what is put in place of a value, such as 1 → true. picks: the value picks one of the choices, and its mark
    or its text is taken. speaker, said: in a list of turns, the names of who speaks and what is said; None: found.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    column: str | None = Field(default=None, min_length=1, max_length=400)
    text: str | None = Field(default=None, max_length=10_000)
    values: dict[str, str] = Field(default_factory=dict, max_length=200)
    picks: Literal["mark", "text"] | None = None
    speaker: str | None = Field(default=None, max_length=100)
    said: str | None = Field(default=None, max_length=100)

    def paths(self) -> list[str]:
        return [self.column] if self.column else places_of(self.text or "")


class Choices(BaseModel):
    """The choices of a question, listed under it: several columns, or one that holds a list. first: the number of the
    first choice where an answer says it by number."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: tuple[str, ...] = Field(min_length=1, max_length=len(LETTERS))
    marks: Literal["letters", "numbers"] = "letters"
    first: Literal[0, 1] = 0

    def mark(self, index: int) -> str:
        return LETTERS[index] if self.marks == "letters" and index < len(LETTERS) else str(index + 1)


class RowMapping(BaseModel):
    """tags: columns whose values become tags of the row; what no role uses goes with the row as its meta."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1] = 1
    kind: Literal[
        "conversation", "preference", "unpaired", "verifiable", "document", "classification", "extraction"
    ]  # fmt: skip
    roles: dict[str, Fill] = Field(max_length=10)
    choices: Choices | None = None
    tags: tuple[str, ...] = Field(default=(), max_length=10)

    def paths(self) -> list[str]:
        """Every path that must be there for the mapping to fit."""
        named = [path for fill in self.roles.values() for path in fill.paths()]
        return [*named, *(self.choices.columns if self.choices else ()), *self.tags]


def read_mapping(value: Any) -> RowMapping:
    """A mapping from its JSON. Raises OptionsInvalid, with every role that is still open."""
    try:
        mapping = RowMapping.model_validate(value)
    except ValidationError as wrong:
        where = ".".join(map(str, wrong.errors()[0]["loc"]))[:80]
        raise OptionsInvalid([{"field": "mapping", "code": "mapping_unreadable", "found": where}]) from None
    roles = {role.name: role for role in ROLES[mapping.kind]}
    needless = {name for given in mapping.roles if given in roles for name in roles[given].instead_of}
    problems = [
        {"field": "mapping", "code": "mapping_unreadable", "found": name} for name in mapping.roles if name not in roles
    ]
    for name, role in roles.items():
        fill = mapping.roles.get(name)
        is_open = fill is None or not (fill.column or (fill.text or "").strip())
        if is_open and (fill is not None or (role.required and name not in needless)):
            title = {"en": role.title.en, "ja": role.title.ja}
            problems.append({"field": name, "code": "mapping_role_open", "title": title})
    if problems:
        raise OptionsInvalid(problems)
    return mapping


def fits(mapping: RowMapping, columns: Iterable[str]) -> bool:
    """Whether every path of the mapping begins in one of the columns."""
    there = list(columns)
    return all(top_column(path, there) is not None for path in mapping.paths())
