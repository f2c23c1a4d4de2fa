"""Which texts share long stretches: runs of 13 words, or of 13 characters where a script has no spaces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from studio.data.checks._folding import fold
from studio.data.records import iterate_texts

GRAM_UNITS = 13
"""As in GPT-3's and lm-evaluation-harness's decontamination; there in words, here without a tokenizer."""

LEAST_SHARED_CHARACTERS = 13
"""So many stretches of a text without spaces must be shared, 25 characters in a row: 13 alone are a stock phrase in
Japanese (について同じことを教えてください), as five or six words are in English."""

LEAST_CONTAINMENT = 0.5
MOST_GRAMS = 12_000_000
"""In memory at once, 12 bytes each. Of more, every second, fourth … is taken, by the value of its hash."""

MOST_SHARED = 20
"""A stretch in more rows than this is boilerplate: a system prompt, a template, a licence."""

_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_UNITS = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_BATCH_ROWS = 512
_WEIGHTS = np.array([pow(0x9E3779B97F4A7C15, power, 2**64) for power in range(1, GRAM_UNITS + 1)], dtype=np.uint64)


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
        self._rows: list[np.ndarray] = []
        self._kept = 0
        self._step = np.uint64(1)
        self._texts = 0

    def __bool__(self) -> bool:
        return self._kept > 0

    def add(self, texts: Iterable[Named]) -> None:
        for names, owners, hashes, _ in _batches(texts):
            self._texts += len(names)
            taken = hashes % self._step == 0
            self._hashes.append(hashes[taken])
            self._rows.append(names[owners[taken]])
            self._kept += int(taken.sum())
            while self._kept > MOST_GRAMS:
                self._thin()

    def find(self, texts: Iterable[Named]) -> Iterator[Shared]:
        """For each name the text of the index that one of its texts shares most with, LEAST_CONTAINMENT at least."""
        hashes, rows, sizes = self._sorted()
        if not len(hashes):
            return
        for names, owners, grams, needed in _batches(texts):
            taken = grams % self._step == 0
            least = np.maximum(needed // int(self._step), 1)
            yield from _closest((names, least), owners[taken], grams[taken], (hashes, rows, sizes))

    def drop_shared(self, texts: Iterable[Named]) -> None:
        """Take out what more than MOST_SHARED of these texts hold: boilerplate on their side."""
        hashes, rows, _ = self._sorted()
        distinct = np.unique(hashes)
        held = np.zeros(len(distinct), dtype=np.int64)
        for _, _, grams, _ in _batches(texts):
            places = np.searchsorted(distinct, grams).clip(max=max(len(distinct) - 1, 0))
            np.add.at(held, places[distinct[places] == grams], 1)
        common = distinct[held > MOST_SHARED]
        rare = ~np.isin(hashes, common)
        self._hashes, self._rows, self._kept = [hashes[rare]], [rows[rare]], int(rare.sum())

    def _thin(self) -> None:
        self._step *= np.uint64(2)
        for index, (hashes, rows) in enumerate(zip(self._hashes, self._rows, strict=True)):
            taken = hashes % self._step == 0
            self._hashes[index], self._rows[index] = hashes[taken], rows[taken]
        self._kept = sum(map(len, self._hashes))

    def _sorted(self) -> tuple[np.ndarray, np.ndarray, dict[int, int]]:
        """Hashes in order, the row of each, and how many each row has: boilerplate of the index itself left out."""
        if not self._hashes:
            return np.zeros(0, np.uint64), np.zeros(0, np.int32), {}
        hashes, rows = np.concatenate(self._hashes), np.concatenate(self._rows)
        order = np.argsort(hashes, kind="stable")
        hashes, rows = hashes[order], rows[order]
        starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
        counts = np.diff(np.append(starts, len(hashes)))
        rare = np.repeat(counts <= max(3, min(MOST_SHARED, self._texts // 10)), counts)
        hashes, rows = hashes[rare], rows[rare]
        self._hashes, self._rows, self._kept = [hashes], [rows], len(hashes)
        names, sizes = np.unique(rows, return_counts=True)
        return hashes, rows, dict(zip(names.tolist(), sizes.tolist(), strict=True))


def _closest(
    named: tuple[np.ndarray, np.ndarray],
    owners: np.ndarray,
    grams: np.ndarray,
    index: tuple[np.ndarray, np.ndarray, dict[int, int]],
) -> Iterator[Shared]:
    """named: the name of each text, and how many stretches it must share to be told."""
    (names, least), (hashes, rows, sizes) = named, index
    left, right = np.searchsorted(hashes, grams, "left"), np.searchsorted(hashes, grams, "right")
    counts = right - left
    if not counts.any():
        return
    own_sizes = np.bincount(owners, minlength=len(names))
    firsts = np.repeat(left - np.append(0, np.cumsum(counts)[:-1]), counts)
    found = rows[firsts + np.arange(int(counts.sum()))]
    pairs, shared = np.unique(
        np.stack([np.repeat(owners, counts), found.astype(np.int64)], axis=1), axis=0, return_counts=True
    )
    best: dict[int, Shared] = {}
    for (owner, other), count in zip(pairs.tolist(), shared.tolist(), strict=True):
        containment = min(count / min(int(own_sizes[owner]), sizes[other]), 1.0)
        name = int(names[owner])
        is_enough = containment >= LEAST_CONTAINMENT and count >= least[owner]
        if is_enough and (name not in best or containment > best[name].containment):
            best[name] = Shared(name, other, containment)
    yield from best.values()


def _batches(texts: Iterable[Named]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """(names, owners, hashes, needed) of some texts at a time: each distinct stretch of each text; owner: its place in
    names and in needed, which says how many stretches it must share."""
    waiting = iter(texts)
    while batch := list(islice(waiting, _BATCH_ROWS)):
        read = [_UNITS.findall(fold(text)) for _, texts in batch for text in texts]
        needed = np.array([_needed(units) for units in read], dtype=np.int64)
        units = [list(map(hash, found)) for found in read]
        flat = np.array([unit for text in units for unit in text], dtype=np.int64).view(np.uint64)
        owners = np.repeat(np.arange(len(units)), [len(text) for text in units])
        names = np.array([name for name, texts in batch for _ in texts], dtype=np.int32)
        span = len(flat) - GRAM_UNITS + 1
        if span < 1:
            yield names, owners[:0], flat[:0], needed
            continue
        hashes = np.zeros(span, dtype=np.uint64)
        for place in range(GRAM_UNITS):
            hashes += flat[place : place + span] * _WEIGHTS[place]
        hashes ^= hashes >> np.uint64(29)
        whole = owners[:span] == owners[GRAM_UNITS - 1 :]
        owners, hashes = owners[:span][whole], hashes[whole]
        order = np.lexsort((hashes, owners))
        owners, hashes = owners[order], hashes[order]
        fresh = np.append(True, (owners[1:] != owners[:-1]) | (hashes[1:] != hashes[:-1])) if len(order) else order
        yield names, owners[fresh], hashes[fresh], needed


def _needed(units: list[str]) -> int:
    """One shared stretch is enough where most units are words."""
    characters = sum(len(unit) == 1 and not unit.isascii() for unit in units)
    return LEAST_SHARED_CHARACTERS if characters * 2 > len(units) else 1
