"""MinHash and locality-sensitive hashing: which of very many texts may be nearly the same, without comparing them all."""

from __future__ import annotations

import numpy as np

from studio.data.shingles import Shingles

PERMUTATIONS = 128
BANDS, BAND_ROWS = 21, 6
"""Two texts meet in a band with a chance of J**6, in one of 21 bands with 0.998 at a similarity J of 0.8, 0.9999 at
0.85, 0.28 at 0.5. Fewer, longer bands (9 of 13, which would balance both kinds of error at 0.8) find 0.40 at 0.8."""

_SEED = 20231
_CHUNK = 1 << 16
"""Shingles hashed at a time: what fits a core's cache."""

_NEIGHBOURS = 8
_MOST_PARTNERS = 16
"""Pairs kept for one row, those with the earliest rows: the bound of the memory where everything resembles everything."""

_ROW_BITS = np.uint64(32)
_EMPTY = np.empty((0, 2), np.int64)


class Signatures:
    """The signatures of texts, in the order they were added: 212 bytes a text (212 MB for a million).

    Of each of the 128 minima one byte is kept, which two different minima share with a chance of 1/256, and of each band
    a key of 32 bits.
    """

    def __init__(self) -> None:
        source = np.random.default_rng(_SEED)
        self._factors = source.integers(0, 2**31, PERMUTATIONS, np.uint32) * np.uint32(2) + np.uint32(1)
        self._terms = source.integers(0, 2**32, PERMUTATIONS, np.uint32)
        self._band_factors = source.integers(0, 2**31, BAND_ROWS, np.uint32) * np.uint32(2) + np.uint32(1)
        self._minima = np.empty((0, PERMUTATIONS), np.uint8)
        self._keys = np.empty((0, BANDS), np.uint32)
        self._sizes = np.empty(0, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def sizes(self) -> np.ndarray:
        """int32 (texts,): how many shingles each has; 0 for those left out."""
        return self._sizes[: self._count]

    def add(self, shingles: Shingles) -> None:
        """The next texts. One without shingles resembles none."""
        first, count = self._count, len(shingles.starts) - 1
        self._make_room(first + count)
        counts = shingles.counts()
        self._sizes[first : first + count] = counts
        there = np.flatnonzero(counts)
        for rows in _chunks(there, counts[there]):
            minima = self._least(shingles, rows)
            self._minima[first + rows] = minima.astype(np.uint8)
            for band in range(BANDS):
                part = minima[:, band * BAND_ROWS : (band + 1) * BAND_ROWS]
                # A product and a shift between the sums: plain sums would let equal minima at other places meet.
                key = np.zeros(len(rows), np.uint32)
                for place in range(BAND_ROWS):
                    key = (key ^ part[:, place]) * self._band_factors[place]
                    key ^= key >> np.uint32(15)
                self._keys[first + rows, band] = key
        self._count = first + count

    def leave_out(self, rows: np.ndarray) -> None:
        """These rows resemble none from now on."""
        self._sizes[rows] = 0

    def _make_room(self, needed: int) -> None:
        if needed > len(self._sizes):
            room = max(needed, len(self._sizes) * 5 // 4, 4096)
            # In place: a copy beside the old one would double the memory at a million rows.
            self._minima.resize((room, PERMUTATIONS), refcheck=False)
            self._keys.resize((room, BANDS), refcheck=False)
            self._sizes.resize(room, refcheck=False)

    def _least(self, shingles: Shingles, rows: np.ndarray) -> np.ndarray:
        """uint32 (rows, PERMUTATIONS): the least of each row's shingles under each permutation."""
        values = shingles.values[shingles.starts[rows[0]] : shingles.starts[rows[-1] + 1]]
        starts = shingles.starts[rows] - shingles.starts[rows[0]]
        minima = np.empty((PERMUTATIONS, len(rows)), np.uint32)
        hashed = np.empty_like(values)
        for number in range(PERMUTATIONS):
            np.multiply(values, self._factors[number], out=hashed)
            np.add(hashed, self._terms[number], out=hashed)
            np.minimum.reduceat(hashed, starts, out=minima[number])
        return minima.T

    def similarity(self, pairs: np.ndarray) -> np.ndarray:
        """float64 (n,): the estimated Jaccard similarity of pairs (n, 2); its standard error at 0.8 is 0.035."""
        found = np.empty(len(pairs))
        for first in range(0, len(pairs), _CHUNK):
            part = pairs[first : first + _CHUNK]
            same = (self._minima[part[:, 0]] == self._minima[part[:, 1]]).mean(axis=1)
            found[first : first + _CHUNK] = (same - 1 / 256) / (1 - 1 / 256)
        return found

    def candidates(self, least: float) -> np.ndarray:
        """int64 (n, 2), i < j: pairs that meet in a band and whose estimated similarity is at least `least`.

        Each row meets the first of its bucket, and where it does not resemble that one, its eight neighbours before it:
        linear in the rows, however large a bucket is. Pairs are sorted by j, then i, at most 16 to a j.
        """
        kept = np.empty(0, np.uint64)
        for band in range(BANDS):
            met = [_codes(pairs) for pairs in self._met_in(band, least)]
            kept = _first_partners(np.unique(np.concatenate([kept, *met])))
        if not len(kept):
            return _EMPTY
        return np.stack([kept & np.uint64(0xFFFFFFFF), kept >> _ROW_BITS], axis=1).astype(np.int64)

    def _met_in(self, band: int, least: float) -> list[np.ndarray]:
        rows = np.flatnonzero(self._sizes[: self._count])
        order = rows[np.argsort(self._keys[rows, band], kind="stable")]
        if len(order) < 2:
            return []
        keys = self._keys[order, band]
        begins = np.r_[True, keys[1:] != keys[:-1]]
        first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
        place = np.flatnonzero(~begins)
        pairs = np.stack([order[first[place]], order[place]], axis=1)
        alike = self.similarity(pairs)
        met = [pairs[alike >= least]]
        # Whoever surely resembles the first of the bucket is grouped by it.
        place = place[alike < least + (1 - least) / 2]
        for back in range(1, _NEIGHBOURS + 1):
            place = place[place - back > first[place]]
            pairs = np.stack([order[place - back], order[place]], axis=1)
            met.append(pairs[self.similarity(pairs) >= least])
        return met


def _chunks(rows: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    """The rows in runs of about _CHUNK shingles; a longer row is a run of its own."""
    if not len(rows):
        return []
    ends = np.cumsum(counts)
    cuts = np.flatnonzero(np.diff(ends // _CHUNK)) + 1
    return np.split(rows, cuts)


def _codes(pairs: np.ndarray) -> np.ndarray:
    pairs = pairs.astype(np.uint64)
    return (pairs[:, 1] << _ROW_BITS) | pairs[:, 0]


def _first_partners(codes: np.ndarray) -> np.ndarray:
    """Sorted codes without those beyond the first _MOST_PARTNERS of a row."""
    if not len(codes):
        return codes
    row = codes >> _ROW_BITS
    first = np.maximum.accumulate(np.where(np.r_[True, row[1:] != row[:-1]], np.arange(len(row)), 0))
    return codes[np.arange(len(row)) - first < _MOST_PARTNERS]
