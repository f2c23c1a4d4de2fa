"""What a person chose for a run, read and checked as a whole: every problem of a form at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from studio.adapters import ADAPTERS
from studio.errors import OptionsInvalid
from studio.events import Choice
from studio.models.catalogue import POCKET, Base
from studio.models.lineage import Lineage
from studio.models.machine import Machine
from studio.options import (
    OptionField,
    Options,
    Situation,
    check_options,
    choose_options,
    option_fields,
    read_options,
)
from studio.training.forecast import loses_too_many
from studio.training.measures import Measure
from studio.training.methods import METHODS
from studio.training.trainspec import PROMPT_CHARACTERS, PROMPTS


@dataclass(frozen=True)
class Ground:
    """What the defaults and the checks stand on. version: as `Datasets.version` gives it. measure: None until known.

    adapter: the plug's name, the parent's where one is continued. parent: what is known of the adapter to continue.
    """

    base: Base
    version: Mapping[str, Any]
    machine: Machine
    measure: Measure | None
    method: str
    adapter: str
    parent: Lineage | None = None

    @property
    def situation(self) -> Situation:
        rows = self.version["rows"]
        longest = max(self.measure.train.longest, self.measure.held_out.longest) if self.measure else None
        return Situation(
            parameters=self.base.parameters,
            context=self.base.context,
            rows=rows,
            held_out_fraction=round(self.version["held_out"] / rows, 4) if rows else 0.0,
            row_tokens=longest,
            device=self.machine.device,
            knows_every_token=self.base.source == POCKET,
            rule=self.measure.rule if self.measure else None,
        )


@dataclass(frozen=True)
class RunChoices:
    """A form without problems. choices: an event for every default that was left as it was."""

    options: Any
    adapter_options: Any
    choices: list[Choice]
    keeps_split: bool


def check_plugs(method: object, adapter: object) -> None:
    """Raises OptionsInvalid for a method or an adapter that no plug provides."""
    problems = []
    if method not in METHODS:
        problems.append(_problem("method", "method_unknown", found=str(method)[:80]))
    if adapter not in ADAPTERS:
        problems.append(_problem("adapter", "adapter_unknown", found=str(adapter)[:80]))
    if problems:
        raise OptionsInvalid(problems)


def list_fields(ground: Ground) -> list[dict[str, Any]]:
    """Every field of a method and an adapter as a form shows it, with its default and the reason for it.

    An adapter that is continued stays what it is: it has no fields.
    """
    found = []
    for group, model in _groups(ground):
        defaults = choose_options(model, ground.situation)
        for item in option_fields(model):
            chosen = defaults[item.name]
            reason = {"value": chosen.value, "reason": chosen.reason, "values": dict(chosen.values)}
            found.append(_field(item, group) | reason)
    return found


def read_settings(settings: object, ground: Ground) -> RunChoices:
    """The options of a form's settings, defaults filled in. Raises OptionsInvalid with all problems."""
    situation = ground.situation
    given = dict(settings) if isinstance(settings, Mapping) else {}
    models = dict(_groups(ground))
    split = {
        group: {n: given.pop(n) for n in list(given) if n in model.model_fields} for group, model in models.items()
    }
    kept = ADAPTERS[ground.adapter].options.model_fields if ground.parent else ()
    unknown = {name: value for name, value in given.items() if name not in kept}
    problems = [_problem(str(name)[:80], "unknown_option", found=str(value)[:80]) for name, value in unknown.items()]
    made: dict[str, tuple[Options, list[Choice]]] = {}
    for group, model in models.items():
        try:
            made[group] = read_options(model, split[group], situation)
        except OptionsInvalid as error:
            problems += error.problems
    if "method" in made:
        problems += METHODS[ground.method].check(made["method"][0])
        problems += _check_lengths(made["method"][0], ground)
    if problems:
        raise OptionsInvalid(problems)
    options, choices = made["method"]
    adapter_options, more = made["adapter"] if "adapter" in made else _continued_options(ground)
    return RunChoices(
        options=options,
        adapter_options=adapter_options,
        choices=[*choices, *more],
        keeps_split=options.held_out_fraction == situation.held_out_fraction,  # type: ignore[attr-defined]
    )


