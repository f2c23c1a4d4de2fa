"""Supervised fine-tuning: the model learns to write the assistant's replies of a conversation, and nothing else of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from studio.events import Event
from studio.training.learning import LearningOptions
from studio.words import Text

if TYPE_CHECKING:
    from studio.training.run import Outcome, Run


class SftOptions(LearningOptions):
    """Options of supervised fine-tuning."""


class Sft:
    """The supervised fine-tuning plug."""

    name = "sft"
    title = Text("SFT", "SFT")
    summary = Text(
        "Supervised fine-tuning: learns to reply as the assistant does in your conversations.",
        "教師ありファインチューニング。会話データのアシスタントのように応答することを学びます。",
    )
    options = SftOptions
    kinds = ("conversation", "prompt_completion", "preference")
    learns = "conversations"
    example: dict[str, Any] = {
        "options": {"epochs": 1, "learning_rate": 1e-3, "batch_size": 2, "max_length_tokens": 64},
        "records": [
            {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good morning."}]},
            {"messages": [{"role": "user", "content": "こんにちは"}, {"role": "assistant", "content": "おはよう。"}]},
        ],
    }

    def check(self, options: SftOptions) -> list[dict[str, Any]]:
        return []

    def train(self, run: Run, outcome: Outcome) -> Iterator[Event]:
        """Trains `run.model`; what was reached is left in `outcome`."""
        from studio.training.session import train_rows

        yield from train_rows(run, outcome)


PLUG = Sft()
