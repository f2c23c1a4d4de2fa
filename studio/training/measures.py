"""How long the rows of a version are as one base reads them: small enough to keep, exact for any maximum length."""

from __future__ import annotations

import hashlib
import heapq
import json
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.models.catalogue import Base, read_own_template
from studio.training.methods import Learns
from studio.training.pairs import RenderedPair

FORMAT = 3
FOLDER = "measures"
LISTED_ROWS = 10_000
"""So many rows that train nothing can be shown one by one; all of them are counted."""
RULE_CHOSEN, RULE_REJECTED = 0.8, 0.3
"""A rule is what the preferences are about when so many chosen replies pass it at least, and so many rejected at most."""


@dataclass
class Lengths:
    """One side of a split. lengths, firsts: how many rows have this many tokens, and their first trained token there.

    starts, ends: how many runs of trained tokens begin and end at this place. Of pairs `lengths` are those of the longer
    side, `shorter` those of the other one, and a pair trains something from where its sides differ.
    """

    lengths: Counter[int] = field(default_factory=Counter)
    firsts: Counter[int] = field(default_factory=Counter)
    starts: Counter[int] = field(default_factory=Counter)
    ends: Counter[int] = field(default_factory=Counter)
    shorter: Counter[int] = field(default_factory=Counter)

    def add(
        self, length: int, spans: Sequence[Sequence[int]], first: int | None = None, shorter: int | None = None
    ) -> None:
        """first: where training begins, unless it is where the first span does; shorter: of a pair, its other side."""
        self.lengths[length] += 1
        self.firsts[spans[0][0] if first is None else first] += 1
        for start, end in spans:
            self.starts[start] += 1
            self.ends[end] += 1
        if shorter is not None:
            self.shorter[shorter] += 1

    def add_pair(self, pair: RenderedPair) -> None:
        self.add(pair.longest, [*pair.chosen.spans, *pair.rejected.spans], pair.first_useful, pair.shortest)

    def __add__(self, other: Lengths) -> Lengths:
        return Lengths(*(getattr(self, name) + getattr(other, name) for name in _COUNTED))

    @property
    def rows(self) -> int:
        return self.lengths.total()

    @property
    def are_pairs(self) -> bool:
        return bool(self.shorter)

    @property
    def longest(self) -> int:
        return max(self.lengths, default=0)

    def count_nothing(self, most: int) -> int:
        """Rows of which nothing is trained when they are cut to `most` tokens."""
        return sum(count for first, count in self.firsts.items() if first >= most)

    def count_cut(self, most: int) -> int:
        """Rows that are cut but still train something."""
        return sum(count for length, count in self.lengths.items() if length > most) - self.count_nothing(most)

    def count_tokens(self, most: int) -> int:
        """Tokens of the rows that train something. A row that trains nothing is longer than `most`, both sides of a pair."""
        tokens = sum(
            min(length, most) * count for side in (self.lengths, self.shorter) for length, count in side.items()
        )
        return tokens - most * self.count_nothing(most) * (2 if self.are_pairs else 1)

    def count_trained(self, most: int) -> int:
        """Tokens that the loss is taken on when rows are cut to `most` tokens."""
        begun = sum((most - start) * count for start, count in self.starts.items() if start < most)
        return begun - sum((most - end) * count for end, count in self.ends.items() if end < most)

    def mean_longest(self, most: int, batch: int) -> float:
        """Expected length of the longest of `batch` rows drawn at random: what a padded batch is as wide as."""
        cut: Counter[int] = Counter()
        for length, count in self.lengths.items():
            cut[min(length, most)] += count
        below, expected, total = 0, 0.0, cut.total()
        for length in sorted(cut):
            share = ((below + cut[length]) / total) ** batch - (below / total) ** batch
            expected += length * share
            below += cut[length]
        return expected


_COUNTED = ("lengths", "firsts", "starts", "ends", "shorter")


