"""Options: pydantic models whose fields carry words, unit, range, level, and a default that says its reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, ValidationError

from studio.errors import OptionsInvalid
from studio.events import Choice
from studio.words import Text

Level = Literal["simple", "advanced"]
O = TypeVar("O", bound="Options")  # noqa: E741


@dataclass(frozen=True)
class Chosen:
    """A default and why: the words of `reason` stand under `choice.<reason>`, filled with `values`."""

    value: Any
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """What the defaults look at: the base, the data and the machine.

    rows: of the version, held-out ones included. held_out_fraction: of the version's own split, 0..1. row_tokens: of
    the longest row that should fit, or None before the data is measured. knows_every_token: the base was pretrained
    on its whole vocabulary, as the pocket model was. rule: of the verifiers that need no value the one that tells chosen
    from rejected replies best, with the shares 0..1 of both that pass it; None where none does or nothing is known.
    """

    parameters: int
    context: int
    rows: int
    held_out_fraction: float
    row_tokens: int | None
    device: str
    knows_every_token: bool = False
    rule: tuple[str, float, float] | None = None


@dataclass(frozen=True)
class About:
    """A field's words and how its default is chosen. choices: the words of each allowed value of a Literal."""

    title: Text
    summary: Text
    choose: Callable[[Situation], Chosen]
    level: Level = "simple"
    unit: str | None = None
    choices: Mapping[str, Text] = field(default_factory=dict)


class Options(BaseModel):
    """Base of every option model: no unknown names, no infinities, no text where a number belongs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class OptionField:
    """One field, as a form shows it. kind: int, float, bool, choice or text. minimum and maximum are inclusive."""

    name: str
    kind: str
    about: About
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]


def option_fields(model: type[Options]) -> Iterator[OptionField]:
    """The fields of an option model in the order they are offered."""
    for name, info in model.model_fields.items():
        about = next(item for item in info.metadata if isinstance(item, About))
        low = next((item for item in info.metadata if isinstance(item, (Ge, Gt))), None)
        high = next((item for item in info.metadata if isinstance(item, (Le, Lt))), None)
        choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
        yield OptionField(
            name=name,
            kind="choice" if choices else info.annotation.__name__,  # type: ignore[union-attr]
            about=about,
            minimum=None if low is None else low.ge if isinstance(low, Ge) else low.gt,  # type: ignore[attr-defined]
            maximum=None if high is None else high.le if isinstance(high, Le) else high.lt,  # type: ignore[attr-defined]
            choices=choices,
        )


def choose_options(model: type[Options], situation: Situation) -> dict[str, Chosen]:
    """The default of every field with its reason."""
    return {item.name: item.about.choose(situation) for item in option_fields(model)}


def read_options(model: type[O], given: Mapping[str, Any], situation: Situation) -> tuple[O, list[Choice]]:
    """The options of a form: what was given, the chosen default for the rest, and an event for each default.

    A value of None means "not given". A given value that equals the default counts as the default. Raises
    OptionsInvalid with all problems at once.
    """
    chosen = choose_options(model, situation)
    values = {name: _whole_as_int(value) for name, value in given.items() if value is not None}
    problems = check_options(model, {name: item.value for name, item in chosen.items()} | values)
    if problems:
        raise OptionsInvalid(problems)
    made = model(**({name: item.value for name, item in chosen.items()} | values))
    choices = [
        Choice(name, item.value, item.reason, item.values)
        for name, item in chosen.items()
        if getattr(made, name) == item.value
    ]
    return made, choices


def check_options(model: type[Options], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every problem of a form: {"field", "title", "code", …}; words under `problem.<code>`."""
    try:
        model(**values)
    except ValidationError as error:
        titles = {item.name: item.about.title for item in option_fields(model)}
        return [_problem(found, titles) for found in error.errors(include_url=False)]
    return []


_CODES = {
    "greater_than_equal": "too_small",
    "greater_than": "not_above",
    "less_than_equal": "too_large",
    "literal_error": "not_a_choice",
    "extra_forbidden": "unknown_option",
    "int_type": "not_a_whole_number",
    "int_from_float": "not_a_whole_number",
    "float_type": "not_a_number",
    "finite_number": "not_a_number",
    "bool_type": "not_yes_or_no",
}


def _problem(found: Any, titles: Mapping[str, Text]) -> dict[str, Any]:
    name = str(found["loc"][0]) if found["loc"] else ""
    title = titles.get(name)
    limit = next(iter(found.get("ctx", {}).values()), None)
    return {
        "field": name,
        "title": {"en": title.en, "ja": title.ja} if title else {"en": name, "ja": name},
        "code": _CODES.get(found["type"], "not_understood"),
        "limit": limit if isinstance(limit, (int, float, str)) else None,
        "found": str(found.get("input"))[:80],
    }


def _whole_as_int(value: Any) -> Any:
    """3.0 is 3: a browser's numbers do not tell them apart."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
