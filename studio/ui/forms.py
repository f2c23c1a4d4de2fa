"""Builds the Gradio inputs of option models, and keeps what a person typed when the defaults change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.options import OptionField, Options, option_fields
from studio.words import Text, say


@dataclass(frozen=True)
class FormField:
    """One input. component: its Gradio component; labels and reasons come with the first `field_updates`."""

    option: OptionField
    component: gr.components.Component


def build_fields(models: Iterable[type[Options]], elem_prefix: str) -> list[FormField]:
    """One input for every field of the models; a field that two models share by name is built once.

    Limits are not given to Gradio: it would round or refuse with words of its own; the options' model checks them.
    """
    fields: dict[str, FormField] = {}
    for model in models:
        for option in option_fields(model):
            if option.name not in fields:
                fields[option.name] = FormField(option, _component(option, f"{elem_prefix}-{option.name}"))
    return list(fields.values())


def _component(option: OptionField, elem_id: str) -> gr.components.Component:
    look = {"label": "", "visible": False, "elem_id": elem_id, "elem_classes": _classes(option)}
    match option.kind:
        case "int" | "float":
            return gr.Number(**look, step=1 if option.kind == "int" else 10**-6)
        case "choice":
            return gr.Dropdown(choices=list(option.choices), value=None, filterable=False, **look)
        case "bool":
            return gr.Checkbox(**look)
        case _:
            return gr.Textbox(**look)


def _classes(option: OptionField, *more: str) -> list[str]:
    return ["ws-field", f"ws-level-{option.about.level}", *more]


def field_updates(
    fields: list[FormField],
    offered: Mapping[str, Mapping[str, Any]],
    shown: Mapping[str, Any],
    values: list[Any],
    language: str,
) -> list[dict[str, Any]]:
    """Updates for all inputs: new words, new reasons, and new defaults where the person left the old ones.

    offered: the form's fields by name, as `Runs.form` gives them; others are hidden. shown: the defaults that stand in
    the inputs now. values: what stands there now.
    """
    updates = []
    for field, value in zip(fields, values, strict=True):
        name = field.option.name
        if name not in offered:
            updates.append(gr.update(visible=False))
            continue
        default = offered[name]["value"]
        update = {"visible": True, "label": field_label(field.option, language)} | field_note(field, offered, language)
        if name not in shown or (default != shown[name] and value == shown[name]):
            update["value"] = default  # else not sent: an answer must not overwrite what was typed since the question
        if field.option.kind == "choice":
            update["choices"] = [
                (_said(field.option.about.choices.get(c), c, language), c) for c in field.option.choices
            ]
        updates.append(gr.update(**update))
    return updates


def field_note(field: FormField, offered: Mapping[str, Mapping[str, Any]], language: str) -> dict[str, Any]:
    """The line under an input: why it has its default."""
    found = offered[field.option.name]
    reason = say(language, f"choice.{found['reason']}", **found.get("values", {}))
    return {"info": reason, "elem_classes": _classes(field.option)}


def field_problem(field: FormField, problem: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The line under an input that cannot be used."""
    values = {name: value for name, value in problem.items() if name != "title"}
    title = field.option.about.title.said("ja" if language == "ja" else "en")
    words = say(language, f"problem.{problem['code']}", title=title, **values)
    return {"info": words, "elem_classes": _classes(field.option, "ws-field-wrong")}


def field_label(option: OptionField, language: str) -> str:
    title = option.about.title.said("ja" if language == "ja" else "en")
    if option.about.unit is None:
        return option.about.title.said(language)
    return say(
        language, "form.label", title=title, unit=say("ja" if language == "ja" else "en", f"unit.{option.about.unit}")
    )


def typed_settings(fields: list[FormField], offered: Iterable[str], values: list[Any]) -> dict[str, Any]:
    """What the inputs hold by name, without empty ones: those mean the default."""
    names = set(offered)
    pairs = zip(fields, values, strict=True)
    return {f.option.name: value for f, value in pairs if f.option.name in names and value not in (None, "")}


def _said(text: Text | None, name: str, language: str) -> str:
    return text.said(language) if text else name
