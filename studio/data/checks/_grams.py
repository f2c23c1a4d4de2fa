"""Which texts share long stretches: an index of texts, and what other texts have in common with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from studio.data.checks._folding import fold
from studio.data.checks._stretches import Stretches, hash_stretches
from studio.data.records import iterate_texts

LEAST_SHARED_CHARACTERS = 13
"""So many stretches of a text without spaces must be shared, 25 characters in a row: 13 alone are a stock phrase in
Japanese (について同じことを教えてください), as five or six words are in English."""

LEAST_CONTAINMENT = 0.5
MOST_GRAMS = 12_000_000
"""In memory at once, 12 bytes each, 45 while they are sorted. Of more, every second, fourth … is taken, by the value of its hash."""

MOST_SHARED = 20
"""A stretch in more rows than this is boilerplate: a system prompt, a template, a licence."""

_BATCH_CHARACTERS = 200_000
_MOST_FILTER_BITS = 24
"""16 MB. One place in twenty is filled at 100,000 rows; where most are, most stretches are searched for after all."""

_NAME_BITS = 32


class Shared(NamedTuple):
    """containment: which part of the shorter text's stretches is in the other one, 0..1."""

    name: int
    other: int
    containment: float


Named = tuple[int, list[str]]
"""What texts are called by the caller, a number below 2**31, and the texts; each is compared for itself."""


def asked_texts(record: dict[str, Any]) -> list[str]:
    """What an evaluation asks: the user's turns, or the text itself. Equal replies to other questions are no leak."""
    return [text for _, role, text in iterate_texts(record) if role in ("user", "text")]


def learned_texts(record: dict[str, Any]) -> list[str]:
    """Where the answers to an evaluation may be learned: every text but system prompts and labels."""
    return [text for _, role, text in iterate_texts(record) if role not in ("system", "label")]