def _continued_options(ground: Ground) -> tuple[Options, list[Choice]]:
    """What the parent was made with. Raises OptionsInvalid where that is not known."""
    model, parent = ADAPTERS[ground.adapter].options, ground.parent
    known = {name: value for name, value in parent.settings.items() if name in model.model_fields} if parent else {}
    if check_options(model, known):
        raise OptionsInvalid([_problem("parent", "parent_unknown")])
    title = (parent.title or parent.run or parent.base) if parent else ""
    kept = [Choice(name, value, "parent_kept", {}) for name, value in known.items()]
    return model(**known), [Choice("parent", title, "parent_continued", {}), *kept]


def read_prompts(given: object) -> list[str]:
    """The prompts of a form without empty ones. Raises OptionsInvalid where they are too many or too long."""
    prompts = [str(text).strip() for text in given if str(text).strip()] if isinstance(given, (list, tuple)) else []
    problems = [
        _problem("prompts", "prompt_too_long", found=len(text), limit=PROMPT_CHARACTERS)
        for text in prompts
        if len(text) > PROMPT_CHARACTERS
    ]
    if len(prompts) > PROMPTS:
        problems.append(_problem("prompts", "prompts_too_many", found=len(prompts), limit=PROMPTS))
    if problems:
        raise OptionsInvalid(problems)
    return prompts


def list_warnings(measure: Measure, options: Any) -> Iterator[dict[str, Any]]:
    """What a person should know before the start; words under `dropped.<code>` and `notice.<code>`."""
    for cause, count in measure.dropped.items():
        yield {"code": f"dropped.{cause}", "values": {"count": count}}
    if lost := measure.count_lost(options.max_length_tokens):
        yield {"code": "dropped.cut_entirely", "values": {"count": lost}}
    if measure.from_preference:
        yield {"code": "notice.chosen_replies_used", "values": {"rows": measure.from_preference}}


def _check_lengths(options: Any, ground: Ground) -> Iterator[dict[str, Any]]:
    most = options.max_length_tokens
    if most > ground.base.context:
        yield _problem("max_length_tokens", "max_length_beyond_context", found=most, limit=ground.base.context)
    if ground.measure is None:
        return
    lost, rows = ground.measure.count_lost(most), ground.measure.learnable
    if ground.measure.dropped.get("wrong_kind") == ground.measure.read:
        yield _explain_kind(ground)
    elif rows - lost < 1:
        yield _problem("max_length_tokens", "rows_too_few", found=rows - lost)
    elif loses_too_many(lost, rows) and not options.allow_lost_rows:
        yield _problem("max_length_tokens", "labels_lost", found=lost, rows=rows)


def _explain_kind(ground: Ground) -> dict[str, Any]:
    """That no row of a version fits its method; and the methods that would, or that there is none."""
    kind, method = ground.version["kind"], METHODS[ground.method].title.en
    if offers := [plug.title.en for plug in METHODS if kind in plug.kinds]:
        return _problem("version", "rows_of_no_kind", method=method, offer=", ".join(offers))
    return _problem("version", f"rows_untrained.{kind}", method=method)


def _groups(ground: Ground) -> Iterator[tuple[str, type[Options]]]:
    yield "method", METHODS[ground.method].options
    if ground.parent is None:
        yield "adapter", ADAPTERS[ground.adapter].options


def _field(item: OptionField, group: str) -> dict[str, Any]:
    about = item.about
    return {
        "name": item.name,
        "group": group,
        "title": {"en": about.title.en, "ja": about.title.ja},
        "summary": {"en": about.summary.en, "ja": about.summary.ja},
        "kind": item.kind,
        "level": about.level,
        "unit": about.unit,
        "minimum": item.minimum,
        "maximum": item.maximum,
        "choices": [
            {"value": value, "title": {"en": about.choices[value].en, "ja": about.choices[value].ja}}
            for value in item.choices
        ],
    }


def _problem(field: str, code: str, **values: Any) -> dict[str, Any]:
    return {"field": field, "title": {"en": field, "ja": field}, "code": code, **values}
