"""The form of a new run: its inputs, how they follow each other, and what happens when it is started."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

import gradio as gr

from studio.adapters import ADAPTERS
from studio.errors import OptionsInvalid, StudioError
from studio.people import Person
from studio.training.methods import METHODS
from studio.ui.forms import build_fields, field_note, field_problem, field_updates, typed_settings
from studio.ui.gate import on
from studio.ui.i18n import tr
from studio.ui.widgets.start import build_start
from studio.words import say


@dataclass(frozen=True)
class Choices:
    """What is trained on what, as the dropdowns say. parent: the adapter to continue, or None for a new one."""

    base: str | None
    version: str | None
    method: str | None
    adapter: str | None
    parent: str | None


_SELECTS = tuple(field.name for field in fields(Choices))
NEW = "-"
"""In the list of adapters to continue: none of them. No adapter's id looks like this."""


class TrainForm:
    """Inputs are stable components that are updated, so that typed values, focus and scroll stay as they are."""

    def __init__(self, studio) -> None:
        self.studio = studio

    # ---- building ------------------------------------------------------------------------------------------
    def build_level(self) -> None:
        levels = [(tr("form.simple"), "simple"), (tr("form.advanced"), "advanced")]
        gr.Radio(
            levels,
            value="simple",
            show_label=False,
            label=tr("form.level"),
            container=False,
            interactive=True,
            elem_id="train-level",
        )

    def build_fields(self) -> None:
        self.base = _dropdown("form.base", "train-base")
        self.version = _dropdown("form.version", "train-version")
        with gr.Row():
            self.method = _dropdown("form.method", "train-method")
            self.adapter = _dropdown("form.adapter", "train-adapter")
        self.parent = _dropdown("form.parent", "train-parent")
        models = [METHODS[name].options for name in METHODS.names] + [ADAPTERS[name].options for name in ADAPTERS.names]
        with gr.Column(elem_classes=["ws-fields"]):
            self.fields = build_fields(models, "train")
        prompt = {"lines": 1, "max_lines": 4, "max_length": 4000}
        with gr.Column(elem_classes=["ws-prompts"]):
            self.prompts = [
                gr.Textbox(label=tr("form.prompts"), placeholder=tr("form.prompt.one"), elem_id="train-prompt-1", **prompt),
                gr.Textbox(label=tr("form.prompt.two"), placeholder=tr("form.prompt.two"), show_label=False,
                           info=tr("form.prompts.says"), elem_id="train-prompt-2", **prompt),
            ]  # fmt: skip
        self.title = gr.Textbox(
            label=tr("form.run"), placeholder=tr("form.run.says"), max_length=200, elem_id="train-name"
        )
        self.shown = gr.State({})

    def build_start(self) -> None:
        self.start = build_start(self.studio)

    def wire(self) -> None:
        """Every event of the form. `select`: the page asks for the form anew. `submit`: Start was pressed."""
        inputs = [field.component for field in self.fields]
        selects = [self.base, self.version, self.method, self.adapter, self.parent]
        outputs = [*selects, self.shown, self.start, *inputs]
        last = {"trigger_mode": "always_last"}
        on(self.start.select, self.draw_wanted, [*selects, self.shown, *inputs], outputs, **last)
        # One event for all inputs of a kind: answers to several events may arrive in another order than they were sent.
        chosen = partial(gr.on, [select.input for select in selects])
        on(chosen, self.draw, [*selects, self.shown, *inputs], outputs, **last)
        typed = partial(gr.on, [_typed(component) for component in inputs])
        on(typed, self.check, [*selects, *inputs], [self.start, *inputs], **last)
        asked = [*selects, self.title, *self.prompts, *inputs]
        on(self.start.submit, self.submit, asked, [self.start, *inputs], trigger_mode="once")

    # ---- drawing -------------------------------------------------------------------------------------------
    def draw_wanted(self, person: Person, event: gr.EventData, *asked) -> list[Any]:
        """The whole form for what there is now; the event may name what to choose."""
        chosen, others = asked[: len(_SELECTS)], asked[len(_SELECTS) :]
        wanted = [_sent(event, name) or now for name, now in zip(_SELECTS, chosen, strict=True)]
        return self._draw(person, wanted, chosen, others)

    def draw(self, person: Person, *asked) -> list[Any]:
        """Dropdowns with what can be chosen now, inputs with their defaults, and the draft."""
        chosen, others = asked[: len(_SELECTS)], asked[len(_SELECTS) :]
        return self._draw(person, chosen, chosen, others)

    def _draw(self, person: Person, wanted: Sequence[Any], held: Sequence[Any], others: Sequence[Any]) -> list[Any]:
        """wanted: what to choose where it can be had; held: what the dropdowns hold."""
        base, version, method, adapter, parent = wanted
        shown, *values = others
        bases = self.studio.bases.list(person)
        versions = self.studio.datasets.versions(person)
        language = person.language
        base = _known(base, [item["id"] for item in bases])
        parents = self.studio.runs.parents(person, base)
        chosen = Choices(
            base,
            _known(version, [item["fingerprint"] for item in versions]),
            _known(method, METHODS.names),
            _known(adapter, ADAPTERS.names),
            parent if parent in [item["id"] for item in parents] else None,
        )
        offers = [
            [(base_words(item, language), item["id"]) for item in bases],
            [(version_words(version, language), version["fingerprint"]) for version in versions],
            [(METHODS[name].title.said(language), name) for name in METHODS.names],
            [(ADAPTERS[name].title.said(language), name) for name in ADAPTERS.names],
            [(say(language, "form.parent.none"), NEW), *((item["name"], item["id"]) for item in parents)],
        ]
        values_now = [*list(asdict(chosen).values())[:-1], chosen.parent or NEW]
        selects = [_offer(*each) for each in zip(offers, values_now, held, strict=True)]
        selects[3]["visible"], selects[4]["visible"] = chosen.parent is None, bool(parents)
        if chosen.version is None:
            return [*selects, {}, _value(empty="no_version"), *[gr.update(visible=False)] * len(self.fields)]
        offered = self._offered(person, chosen)
        updates = field_updates(self.fields, offered, shown or {}, list(values), language)
        now = [update.get("value", value) for update, value in zip(updates, values, strict=True)]
        defaults = {name: field["value"] for name, field in offered.items()}
        return [*selects, defaults, self._draft(chosen, offered, now), *updates]

    def check(self, person: Person, *asked) -> list[Any]:
        """The draft for what is typed now, and under each input its reason or its problem."""
        chosen, values = _choices(asked[: len(_SELECTS)]), asked[len(_SELECTS) :]
        offered = self._offered(person, chosen)
        settings = typed_settings(self.fields, offered, list(values))
        try:
            self.studio.runs.preview(person, asdict(chosen) | {"settings": settings})
        except OptionsInvalid as error:
            return self._refused(person, chosen, offered, list(values), error.problems)
        return [self._draft(chosen, offered, list(values)), *self._notes(person, offered, [])]

    def submit(self, person: Person, event: gr.EventData, *asked) -> list[Any]:
        """Start the run once for the deed that the event carries."""
        chosen, (title, first, second, *values) = _choices(asked[: len(_SELECTS)]), asked[len(_SELECTS) :]
        offered = self._offered(person, chosen)
        choices = asdict(chosen) | {
            "settings": typed_settings(self.fields, offered, values),
            "prompts": [prompt.strip() for prompt in (first, second) if prompt and prompt.strip()],
            "title": title or "",
        }
        try:
            started = self.studio.runs.start(person, str(_sent(event, "deed")), choices)
        except OptionsInvalid as error:
            return self._refused(person, chosen, offered, values, error.problems)
        except StudioError as error:
            said = {"message": error.message(person.language), "hint": error.hint(person.language)}
            return [self._draft(chosen, offered, values) | {"error": said}, *[gr.skip()] * len(values)]
        return [self._draft(chosen, offered, values) | {"started": started}, *self._notes(person, offered, [])]

    # ---- pieces --------------------------------------------------------------------------------------------
    def _offered(self, person: Person, chosen: Choices) -> dict[str, dict[str, Any]]:
        return {field["name"]: field for field in self.studio.runs.form(person, asdict(chosen))["fields"]}

    def _draft(self, chosen: Choices, offered: dict[str, dict[str, Any]], values: list[Any]) -> dict[str, Any]:
        settings = typed_settings(self.fields, offered, values)
        sizes = [
            settings.get(name, offered.get(name, {}).get("value", 1))
            for name in ("batch_size", "gradient_accumulation")
        ]
        return _value(draft=asdict(chosen) | {"settings": settings}, batch=int(sizes[0] * sizes[1]))

    def _refused(self, person: Person, chosen: Choices, offered, values: list[Any], problems) -> list[Any]:
        """Every problem at its place: under its input, or above the button where it belongs to none."""
        names = {field.option.name for field in self.fields}
        rest = [say(person.language, f"problem.{p['code']}", **p) for p in problems if p["field"] not in names]
        value = self._draft(chosen, offered, values) | {"problems": len(problems), "refused": "\n".join(rest)}
        return [value, *self._notes(person, offered, problems)]

    def _notes(self, person: Person, offered: dict[str, dict[str, Any]], problems: list[dict[str, Any]]) -> list[Any]:
        """All inputs at once: the problem of each where it has one, else its reason."""
        wrong = {problem["field"]: problem for problem in problems}
        return [
            gr.update(**field_problem(field, wrong[field.option.name], person.language))
            if field.option.name in wrong
            else gr.update(**field_note(field, offered, person.language))
            if field.option.name in offered
            else gr.skip()
            for field in self.fields
        ]


