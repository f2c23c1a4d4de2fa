"""Reads an export back: `python -m studio.exporting.readback`, a fresh process that has never seen the adapter.

One JSON order on stdin, JSON lines on stdout: `{"phase"}` as it goes on and `{"checks"}`, `{"mismatch"}` or `{"error"}`
at its end. It ends when its stdin is closed: nobody waits for the answer any more.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from studio.errors import StudioError
from studio.exporting.exporters import EXPORTERS
from studio.exporting.source import load_base
from studio.models.catalogue import Base, read_base_folder
from studio.models.loading import find_end_ids
from studio.models.rendering import Renderer

NEW_TOKENS = 64
LONGEST_TOKENS = 512
"""As far as replies are read on where none has ended: until then nothing shows that the end token was exported too."""

SCORE_TOLERANCE = 1e-4
"""Both replies are computed alike in one process, so their scores are equal to the last digits."""


class Order(BaseModel):
    """source: the adapter's own folder. export: what was made of it. precision: how the base is loaded for both."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    exporter: str
    base: str
    base_folder: str
    precision: str
    source: str
    export: str
    prompts: list[str] = Field(min_length=1)
    threads: int = Field(ge=1)


class Reply(BaseModel):
    """asked: the prompt's token ids. ids: the most likely reply, its end token included where it has one.

    score: mean log-probability of these tokens, nats. It tells two models apart that happen to say the same.
    """

    model_config = ConfigDict(frozen=True)
    asked: list[int]
    ids: list[int]
    score: float
    ended: bool
    text: str


@dataclass(frozen=True)
class Voice:
    """A loaded model and how it is spoken to. ends: tokens its replies stop at. context: tokens it can read."""

    model: Any
    ends: set[int]
    context: int
    render: Callable[[str], list[int]]
    decode: Callable[[list[int]], str]

    def reply(self, prompt: str) -> Reply:
        """At most 64 tokens of it, at least one."""
        asked = self.render(prompt)
        ids, score = generate(self.model, asked, self.ends)
        return self._told(asked, ids, score)

    def read_on(self, reply: Reply) -> Reply:
        """The reply until it ends, has 512 tokens or fills the context; its score stays that of its beginning."""
        room = min(LONGEST_TOKENS, self.context - len(reply.asked)) - len(reply.ids)
        if reply.ended or room <= 0:
            return reply
        made = _generate(self.model, reply.asked + reply.ids, self.ends, room)
        return self._told(reply.asked, made.sequences[0, len(reply.asked) :].tolist(), reply.score)

    def _told(self, asked: list[int], ids: list[int], score: float) -> Reply:
        return Reply(asked=asked, ids=ids, score=score, ended=ids[-1] in self.ends, text=self.decode(ids))


def read_back(order: Order) -> Iterator[dict[str, Any]]:
    """The replies of the adapter, then those of the export, and where they first differ."""
    import torch

    torch.set_num_threads(order.threads)
    base = read_base_folder(order.base, Path(order.base_folder))
    yield {"phase": "asking_adapter"}
    expected, read_on = hear_adapter(order, base)
    yield {"phase": "asking_export"}
    found = hear_export(order, base, read_on)
    for prompt, wanted, had in zip(order.prompts, expected, found, strict=True):
        if cause := find_difference(wanted, had):
            yield {"mismatch": {"cause": cause, "prompt": prompt}}
            return
    yield {"checks": [_check(prompt, reply) for prompt, reply in zip(order.prompts, found, strict=True)]}


def hear_adapter(order: Order, base: Base) -> tuple[list[Reply], int]:
    """Its replies, and how many of them, from the first, were read on until one ended: no other proves its end token."""
    voice = speak_as_trained(Path(order.source), base, order.precision)
    replies, read_on = [voice.reply(prompt) for prompt in order.prompts], 0
    while read_on < len(replies) and not any(reply.ended for reply in replies):
        replies[read_on] = voice.read_on(replies[read_on])
        read_on += 1
    return replies, read_on


def hear_export(order: Order, base: Base, read_on: int) -> list[Reply]:
    tokenizer, model = EXPORTERS[order.exporter].load(Path(order.export), base, order.precision)
    voice = speak_as_stranger(Path(order.export), tokenizer, model, base.context)
    replies = [voice.reply(prompt) for prompt in order.prompts]
    return [voice.read_on(reply) for reply in replies[:read_on]] + replies[read_on:]


def speak_as_trained(folder: Path, base: Base, precision: str) -> Voice:
    """Rendered by the studio's own code and stopped at the base's end tokens."""
    from peft import PeftModel

    renderer = Renderer(base)

    def render(prompt: str) -> list[int]:
        return renderer.render_prompt([{"role": "user", "content": prompt}])

    model = PeftModel.from_pretrained(load_base(base, precision), folder, use_safetensors=True).eval()
    return Voice(model, find_end_ids(base, renderer.end_id), base.context, render, renderer.decode_reply)


def speak_as_stranger(folder: Path, tokenizer: Any, model: Any, context: int) -> Voice:
    """Rendered by the exported tokenizer and template, stopped at the end tokens that the export itself names."""

    def render(prompt: str) -> list[int]:
        messages = [{"role": "user", "content": prompt}]
        rendered = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)
        return list(rendered["input_ids"])

    def decode(ids: list[int]) -> str:
        return tokenizer.decode(ids, skip_special_tokens=True).strip()

    return Voice(model, _exported_ends(folder, tokenizer), context, render, decode)


def generate(model: Any, asked: list[int], ends: set[int]) -> tuple[list[int], float]:
    """At most 64 of the most likely tokens, at least one, and their mean log-probability."""
    import torch

    made = _generate(model, asked, ends, NEW_TOKENS, output_logits=True)
    ids = made.sequences[0, len(asked) :]
    chances = torch.cat(made.logits).float().log_softmax(-1)
    return ids.tolist(), chances.gather(1, ids[:, None]).mean().item()


def _generate(model: Any, asked: list[int], ends: set[int], most: int, **more: Any) -> Any:
    import torch

    given = torch.tensor([asked])
    with torch.no_grad():
        return model.generate(
            input_ids=given,
            attention_mask=torch.ones_like(given),
            do_sample=False,
            max_new_tokens=most,
            eos_token_id=sorted(ends),
            pad_token_id=min(ends),
            return_dict_in_generate=True,
            **more,
        )


def find_difference(wanted: Reply, had: Reply) -> str | None:
    """A cause worded under `mismatch.<cause>`, or None where both are the same token by token."""
    if wanted.asked != had.asked:
        return "prompt_tokens"
    shared = min(len(wanted.ids), len(had.ids))
    if wanted.ids[:shared] != had.ids[:shared]:
        return "reply"
    if wanted.ids != had.ids or wanted.ended != had.ended:
        return "end_token"
    return "score" if abs(wanted.score - had.score) > SCORE_TOLERANCE else None


def _exported_ends(folder: Path, tokenizer: Any) -> set[int]:
    path = folder / "generation_config.json"
    named = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
    ends = {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])}
    return ends - {None}


def _check(prompt: str, reply: Reply) -> dict[str, Any]:
    return {"prompt": prompt, "reply": reply.text, "tokens": len(reply.ids), "ended": reply.ended}


def main() -> None:
    # Libraries that print must not come between our lines.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    order = Order.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        for line in read_back(order):
            print(json.dumps(line), file=answers, flush=True)
    except StudioError as error:
        print(json.dumps({"error": {"code": error.code, "values": error.values}}), file=answers, flush=True)


def _end_with_stdin() -> None:
    while os.read(0, 4096):  # not sys.stdin: its lock would still be held when the interpreter ends
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
