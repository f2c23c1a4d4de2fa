"""What a model is asked so that it writes another example: first a new question, then the reply to it.

Self-Instruct (Wang et al. 2022, arXiv:2212.10560) shows a few tasks that are there and lets the model go on with the
list. Here the list is a conversation, which chat models and small ones follow alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.data.records import CONVERSATION, PROMPT_COMPLETION

MAKEABLE = (CONVERSATION, PROMPT_COMPLETION)
"""Kinds of records of which more can be made: a question and a reply."""

LONGEST_QUESTION = 2000
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_NUMBER = re.compile(r"^\s*(?:\d{1,3}[.)、．]|[-*・]|Q[:：]|質問[:：])\s*")
_QUOTES = (('"', '"'), ("「", "」"), ("“", "”"))
_ASK = {
    "en": ("You write messages that people send to an assistant. Write one message at a time, each different from those before. Write only the message.", "Write another one."),
    "ja": ("あなたは、人がアシスタントに送るメッセージを書きます。一度に一つだけ、これまでと違うメッセージを書いてください。メッセージだけを書いてください。", "もう一つ書いてください。"),
}  # fmt: skip

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Seed:
    """A row to learn from. system: empty where it has none."""

    row_id: int
    system: str
    question: str
    reply: str


def read_seed(row_id: int, record: Mapping[str, Any]) -> Seed | None:
    """The first question and the reply to it; None for a record that has no such pair of plain texts."""
    turns = record.get("messages") or [*record.get("prompt", ()), *record.get("completion", ())]
    system = turns[0]["content"] if turns and turns[0]["role"] == "system" else ""
    turns = turns[bool(system) :]
    if len(turns) < 2 or [turn["role"] for turn in turns[:2]] != ["user", "assistant"]:
        return None
    question, reply = turns[0]["content"].strip(), turns[1]["content"].strip()
    return Seed(row_id, system, question, reply) if question and reply else None


def build_record(kind: str, system: str, question: str, reply: str) -> dict[str, Any]:
    """A record of a makeable kind."""
    asked = [{"role": "system", "content": system}] if system else []
    asked.append({"role": "user", "content": question})
    said = [{"role": "assistant", "content": reply}]
    return {"prompt": asked, "completion": said} if kind == PROMPT_COMPLETION else {"messages": asked + said}


def question_messages(seeds: Sequence[Seed]) -> Messages:
    """The conversation that asks for a question like those of the seeds, in their language."""
    instruction, ask = _ASK[find_language(seeds)]
    messages = [{"role": "system", "content": instruction}]
    for seed in seeds:
        messages += [{"role": "user", "content": ask}, {"role": "assistant", "content": seed.question}]
    return [*messages, {"role": "user", "content": ask}]


def reply_messages(seeds: Sequence[Seed], question: str) -> Messages:
    """The conversation that asks for the reply: the seeds' questions and replies come before, as examples of the tone."""
    system = next((seed.system for seed in seeds if seed.system), "")
    messages = [{"role": "system", "content": system}] if system else []
    for seed in seeds:
        messages += [{"role": "user", "content": seed.question}, {"role": "assistant", "content": seed.reply}]
    return [*messages, {"role": "user", "content": question}]


def read_question(text: str) -> str:
    """The question in what a model wrote: its first line with words, without a number or quotation marks around it."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    line = _NUMBER.sub("", line).strip()
    for begin, end in _QUOTES:
        if len(line) > 2 and line.startswith(begin) and line.endswith(end):
            line = line[1:-1].strip()
    return line[:LONGEST_QUESTION]


def find_language(seeds: Sequence[Seed]) -> str:
    """ "ja" where most of the questions have Japanese characters, else "en"."""
    japanese = sum(bool(_JAPANESE.search(seed.question)) for seed in seeds)
    return "ja" if japanese * 2 > len(seeds) else "en"
