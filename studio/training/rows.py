"""From the records of a version to rows a conversation method trains on, every one that is left out counted by cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from studio.data.records import CONVERSATION, PREFERENCE, PROMPT_COMPLETION
from studio.data.splits import HELD_OUT, held_out_threshold, split_of
from studio.data.versions import read_version
from studio.models.rendering import RenderedRow, Renderer, find_drop_cause

R = TypeVar("R")
MOST_LOST_FRACTION = 0.3
"""A run in which more rows than this lose every label asks for a confirmation."""


@dataclass(frozen=True)
class Conversation:
    """One row's conversation. split_key: where the row falls in 0..1, the same for duplicates."""

    row_id: Any
    messages: list[dict[str, Any]]
    held_out: bool
    split_key: float


@dataclass
class RowCount:
    """What became of the rows: read = kept + all dropped. `truncated` are among the kept."""

    read: int = 0
    kept: int = 0
    truncated: int = 0
    from_preference: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def lost_labels(self) -> int:
        """Rows that the maximum length cuts before the first trained token, or where both replies are still the same."""
        return self.dropped["cut_entirely"] + self.dropped["prompt_fills"] + self.dropped["same_when_cut"]


def find_conversation(kind: str, record: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The messages to learn: of a preference those with the chosen reply. None where the kind holds no conversation."""
    if kind == CONVERSATION:
        return record["messages"]
    if kind == PROMPT_COMPLETION:
        return [*record["prompt"], *record["completion"]]
    if kind == PREFERENCE:
        return [*record["prompt"], *record["chosen"]]
    return None


def iterate_conversations(path: Path, count: RowCount) -> Iterator[Conversation]:
    """The conversations of a version, in its order; other rows are counted as dropped."""
    for row in read_version(path):
        count.read += 1
        messages = find_conversation(row.kind, row.record)
        if messages is None:
            count.dropped["wrong_kind"] += 1
            continue
        count.from_preference += row.kind == PREFERENCE
        yield Conversation(row.row_id, messages, row.split == HELD_OUT, row.split_key)


def sort_split(rows: list[R], fraction: float | None) -> list[R]:
    """The same conversations or pairs with another share of them held out, by split key; None keeps the version's split."""
    if fraction is None:
        return rows
    threshold = held_out_threshold([row.split_key for row in rows], fraction)
    return [replace(row, held_out=split_of(row.split_key, threshold) == HELD_OUT) for row in rows]


def iterate_trained_rows(
    conversations: Iterable[Conversation], renderer: Renderer, max_length: int, count: RowCount
) -> Iterator[tuple[Conversation, RenderedRow]]:
    """Those rows that still train something when cut to `max_length` tokens; the others are counted by cause."""
    kept: list[Conversation] = []

    def messages() -> Iterator[list[dict[str, Any]]]:
        for conversation in conversations:
            kept.append(conversation)
            yield conversation.messages

    for index, row in enumerate(renderer.iterate_rows(messages())):
        conversation, kept[index] = kept[index], None  # type: ignore[call-overload]
        if cause := find_drop_cause(row, max_length):
            count.dropped[cause] += 1
            continue
        count.kept += 1
        count.truncated += len(row.ids) > max_length
        yield conversation, row
