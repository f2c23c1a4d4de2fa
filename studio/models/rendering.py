"""From a conversation to tokens and to the mask of the trained ones: the one place where chat templates are rendered.

Needs tokenizers and jinja2 only, so that counting tokens costs no torch. A test holds it to the same ids and masks as
transformers' `apply_chat_template`.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import jinja2
import jinja2.ext
import jinja2.sandbox

from studio.errors import ChatTemplateMissing
from studio.models.catalogue import Base, TemplateSource, read_json, read_own_template

_TEMPLATES = Path(__file__).parent / "templates"
_BATCH_ROWS = 256
FAMILIES = ("chatml", "hermes", "llama3", "gemma", "mistral", "plain")
"""Chat templates of our own, each as the families write it that go by this name; `chatml` and `plain` are trained with."""

REFUSALS = (jinja2.exceptions.TemplateError, TypeError)
"""What a template raises for a conversation that it was not written for."""

Messages = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class RenderedRow:
    """ids: (T,) token ids in 32 bits, none where the template refused the conversation. spans: [start, end) token ranges the loss is taken on, in order, end token included."""

    ids: array[int]
    spans: tuple[tuple[int, int], ...]

    @property
    def first_trained(self) -> int | None:
        return self.spans[0][0] if self.spans else None

    def trained_within(self, length: int) -> int:
        """Trained tokens that remain when the row is cut to its first `length` tokens."""
        return sum(max(0, min(end, length) - start) for start, end in self.spans)

    def labels(self, length: int) -> array[int]:
        """(min(T, length),) the ids where trained, -100 elsewhere."""
        found = array("i", [-100]) * min(len(self.ids), length)
        for start, end in self.spans:
            found[start : min(end, length)] = self.ids[start : min(end, length)]
        return found


@dataclass(frozen=True)
class TemplateChoice:
    """source: "own", "chosen", or "family" where it is only looked at. name: of ours, or "own". marked: it says itself what the model generates."""

    source: TemplateSource | Literal["family"]
    name: str
    text: str
    marked: bool


class Renderer:
    """One base's tokenizer and chat template. Not for two threads at once."""

    def __init__(self, base: Base) -> None:
        """Raises BaseUnreadable (the tokenizer's file is torn), ChatTemplateMissing (none fits)."""
        from tokenizers import Tokenizer

        # A torn file is found here: the reader of tokenizers raises the bare Exception.
        read_json(base.folder / "tokenizer.json", base.id)
        self.tokenizer = Tokenizer.from_file(str(base.folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.special = _read_special_tokens(base)
        self.end_token = self.special.get("eos_token", "")
        self.end_id = self.tokenizer.token_to_id(self.end_token) if self.end_token else None
        if self.end_id is None:
            raise ChatTemplateMissing(model=base.id)
        self.pad_id = self._find_pad_id()
        self.choice = choose_template(read_own_template(base.folder), self.tokenizer)
        self._template, self._marks = _compile(self.choice.text)

    def as_family(self, name: str) -> Renderer:
        """The same tokenizer with the template of one of FAMILIES: to look at, no base is trained with it unasked."""
        other = copy(self)
        other.choice = TemplateChoice("family", name, _read_template(name), True)
        other._template, other._marks = _compile(other.choice.text)
        return other

    def render_prompt(self, messages: Messages) -> list[int]:
        """Token ids of a prompt, ready for the model to reply."""
        return self.tokenizer.encode(self.render_prompt_text(messages), add_special_tokens=False).ids

    def render_prompt_text(self, messages: Messages) -> str:
        return self._render(messages, add_generation_prompt=True)[0]

    def iterate_rows(self, conversations: Iterable[Messages]) -> Iterator[RenderedRow]:
        """Each conversation as ids and trained spans, in order; without ids where the template refuses it."""
        source = iter(conversations)
        while batch := list(islice(source, _BATCH_ROWS)):
            rendered = [self._render_or_refuse(messages) for messages in batch]
            encodings = self.tokenizer.encode_batch([text for text, _ in rendered], add_special_tokens=False)
            for (text, spans), encoding in zip(rendered, encodings, strict=True):
                yield row_of(encoding, spans, len(text))

    def render_text(self, messages: Messages) -> tuple[str, list[tuple[int, int]]]:
        """The text of a conversation and the character ranges of what the assistant says, end token included."""
        if not self.choice.marked:
            return self._render_unmarked(messages)
        text, spans = self._render(messages, add_generation_prompt=False)
        # Templates that leave the end token outside their marks would teach a model never to stop.
        size = len(self.end_token)
        return text, [(start, end + size if text.startswith(self.end_token, end) else end) for start, end in spans]

    def _render_or_refuse(self, messages: Messages) -> tuple[str, list[tuple[int, int]]]:
        try:
            return self.render_text(messages)
        except REFUSALS:
            return "", []

    def decode_reply(self, ids: Sequence[int]) -> str:
        """The reply without its end token and the blank that some templates put before it."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True).strip()

    def _render(self, messages: Messages, add_generation_prompt: bool) -> tuple[str, list[tuple[int, int]]]:
        self._marks.clear()
        parts: list[str] = []
        length = 0
        values = {"messages": messages, "add_generation_prompt": add_generation_prompt, **self.special}
        for part in self._template.generate(values):
            self._marks.settle(length, part)
            parts.append(part)
            length += len(part)
        return "".join(parts), list(self._marks.spans)

    def _render_unmarked(self, messages: Messages) -> tuple[str, list[tuple[int, int]]]:
        """What each assistant turn adds to the text, up to its end token, where the template does not say it."""
        whole, _ = self._render(messages, add_generation_prompt=False)
        spans = []
        for index, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before, _ = self._render(messages[:index], add_generation_prompt=True)
            if not whole.startswith(before):
                continue
            content = whole.find(str(message["content"]).strip(), len(before))
            end = whole.find(self.end_token, max(content, len(before)))
            if content >= 0 and end >= 0:
                spans.append((len(before), end + len(self.end_token)))
        return whole, spans

    def _find_pad_id(self) -> int:
        pad = self.special.get("pad_token")
        found = self.tokenizer.token_to_id(pad) if pad else None
        return self.end_id if found is None else found  # type: ignore[return-value]


def choose_template(own: str | None, tokenizer: Any) -> TemplateChoice:
    """The base's own template; else ChatML where its markers are single tokens; else plain lines."""
    if own is not None:
        return TemplateChoice("own", "own", own, "generation" in own and "endgeneration" in own)
    markers = ("<|im_start|>", "<|im_end|>")
    name = "chatml" if all(tokenizer.token_to_id(marker) is not None for marker in markers) else "plain"
    return TemplateChoice("chosen", name, _read_template(name), True)


def _read_template(name: str) -> str:
    return (_TEMPLATES / f"{name}.jinja").read_text("utf-8")


def row_of(encoding: Any, spans: list[tuple[int, int]], length: int) -> RenderedRow:
    """The row of a text that was encoded. spans: what is trained, as character ranges of the text of this length."""
    return RenderedRow(array("i", encoding.ids), tuple(_token_spans(encoding, spans, length)))


def without_prompt(row: RenderedRow, prompt: Sequence[int], reply: Messages) -> RenderedRow:
    """The row of a preference, trained on its reply alone. prompt: ids of what comes before, ready for the reply.

    A template may mark earlier turns too, and may render them in another way once a reply follows.
    """
    shared = common_length(row.ids, prompt)
    turns = sum(message["role"] == "assistant" for message in reply)
    return replace(row, spans=tuple(span for span in row.spans if span[0] >= shared)[-turns:])


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two rows have in common from their start on."""
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return min(len(first), len(second))


def find_drop_cause(row: RenderedRow, max_length: int) -> str | None:
    """Why a row trains nothing: the template refused it, no reply in it, or its replies lie beyond the cut."""
    if not row.ids:
        return "template_refused"
    if row.first_trained is None:
        return "no_reply"
    if not row.trained_within(max_length):
        return "cut_entirely"
    return None


def _token_spans(encoding: Any, spans: list[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Character ranges as token ranges. A character may be several tokens, and a token several characters."""
    for start, end in spans:
        first = encoding.char_to_token(start) if start < length else None
        last = encoding.char_to_token(end) if end < length else len(encoding.ids)
        if first is None or last is None:
            inside = [i for i, (s, e) in enumerate(encoding.offsets) if e > start and s < end]
            first, last = (inside[0], inside[-1] + 1) if inside else (0, 0)
        if last > first:
            yield first, last


def _read_special_tokens(base: Base) -> dict[str, str]:
    """bos, eos, pad and unk tokens as text; whatever the tokenizer's configuration names."""
    found: dict[str, str] = {"bos_token": "", "eos_token": ""}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        path = base.folder / name
        config = read_json(path, base.id) if path.is_file() else {}
        for key, value in config.items():
            if key.endswith("_token") and isinstance(value := _plain(value), str):
                found[key] = value
    return found


def _plain(token: Any) -> Any:
    return token.get("content") if isinstance(token, dict) else token


class _Marks:
    """Where `{% generation %}` blocks fall in the text that is being rendered."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = []
        self._waiting: list[str] = []

    def clear(self) -> None:
        self.spans.clear()
        self._waiting.clear()

    def add(self, text: str) -> None:
        self._waiting.append(text)

    def settle(self, position: int, part: str) -> None:
        """A block's text arrives as a part of its own right after `add`."""
        if self._waiting and part == self._waiting[0]:
            self._waiting.pop(0)
            self.spans.append((position, position + len(part)))


class _Generation(jinja2.ext.Extension):
    """The `{% generation %} … {% endgeneration %}` tag of transformers' chat templates."""

    tags = {"generation"}

    def parse(self, parser: Any) -> Any:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Any) -> str:
        text = caller()
        self.environment.globals["_marks"].add(text)
        return text


def _compile(source: str) -> tuple[jinja2.Template, _Marks]:
    """Sandboxed, with what chat templates may call. The same settings as transformers' own environment."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
    )
    marks = _Marks()
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    environment.globals["_marks"] = marks
    return environment.from_string(source), marks


def _to_json(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    raise jinja2.exceptions.TemplateError(message)