class Grams:
    """An index of texts by their stretches. A name stands for one text here."""

    def __init__(self) -> None:
        self._hashes: list[np.ndarray] = []
        self._names: list[np.ndarray] = []
        self._kept = 0
        self._step = 1
        self._texts = 0

    def __bool__(self) -> bool:
        return self._kept > 0

    def add(self, texts: Iterable[Named]) -> None:
        for names, found in _batches(texts):
            self._texts += len(names)
            taken = self._is_taken(found.hashes)
            self._hashes.append(found.hashes[taken])
            self._names.append(names[found.owners[taken]])
            self._kept += int(taken.sum())
            while self._kept > MOST_GRAMS:
                self._thin()

    def find(self, texts: Callable[[set[int] | None], Iterable[Named]]) -> Iterator[Shared]:
        """For each name the text of the index that one of its texts shares most with, LEAST_CONTAINMENT at least, once
        what more than MOST_SHARED of these texts hold is left out: boilerplate on their side.

        texts: those of the given names, of all for None. They are read once where nothing is found, else twice.
        """
        index = self._index()
        if not len(index.hashes):
            return
        held = np.zeros(len(index.hashes), dtype=np.int32)
        suspected = {found.name for found in self._find(texts(None), index, held)}
        if suspected:
            yield from self._find(texts(suspected), index.without(np.flatnonzero(held > MOST_SHARED)), None)

    def _find(self, texts: Iterable[Named], index: _Index, held: np.ndarray | None) -> Iterator[Shared]:
        """held: int32 (hashes of the index,), where it is counted how many of the texts have each, at its first place."""
        for names, found in _batches(texts):
            taken = self._is_taken(found.hashes)
            hashes, owners = found.hashes[taken], found.owners[taken]
            hits, firsts, counts = index.places(hashes)
            if held is not None:
                np.add.at(held, firsts, 1)
            sizes = np.bincount(owners, minlength=len(names))
            least = np.maximum(_needed(found) // self._step, 1)
            yield from _closest(index, names, (sizes, least), (owners[hits], firsts, counts))

    def _is_taken(self, hashes: np.ndarray) -> np.ndarray:
        return hashes & np.uint64(self._step - 1) == 0

    def _thin(self) -> None:
        self._step *= 2
        for number, (hashes, names) in enumerate(zip(self._hashes, self._names, strict=True)):
            taken = self._is_taken(hashes)
            self._hashes[number], self._names[number] = hashes[taken], names[taken]
        self._kept = sum(map(len, self._hashes))

    def _index(self) -> _Index:
        """Of all that was added but the boilerplate of the index itself. Each array takes the place of the last."""
        hashes = np.concatenate([np.empty(0, np.uint64), *self._hashes])
        self._hashes = []
        order = np.argsort(hashes)
        hashes = hashes[order]
        names = np.concatenate([np.empty(0, np.int32), *self._names])
        self._names = []
        names = names[order]
        self._hashes, self._names = [hashes], [names]
        firsts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
        counts = np.diff(firsts, append=len(hashes))
        most = max(3, min(MOST_SHARED, self._texts // 10))
        return _indexed(hashes, names).without(firsts[counts > most])


@dataclass(frozen=True)
class _Index:
    """hashes: uint64 (N,), ascending; names: int32 (N,), the text of each. texts, sizes: int64 (T,), the distinct names
    in order, and how many hashes each has. filter: bool (2**bits,), whether there is a hash with these last bits."""

    hashes: np.ndarray
    names: np.ndarray
    texts: np.ndarray
    sizes: np.ndarray
    filter: np.ndarray

    def places(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(which of the hashes there are, the first place of each, how many places each has). Most are nowhere: a look
        into the filter costs a thirtieth of a search."""
        hits = np.flatnonzero(self.filter[hashes & np.uint64(len(self.filter) - 1)])
        firsts = np.searchsorted(self.hashes, hashes[hits])
        counts = np.searchsorted(self.hashes, hashes[hits], "right") - firsts
        real = counts > 0
        return hits[real], firsts[real], counts[real]

    def without(self, firsts: np.ndarray) -> _Index:
        """firsts: the first places of hashes that are left out everywhere."""
        if not len(firsts):
            return self
        ends = np.searchsorted(self.hashes, self.hashes[firsts], "right")
        kept = np.ones(len(self.hashes), np.bool_)
        kept[_ranges(firsts, ends - firsts)] = False
        return _indexed(self.hashes[kept], self.names[kept])


def _indexed(hashes: np.ndarray, names: np.ndarray) -> _Index:
    bits = min(len(hashes).bit_length() + 3, _MOST_FILTER_BITS)
    filled = np.zeros(2**bits, np.bool_)
    filled[hashes & np.uint64(len(filled) - 1)] = True
    texts, sizes = np.unique(names, return_counts=True)
    return _Index(hashes, names, texts, sizes, filled)


def _ranges(firsts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Each first, first + 1 … first + count - 1, one range after the other."""
    return np.repeat(firsts - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))


def _closest(
    index: _Index,
    names: np.ndarray,
    own: tuple[np.ndarray, np.ndarray],
    hits: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Iterator[Shared]:
    """names: of the texts; own: how many stretches each text has, and how many it must share to be told; hits: for each
    stretch that both have the number of the text, its first place in the index, and how many places it has."""
    (sizes, least), (owners, firsts, counts) = own, hits
    met = index.names[_ranges(firsts, counts)]
    pairs, shared = np.unique(np.repeat(owners << _NAME_BITS, counts) | met, return_counts=True)
    owners, others = pairs >> _NAME_BITS, pairs & (2**_NAME_BITS - 1)
    theirs = index.sizes[np.searchsorted(index.texts, others)]
    containment = np.minimum(shared / np.minimum(sizes[owners], theirs), 1.0)
    best: dict[int, Shared] = {}
    for place in np.flatnonzero((containment >= LEAST_CONTAINMENT) & (shared >= least[owners])).tolist():
        found = Shared(int(names[owners[place]]), int(others[place]), float(containment[place]))
        if found.name not in best or found.containment > best[found.name].containment:
            best[found.name] = found
    yield from best.values()


def _batches(texts: Iterable[Named]) -> Iterator[tuple[np.ndarray, Stretches]]:
    """The names of some texts at a time, int32, and their stretches. All texts of one name come together."""
    names: list[int] = []
    folded: list[str] = []
    size = 0
    for name, parts in texts:
        names += [name] * len(parts)
        folded += map(fold, parts)
        size += sum(map(len, parts))
        if size >= _BATCH_CHARACTERS:
            yield np.array(names, dtype=np.int32), hash_stretches(folded)
            names, folded, size = [], [], 0
    if names:
        yield np.array(names, dtype=np.int32), hash_stretches(folded)


def _needed(found: Stretches) -> np.ndarray:
    """int64 (texts,): how many stretches must be shared. One is enough where most units are words."""
    return np.where(found.characters * 2 > found.units, LEAST_SHARED_CHARACTERS, 1)
