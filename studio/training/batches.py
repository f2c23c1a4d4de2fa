"""How much of a batch is padding: rows as they come, sorted by their length, and packed several into one slot."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator
from typing import Any

from studio.training.measures import Lengths

LARGEST_BATCH = 512
SHOWN_ROWS = 12
"""Rows of a batch, or slots, that are drawn as an example."""

_SAMPLED_ROWS = 4_000
_STEPS = 512
"""Packing tells at most so many lengths apart; longer contexts are packed in rounded-up lengths."""


def compare_batches(lengths: Lengths, most: int, batch: int) -> dict[str, Any]:
    """What becomes of batches of `batch` rows cut to `most` tokens: {"rows", "batch", "slot": most, "mixed", "sorted", "packed"}.

    mixed, sorted: {"padding": fraction 0..1 of the tokens computed, "width": mean tokens a row is padded to, "example":
    lengths of a batch's rows}. packed: {"padding", "tokens": mean in a slot, "slots", "example": lengths in each slot};
    slots are filled by best fit, longest first, as trl packs them. A pair is two rows. Rows that train nothing are no
    part of a batch.
    """
    cut = _cut(lengths, most)
    rows = cut.total()
    told: dict[str, Any] = {"rows": rows, "batch": batch, "slot": most}
    if not rows:
        return told | {"mixed": None, "sorted": None, "packed": None}
    tokens = sum(length * count for length, count in cut.items())
    width = _mean_longest(cut, min(batch, rows))
    padded = sum(longest * count for longest, count in _sorted_batches(cut, batch))
    slots = _count_slots(cut, most)
    ordered = sorted(cut.elements()) if rows <= _SAMPLED_ROWS else sorted(_sample(cut, _SAMPLED_ROWS))
    middle = max(0, len(ordered) // 2 - batch // 2)
    return told | {
        "mixed": _figures(1 - tokens / (width * rows), width, _sample(cut, batch)),
        "sorted": _figures(1 - tokens / padded, padded / rows, ordered[middle : middle + batch]),
        "packed": {
            "padding": 1 - tokens / (most * slots),
            "tokens": tokens / slots,
            "slots": slots,
            "example": _spread(_pack(ordered, most), min(batch, SHOWN_ROWS)),
        },
    }


def _figures(padding: float, width: float, example: list[int]) -> dict[str, Any]:
    return {"padding": max(padding, 0.0), "width": width, "example": example[:SHOWN_ROWS]}


def _cut(lengths: Lengths, most: int) -> Counter[int]:
    """How many rows have how many tokens after the cut, without those that train nothing: they all are longer than it."""
    cut: Counter[int] = Counter()
    for side in (lengths.lengths, lengths.shorter):
        for length, count in side.items():
            cut[min(length, most)] += count
    cut[most] -= lengths.count_nothing(most) * (2 if lengths.are_pairs else 1)
    return +cut


def _mean_longest(cut: Counter[int], batch: int) -> float:
    """Expected length of the longest of `batch` rows drawn at random."""
    below, expected, total = 0, 0.0, cut.total()
    for length in sorted(cut):
        share = ((below + cut[length]) / total) ** batch - (below / total) ** batch
        expected += length * share
        below += cut[length]
    return expected


def _sorted_batches(cut: Counter[int], batch: int) -> Iterator[tuple[int, int]]:
    """(tokens of the longest row, rows) of batches of neighbours in length; several at once where they are alike."""
    filled = 0
    for length in sorted(cut):
        left = cut[length]
        if filled:
            taken = min(batch - filled, left)
            filled, left = filled + taken, left - taken
            if filled < batch:
                continue
            yield length, batch
            filled = 0
        whole, filled = divmod(left, batch)
        if whole:
            yield length, whole * batch
    if filled:
        yield max(cut), filled


def _count_slots(cut: Counter[int], most: int) -> int:
    """Slots of `most` tokens that hold all rows.

    A slot that has the least sufficient room for a length still has it after that length was put in, so each takes as
    many as it can before the next one.
    """
    step = math.ceil(min(max(cut), most) / _STEPS)
    rounded: Counter[int] = Counter()
    for length, count in cut.items():
        rounded[min(math.ceil(length / step) * step, most)] += count
    room: Counter[int] = Counter()
    for length in sorted(rounded, reverse=True):
        left = rounded[length]
        for free in sorted(free for free in room if free >= length):
            left -= _fill(room, free, length, min(left, room[free] * (free // length)))
            if not left:
                break
        room[most] += -(-left // (most // length))
        _fill(room, most, length, left)
    return room.total()


def _fill(room: Counter[int], free: int, length: int, rows: int) -> int:
    """Put rows into slots that have so much room, each filled before the next; how many were put."""
    times = free // length
    full, rest = divmod(rows, times)
    room[free] -= full + bool(rest)
    room[free - length * times] += full
    if rest:
        room[free - length * rest] += 1
    if not room[free]:
        del room[free]
    return rows


def _pack(rows: list[int], most: int) -> list[list[int]]:
    """The same for rows one by one: the lengths in each slot."""
    slots: list[list[int]] = []
    room: list[tuple[int, int]] = []
    for length in sorted(rows, reverse=True):
        at = bisect_left(room, (length, 0))
        free, slot = room.pop(at) if at < len(room) else (most, len(slots))
        if slot == len(slots):
            slots.append([])
        slots[slot].append(length)
        insort(room, (free - length, slot))
    return slots


def _sample(cut: Counter[int], rows: int) -> list[int]:
    """So many lengths drawn at random, the same ones every time."""
    lengths = sorted(cut)
    return random.Random(7).choices(lengths, [cut[length] for length in lengths], k=min(rows, cut.total()))


def _spread(slots: list[list[int]], wanted: int) -> list[list[int]]:
    """So many of the slots from all over."""
    return [slots[int((n + 0.5) * len(slots) / wanted)] for n in range(min(wanted, len(slots)))] if slots else []
