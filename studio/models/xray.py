"""A record as a base model reads it: every token with its id, the text it stands for, and whether it is trained.

Needs tokenizers only. Ids and mask come from where training rows come from: `rendering.row_of`, and of
preferences `rendering.without_prompt`: their replies alone are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from studio.data.records import (
    CLASSIFICATION,
    CONVERSATION,
    DOCUMENT,
    EXTRACTION,
    PREFERENCE,
    PROMPT_COMPLETION,
    SIDES,
    UNPAIRED,
    VERIFIABLE,
    Problem,
    check_record,
    record_kind,
)
from studio.models.rendering import (
    REFUSALS,
    Messages,
    RenderedRow,
    Renderer,
    find_drop_cause,
    row_of,
    without_prompt,
)
from studio.models.template_losses import find_losses

LONGEST = 1_048_576
"""More tokens than any base reads: what is cut there is whole."""

COUNTED_RECORDS = 200
"""Records that are counted at once: a page of the table."""

HEAD_TOKENS = 4_000
AROUND_TOKENS = 300
"""Of a row longer than the head, so many tokens are shown on each side of the cut, and at the end."""

CONVERSATIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    CONVERSATION: {"conversation": ("messages",)},
    PROMPT_COMPLETION: {"conversation": ("prompt", "completion")},
    PREFERENCE: {"chosen": ("prompt", "chosen"), "rejected": ("prompt", "rejected")},
}
"""What is rendered of a record of each kind, by the name of the side, and of which message lists it is made."""

UNTRAINED: Mapping[str, tuple[str, str]] = {
    UNPAIRED: ("conversation", "label_unseen"),
    VERIFIABLE: ("prompt", "answer_unseen"),
    DOCUMENT: ("text", "no_messages"),
    CLASSIFICATION: ("text", "no_messages"),
    EXTRACTION: ("text", "no_messages"),
}
"""Kinds that no method learns from: the name of the side that is shown, and the problem that says what is missing."""

_UNRENDERABLE = frozenset(
    ["record_unknown", "messages_not_a_list", "message_not_an_object", "content_not_text", "role_unknown"]
)
_SPACE = "▁"
"""How sentencepiece writes a space; it also puts one before a text that has none."""

Piece = dict[str, Any]


def render_record(
    renderer: Renderer, kind: str | None, record: Any, max_length: int, counts_only: bool = False
) -> dict[str, Any]:
    """The record token by token, as rows cut to `max_length` tokens are trained. Long rows are shown in parts.

    counts_only: `tokens` stay empty; how many there are is told.

    sides: {name: conversation, chosen or rejected, tokens, total, trained, special, cut_at: None or where it is cut};
    special: how many tokens are markers of the template and no text. tokens:
    pieces {ids, at: the place of the first, text, trained, special, cut}, of several ids where only together they are
    whole characters; `part`: the piece is not even that; `unknown`: the token that the model sees in place of the text.
    {gap, trained}: so many tokens are left out here. `trained` counts what is left after the cut.
    template: {source, name}. problems: {code, side, …}; words under `xray.problem.<code>` and `refused.<code>`.
    """
    answer: dict[str, Any] = {
        "sides": [],
        "template": {"source": renderer.choice.source, "name": renderer.choice.name},
        "max_length": max_length,
        "problems": [],
    }
    if broken := [problem for problem in check_record(record) if problem["code"] in _UNRENDERABLE]:
        return answer | {"problems": [{"side": None} | problem for problem in broken]}
    if kind in UNTRAINED and kind == record_kind(record):
        return answer | _render_untrained(renderer, kind, record, max_length, counts_only)
    if kind not in CONVERSATIONS or any(side not in record for side in SIDES[kind]):
        return answer | {"problems": [{"side": None, "code": "record_unknown"}]}
    for name, lists in CONVERSATIONS[kind].items():
        messages = [message for part in lists for message in record[part]]
        reply = record[name] if kind == PREFERENCE else messages
        pieces, problems = _render_side(renderer, messages, reply, max_length)
        side = {"name": name, "tokens": [], "total": 0, "trained": 0, "special": 0, "cut_at": None}
        if pieces:
            side |= pieces.counts()
        if pieces and not counts_only:
            side["tokens"] = list(pieces.iterate())
            problems += find_losses(renderer, messages, pieces.text, record.get("tools") or ())
        answer["sides"].append(side)
        answer["problems"] += [{"side": name} | problem for problem in problems]
    return answer


def count_tokens(renderer: Renderer, record: Any) -> int | None:
    """The tokens of a record's longest side, uncut; None where it cannot be rendered."""
    found = render_record(renderer, record_kind(record), record, LONGEST, counts_only=True)
    return max((side["total"] for side in found["sides"]), default=0) or None


