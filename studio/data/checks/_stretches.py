"""The stretches of texts as hashes: runs of 13 words, or of 13 characters where a script has no spaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

UNITS = 13
"""As in GPT-3's and lm-evaluation-harness's decontamination; there in words, here without a tokenizer."""

_BETWEEN, _IN_WORD, _ALONE = 0, 1, 2
"""What a character is: none of a unit, one of a word's, or a unit by itself."""

_ALONE_RANGES = (
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF),
)
_CODE_POINTS = 0x110000
_BASE = 0x9E3779B97F4A7C15
_WEIGHTS = np.array([pow(_BASE, power, 2**64) for power in range(1, UNITS + 1)], dtype=np.uint64)


@dataclass(frozen=True)
class Stretches:
    """hashes: uint64 (N,), each distinct stretch of each text once, one text's after another's; owners: int64 (N,), the
    number of its text; units, characters: int64 (texts,), how many words and characters that stand alone a text has,
    and how many of these units are one character of no word in ASCII."""

    hashes: np.ndarray
    owners: np.ndarray
    units: np.ndarray
    characters: np.ndarray


def hash_stretches(texts: Sequence[str]) -> Stretches:
    """Of folded texts. None goes from one text into the next; a text of fewer units than a stretch has none. About 20
    million characters a second on one core."""
    codes = np.frombuffer("\n".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _kind_table()[codes]
    inside = kinds != _BETWEEN
    begins = inside.copy()
    begins[1:] &= (kinds[1:] == _ALONE) | (kinds[:-1] != _IN_WORD)
    starts = np.cumsum(np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts)))
    counts = np.diff(np.searchsorted(np.flatnonzero(begins), starts), prepend=0)
    owners = np.repeat(np.arange(len(texts)), counts)
    letters, firsts = codes[inside], np.flatnonzero(begins[inside])
    sizes = np.diff(firsts, append=len(letters))
    is_character = (sizes == 1) & (letters[firsts] > 0x7F)
    characters = np.bincount(owners[is_character], minlength=len(texts))
    hashes, owners = _runs(_unit_hashes(letters, firsts, sizes), owners)
    return Stretches(*_each_once(hashes, owners, len(texts)), counts, characters)


@cache
def _kind_table() -> np.ndarray:
    """uint8 (code points,)."""
    table = np.frombuffer(bytes(map(str.isalnum, map(chr, range(_CODE_POINTS)))), np.uint8).copy()
    table[ord("_")] = _IN_WORD
    for first, last in _ALONE_RANGES:
        table[first : last + 1] = _ALONE
    table.setflags(write=False)
    return table


def _unit_hashes(letters: np.ndarray, firsts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    if not len(firsts):
        return np.empty(0, np.uint64)
    powers = np.cumprod(np.full(int(sizes.max()), _BASE, np.uint64))
    place = np.arange(len(letters)) - np.repeat(firsts, sizes)
    return _mixed(np.add.reduceat((letters + np.uint64(1)) * powers[place], firsts))


def _runs(units: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(hash, owner) of every UNITS units in a row of the same owner."""
    span = max(len(units) - UNITS + 1, 0)
    whole = np.flatnonzero(owners[:span] == owners[len(owners) - span :])
    hashes = np.zeros(span, dtype=np.uint64)
    for place in range(UNITS):
        hashes += units[place : place + span] * _WEIGHTS[place]
    return _mixed(hashes[whole]), owners[whole]


def _mixed(hashes: np.ndarray) -> np.ndarray:
    """splitmix64's finaliser: every bit of the input moves every bit of the output."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def _each_once(hashes: np.ndarray, owners: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted by one number, the owner's bits before the hash's first: ten times as fast as by two."""
    bits = np.uint64(max(count.bit_length(), 1))
    order = np.argsort((owners.astype(np.uint64) << (np.uint64(64) - bits)) | (hashes >> bits))
    hashes, owners = hashes[order], owners[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return hashes[fresh], owners[fresh]
