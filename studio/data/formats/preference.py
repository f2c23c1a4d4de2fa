"""Preference: a prompt with a chosen and a rejected reply, written out or hidden in what both transcripts share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from studio.data.formats import FormatExample, Record, Row, invalid, share_with
from studio.data.rows import Guess
from studio.data.turns import read_messages
from studio.words import Text

_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant):[ \n]?")
_TURN_ROLES = {"Human": "user", "Assistant": "assistant"}


class Preference:
    name = "preference"
    title = Text(en="Preference pairs", ja="選好ペア")
    summary = Text(
        en="prompt, chosen and rejected as texts or message lists; without a prompt, what chosen and rejected share is the prompt.",
        ja="prompt、chosen、rejected の文字列またはメッセージのリスト。prompt がない場合は chosen と rejected の共通部分を prompt とします。",
    )
    example = FormatExample(
        row={"prompt": "Is the shop open today?", "chosen": "Yes, until six.", "rejected": "Dunno."},
        record={
            "prompt": [{"role": "user", "content": "Is the shop open today?"}],
            "chosen": [{"role": "assistant", "content": "Yes, until six."}],
            "rejected": [{"role": "assistant", "content": "Dunno."}],
        },
    )
    fields = frozenset({"prompt", "chosen", "rejected", "system", "margin"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share = share_with(rows, "chosen", "rejected")
        return Guess(
            self.name, 0.97 * share, "format_fields", {"fields": "chosen, rejected", "share": round(100 * share)}
        )

    def read(self, row: Row) -> Record:
        chosen, rejected = (_side(name, row.get(name)) for name in ("chosen", "rejected"))
        prompt = row.get("prompt")
        if prompt in (None, "", []):
            prompt, chosen, rejected = _split_shared(chosen, rejected)
        else:
            prompt = [_turn("user", prompt)] if type(prompt) is str else read_messages("prompt", prompt)
            chosen, rejected = _without_prompt(prompt, chosen), _without_prompt(prompt, rejected)
        if system := row.get("system"):
            prompt.insert(0, _turn("system", system))
        record: Record = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
        if isinstance(margin := row.get("margin"), (int, float)) and not isinstance(margin, bool):
            record["margin"] = margin
        return record

    def render(self, record: Record) -> Row:
        sides = {name: record[name] for name in ("prompt", "chosen", "rejected")}
        if all(len(messages) == 1 and len(messages[0]) == 2 for messages in sides.values()):
            sides = {name: messages[0]["content"] for name, messages in sides.items()}
        return sides | ({"margin": record["margin"]} if "margin" in record else {})


def _turn(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def _side(field: str, value: Any) -> list[dict[str, Any]]:
    if value is None or value == "":
        raise invalid(field, "field_missing" if value is None else "content_empty")
    if type(value) is not str:
        return read_messages(field, value)
    if value.lstrip().startswith(("Human:", "Assistant:")):
        return _transcript(value.strip())
    return [_turn("assistant", value)]


def _transcript(text: str) -> list[dict[str, Any]]:
    """Anthropic's HH: turns that open with a blank line and `Human:` or `Assistant:`."""
    pieces = _TURN.split(text)
    return [_turn(_TURN_ROLES[speaker], said.strip()) for speaker, said in zip(pieces[1::2], pieces[2::2], strict=True)]


def _split_shared(chosen: list, rejected: list) -> tuple[list, list, list]:
    """The prompt is every turn that both transcripts open with, the replies are what is left."""
    shared = 0
    while shared < min(len(chosen), len(rejected)) and chosen[shared] == rejected[shared]:
        shared += 1
    if shared == 0:
        raise invalid("prompt", "prompt_missing")
    if shared == len(chosen) or shared == len(rejected):
        raise invalid("rejected", "sides_identical")
    return chosen[:shared], chosen[shared:], rejected[shared:]


def _without_prompt(prompt: list, side: list) -> list:
    """Some files repeat the prompt at the start of each reply."""
    return side[len(prompt) :] if len(side) > len(prompt) and side[: len(prompt)] == prompt else side


PLUG = Preference()