def _render_untrained(
    renderer: Renderer, kind: str, record: Mapping[str, Any], max_length: int, counts_only: bool
) -> dict[str, Any]:
    """The tokens of a record of which nothing is trained, and the reason in a problem."""
    name, code = UNTRAINED[kind]
    if problems := check_record(record):
        return {"problems": [{"side": None} | problem for problem in problems]}
    try:
        if kind == UNPAIRED:
            text, _ = renderer.render_text([*record["prompt"], *record["completion"]])
        else:
            text = renderer.render_prompt_text(record["prompt"]) if kind == VERIFIABLE else record["text"]
    except REFUSALS as refusal:
        return {"problems": [{"side": None, "code": "template_refused", "said": str(refusal)[:300]}]}
    encoding = renderer.tokenizer.encode(text, add_special_tokens=False)
    row = row_of(encoding, [], len(text))
    pieces = _Pieces(_Vocabulary.of(renderer), text, encoding.offsets, row, max_length)
    side = {"name": name, "tokens": [] if counts_only else list(pieces.iterate())} | pieces.counts()
    return {"sides": [side], "problems": [{"side": None, "code": code}]}


def _render_side(
    renderer: Renderer, messages: Messages, reply: Messages, max_length: int
) -> tuple[_Pieces | None, list[Problem]]:
    """reply: the last of the messages, which alone are trained. No pieces where the template refuses them."""
    before = messages[: len(messages) - len(reply)]
    try:
        text, spans = renderer.render_text(messages)
        prompt = renderer.render_prompt(before) if before else []
    except REFUSALS as refusal:
        return None, [{"code": "template_refused", "said": str(refusal)[:300]}]
    encoding = renderer.tokenizer.encode(text, add_special_tokens=False)
    row = row_of(encoding, spans, len(text))
    problems: list[Problem] = []
    if before:
        whole, row = row, without_prompt(row, prompt, reply)
        if count := len(whole.spans) - len(row.spans):
            problems.append({"code": "replies_in_prompt", "count": count})
    if cause := find_drop_cause(row, max_length):
        problems.append({"code": cause})
    vocabulary = _Vocabulary.of(renderer)
    problems += _find_disguised(messages, vocabulary.special)
    return _Pieces(vocabulary, text, encoding.offsets, row, max_length), problems


@dataclass(frozen=True)
class _Vocabulary:
    """special: texts by id. unknown: the id for what is in no vocabulary; byte-level models have none."""

    tokenizer: Any
    special: Mapping[int, str]
    unknown: int | None

    @classmethod
    def of(cls, renderer: Renderer) -> _Vocabulary:
        tokenizer = renderer.tokenizer
        special = {key: token.content for key, token in tokenizer.get_added_tokens_decoder().items() if token.special}
        unknown = getattr(tokenizer.model, "unk_token", None)
        return cls(tokenizer, special, None if unknown is None else tokenizer.token_to_id(unknown))

    def text_of(self, ids: list[int]) -> str:
        """Tokens that stand for no character of the text, as the vocabulary writes them."""
        return "".join(self.tokenizer.id_to_token(key) or "" for key in ids).replace(_SPACE, " ")


