"""From the preferences of a version to pairs a method trains on, every one that is left out counted by cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.data.records import PREFERENCE
from studio.data.splits import HELD_OUT
from studio.data.versions import read_version
from studio.models.rendering import REFUSALS, Messages, RenderedRow, Renderer, common_length, without_prompt
from studio.training.rows import RowCount

_BATCH_PAIRS = 128


@dataclass(frozen=True)
class Pair:
    """One row's prompt with its two replies. split_key: where the row falls in 0..1, the same for duplicates."""

    row_id: Any
    prompt: list[dict[str, Any]]
    chosen: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    held_out: bool
    split_key: float


@dataclass(frozen=True)
class RenderedPair:
    """Prompt and reply in one row for each side; the spans hold the reply alone, never a turn of the prompt."""

    chosen: RenderedRow
    rejected: RenderedRow

    @property
    def same_until(self) -> int:
        """Place of the first token in which the sides differ: cut here or before, they are the same."""
        return common_length(self.chosen.ids, self.rejected.ids)

    @property
    def first_useful(self) -> int:
        """Place of the first token that must be left for the pair to teach something."""
        return max(self.same_until, *(side.first_trained or 0 for side in (self.chosen, self.rejected)))

    @property
    def longest(self) -> int:
        return max(len(self.chosen.ids), len(self.rejected.ids))

    @property
    def shortest(self) -> int:
        return min(len(self.chosen.ids), len(self.rejected.ids))

    def count_tokens(self, most: int) -> int:
        """Tokens read when both sides are cut to `most`."""
        return min(len(self.chosen.ids), most) + min(len(self.rejected.ids), most)


def iterate_pairs(path: Path, count: RowCount) -> Iterator[Pair]:
    """The preferences of a version, in its order; other rows are counted as dropped."""
    for row in read_version(path):
        count.read += 1
        if row.kind != PREFERENCE:
            count.dropped["wrong_kind"] += 1
            continue
        sides = (row.record[name] for name in ("prompt", "chosen", "rejected"))
        yield Pair(row.row_id, *sides, row.split == HELD_OUT, row.split_key)


def iterate_trained_pairs(
    pairs: Iterable[Pair], renderer: Renderer, max_length: int, count: RowCount
) -> Iterator[tuple[Pair, RenderedPair]]:
    """Those pairs that still differ in their replies when cut to `max_length` tokens; the others are counted by cause."""
    for pair, rendered in iterate_rendered(pairs, renderer):
        if cause := find_pair_drop_cause(rendered, max_length):
            count.dropped[cause] += 1
            continue
        count.kept += 1
        count.truncated += rendered.longest > max_length
        yield pair, rendered


def iterate_rendered(pairs: Iterable[Pair], renderer: Renderer) -> Iterator[tuple[Pair, RenderedPair]]:
    """Each pair with its rows, in order; without ids where the template refuses a side."""
    waiting: list[Pair] = []
    for pair in pairs:
        waiting.append(pair)
        if len(waiting) == _BATCH_PAIRS:
            yield from _render_batch(waiting, renderer)
            waiting = []
    yield from _render_batch(waiting, renderer)


def find_pair_drop_cause(pair: RenderedPair, max_length: int) -> str | None:
    """Why a pair teaches nothing: refused by the template, no reply, a prompt up to the cut, or the same up to it."""
    if not pair.chosen.ids or not pair.rejected.ids:
        return "template_refused"
    if pair.chosen.first_trained is None or pair.rejected.first_trained is None:
        return "no_reply"
    if max(pair.chosen.first_trained, pair.rejected.first_trained) >= max_length:
        return "prompt_fills"
    if pair.same_until >= min(max_length, pair.longest):
        return "same_when_cut"
    return None


def _render_batch(pairs: list[Pair], renderer: Renderer) -> Iterator[tuple[Pair, RenderedPair]]:
    rows = renderer.iterate_rows([[*pair.prompt, *side] for pair in pairs for side in (pair.chosen, pair.rejected)])
    for pair in pairs:
        prompt = _render_prompt(renderer, pair.prompt)
        chosen = without_prompt(next(rows), prompt, pair.chosen)
        yield pair, RenderedPair(chosen, without_prompt(next(rows), prompt, pair.rejected))


def _render_prompt(renderer: Renderer, messages: Messages) -> list[int]:
    """Ids of a prompt, ready for the reply; none where the template refuses it, as it then refuses the whole."""
    try:
        return renderer.render_prompt(messages)
    except REFUSALS:
        return []