@dataclass
class Measure:
    """What a measuring job found. dropped: rows that no maximum length can help, by cause.

    late: (place of the first trained token or None, row id) of the LISTED_ROWS rows that begin to train the latest.
    rules: of pairs, how many chosen and how many rejected replies pass each verifier that needs no value.
    last_change: of rows as they stood, the newest change of the dataset that is counted; None of a version.
    """

    read: int
    train: Lengths
    held_out: Lengths
    dropped: Mapping[str, int]
    from_preference: int
    late: list[tuple[int | None, int]] = field(default_factory=list)
    rules: dict[str, tuple[int, int]] = field(default_factory=dict)
    last_change: int | None = None

    @property
    def rule(self) -> tuple[str, float, float] | None:
        """The verifier that tells chosen from rejected replies, with the shares of both that pass it; None if none does."""
        pairs = self.learnable
        shares = [(name, chosen / pairs, rejected / pairs) for name, (chosen, rejected) in self.rules.items() if pairs]
        telling = [found for found in shares if found[1] >= RULE_CHOSEN and found[2] <= RULE_REJECTED]
        return max(telling, key=lambda found: found[1] - found[2], default=None)

    @property
    def learnable(self) -> int:
        """Rows that train something when nothing is cut."""
        return self.train.rows + self.held_out.rows

    def count_lost(self, most: int) -> int:
        """Rows that train nothing when they are cut to `most` tokens."""
        return self.train.count_nothing(most) + self.held_out.count_nothing(most)

    def list_lost(self, most: int) -> list[int]:
        """Ids of rows that train nothing when they are cut to `most` tokens, in order; at most LISTED_ROWS."""
        return sorted(row_id for first, row_id in self.late if first is None or first >= most)

    def to_json(self) -> dict[str, Any]:
        def pairs(counts: Counter[int]) -> list[list[int]]:
            return sorted([key, count] for key, count in counts.items())

        sides = {
            name: {what: pairs(getattr(side, what)) for what in _COUNTED}
            for name, side in (("train", self.train), ("held_out", self.held_out))
        }
        return {
            "format": FORMAT,
            "read": self.read,
            "dropped": dict(self.dropped),
            "from_preference": self.from_preference,
            "late": self.late,
            "rules": self.rules,
            "last_change": self.last_change,
            **sides,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Measure:
        def side(name: str) -> Lengths:
            return Lengths(*(Counter(dict(found[name][what])) for what in _COUNTED))

        return cls(
            found["read"],
            side("train"),
            side("held_out"),
            found["dropped"],
            found["from_preference"],
            [(first, row_id) for first, row_id in found["late"]],
            {name: (chosen, rejected) for name, (chosen, rejected) in found["rules"].items()},
            found.get("last_change"),
        )


def measure_path(workspace: Path, version: str, base: Base, learns: Learns = "conversations") -> Path:
    """One file per version, tokenizer and template: a base that changed is measured anew. Pairs have one of their own.

    version: a fingerprint; the id of a dataset for its rows as they stand.
    """
    digest = hashlib.sha256((base.folder / "tokenizer.json").read_bytes())
    digest.update((read_own_template(base.folder) or "").encode())
    kind = "-pairs" if learns == "pairs" else ""
    return workspace / FOLDER / f"{version}-{digest.hexdigest()[:16]}{kind}.json"


def find_measure(path: Path) -> Measure | None:
    """None where nothing was measured yet, or by an older format."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return Measure.from_json(found) if found.get("format") == FORMAT else None


def write_measure(path: Path, measure: Measure) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".part{os.getpid()}")
    part.write_text(json.dumps(measure.to_json(), separators=(",", ":")), "utf-8")
    part.replace(path)


class LateRows:
    """Collects the rows whose first trained token comes latest, and those that never have one."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []

    def add(self, first: int | None, row_id: int) -> None:
        entry = (math.inf if first is None else first, -row_id)
        if len(self._heap) < LISTED_ROWS:
            heapq.heappush(self._heap, entry)
        elif entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def found(self) -> list[tuple[int | None, int]]:
        """(place of the first trained token, row id), in no order."""
        return [(None if first == math.inf else int(first), -row_id) for first, row_id in self._heap]