def _find_disguised(messages: Messages, special: Mapping[int, str]) -> Iterator[Problem]:
    """Texts that read like a special token become one, wherever they stand: rarely what a writer wants."""
    for name in special.values():
        if count := sum(str(message.get("content")).count(name) for message in messages):
            yield {"code": "special_in_text", "token": name, "count": count}


@dataclass(frozen=True)
class _Pieces:
    """offsets: (T, 2) the characters of the text that each token stands for."""

    vocabulary: _Vocabulary
    text: str
    offsets: list[tuple[int, int]]
    row: RenderedRow
    max_length: int

    def counts(self) -> dict[str, Any]:
        """total, trained, special and cut_at of the side."""
        total = len(self.row.ids)
        return {
            "total": total,
            "trained": self.row.trained_within(self.max_length),
            "special": sum(key in self.vocabulary.special for key in self.row.ids),
            "cut_at": self.max_length if total > self.max_length else None,
        }

    def iterate(self) -> Iterator[Piece]:
        """All of a short row; of a long one its head, what is around the cut, its end, and the gaps between."""
        total = len(self.row.ids)
        trained = bytearray(total)
        for start, end in self.row.spans:
            trained[start:end] = b"\1" * (end - start)
        at = 0
        for first, last in _windows(total, self.max_length):
            first = max(at, self._group_start(first))
            if first > at:
                yield {"gap": first - at, "trained": sum(trained[at : min(first, self.max_length)])}
            at = first
            while at < last:
                end, reach = self._group_end(at)
                yield from self._split(range(at, end), self.text[self.offsets[at][0] : reach], trained)
                at = end

    def _group_start(self, at: int) -> int:
        while 0 < at < len(self.offsets) and self.offsets[at][0] < self.offsets[at - 1][1]:
            at -= 1
        return at

    def _group_end(self, at: int) -> tuple[int, int]:
        """Where the run of tokens ends that shares characters with the one at `at`, and the end of its characters."""
        end, reach = at + 1, self.offsets[at][1]
        if self._is_inserted(at):
            return end, self.offsets[at][0]
        while end < len(self.offsets) and self.offsets[end][0] < reach:
            reach = max(reach, self.offsets[end][1])
            end += 1
        return end, reach

    def _is_inserted(self, at: int) -> bool:
        """A space of the tokenizer's own, which claims the character that follows it."""
        return self.vocabulary.tokenizer.id_to_token(self.row.ids[at]) == _SPACE and not self.text.startswith(
            " ", self.offsets[at][0]
        )

    def _split(self, group: range, text: str, trained: bytearray) -> Iterator[Piece]:
        """The tokens of whole characters as one piece, or as several where a cut or a mask goes through them."""
        fates = [list(run) for _, run in groupby(group, key=lambda i: (trained[i], i >= self.max_length))]
        for run in fates:
            ids = list(self.row.ids[run[0] : run[-1] + 1])
            is_cut = run[0] >= self.max_length
            piece = {
                "ids": ids,
                "at": run[0],
                "text": text or self.vocabulary.text_of(ids),
                "trained": bool(trained[run[0]]) and not is_cut,
                "special": ids[0] in self.vocabulary.special,
                "cut": is_cut,
            }
            if len(fates) > 1:
                piece["part"] = True
            if self.vocabulary.unknown in ids and text != (
                unknown := self.vocabulary.text_of([self.vocabulary.unknown])
            ):
                piece |= {"unknown": unknown, "special": False}
            yield piece


def _windows(total: int, max_length: int) -> list[tuple[int, int]]:
    """[start, end) ranges of tokens to show, in order."""
    if total <= HEAD_TOKENS + AROUND_TOKENS:
        return [(0, total)]
    wanted = [(0, HEAD_TOKENS), (total - AROUND_TOKENS, total)]
    if max_length < total:
        wanted.append((max_length - AROUND_TOKENS, max_length + AROUND_TOKENS))
    shown: list[tuple[int, int]] = []
    for start, end in sorted(wanted):
        if shown and start <= shown[-1][1]:
            start, end = shown[-1][0], max(end, shown.pop()[1])
        shown.append((max(start, 0), min(end, total)))
    return shown