def _typed(component: gr.components.Component) -> Any:
    """The event of a person's change. A Textbox tells `input` only of a key that is pressed: not of what is pasted, nor
    of what an input method writes."""
    return component.change if isinstance(component, gr.Textbox) else component.input


def _offer(choices: list[tuple[str, str]], value: str | None, held: str | None) -> dict[str, Any]:
    """A dropdown's choices; its value only where it is another than it holds, since a person may choose meanwhile."""
    return gr.update(choices=choices) | ({} if value == held else {"value": value})


def _choices(selected: Any) -> Choices:
    """What the dropdowns hold."""
    *others, parent = selected
    return Choices(*others, None if parent in (NEW, "") else parent)


def base_words(base: dict[str, Any], language: str) -> str:
    """One line for a base model in the list."""
    return say(language, f"form.base.{base['source']}", title=base["title"], size=_millions(base["parameters"]))


def version_words(version: dict[str, Any], language: str) -> str:
    """One line for a data version in the list."""
    return say(
        language, "form.version.line", name=version["dataset_name"], number=version["number"], rows=version["rows"]
    )


def _millions(count: int) -> str:
    return f"{count / 1e9:.1f} B" if count >= 1e9 else f"{count / 1e6:.1f} M"


def _sent(event: gr.EventData, name: str) -> Any:
    """What the widget sent along with its event; None where it did not."""
    return event._data.get(name) if isinstance(event._data, dict) else None


def _dropdown(key: str, elem_id: str) -> gr.Dropdown:
    return gr.Dropdown(choices=[], value=None, label=tr(key), filterable=False, elem_id=elem_id)


def _known(asked: str | None, there: Any) -> str | None:
    """What was chosen while it still exists, else the first."""
    return asked if asked in there else next(iter(there), None)


def _value(**parts: Any) -> dict[str, Any]:
    """A value of the start widget; `turn` makes each one new, so that the widget always hears of it."""
    return {
        "turn": secrets.token_hex(4),
        "draft": None,
        "empty": None,
        "problems": 0,
        "refused": "",
        "confirm": False,
    } | parts
