"""The order of the training rows: a pure function of (seed, epoch, rows), so a resumed run needs no memory of it.

An order is anything of a length whose slices are arrays of rows.  A global batch is a slice of it, a rank's share a
slice of that: how many ranks there are changes nothing in what is seen when.  The position of a run is (epoch, steps
that the optimizer has done).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Protocol

import numpy as np

from aimass.train.rng import stream

__all__ = ["Order", "batch_of", "block_of", "order", "part_of", "steps_of", "stream"]

FULL = 10**8  # rows whose permutation is held whole: 800 MB
LARGE = 2**33  # bytes (8 GiB) from which rows are read in blocks: no machine's memory is sure to hold them
BLOCK = 2**18  # bytes of a block: enough that a disk reads it at its full speed
WINDOW = 64  # blocks that are mixed with each other
ROUNDS = 8  # of the Feistel network
GOLDEN, FIRST, SECOND = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


class Order(Protocol):
    """Rows in the order in which an epoch sees them."""

    def __len__(self) -> int: ...
    def __getitem__(self, places: slice, /) -> np.ndarray: ...


def order(seed: int, epoch: int, rows: int, block: int = 0) -> Order:
    """Every index below ROWS once, shuffled; with BLOCK, such that neighbours on disk are asked for together."""
    if block:
        return Blocks(seed, epoch, rows, block)
    return _shuffled(rows, "order", seed, epoch) if rows <= FULL else Feistel(rows, stream("order", seed, epoch))


def block_of(rows: int, size: int) -> int:
    """Rows of a block for so many ROWS of SIZE bytes in all; 0: no blocks.  By sizes alone, so the same everywhere."""
    return int(np.clip(BLOCK * rows // size, 64, 256)) if size >= LARGE else 0


def steps_of(rows: int, batch: int) -> int:
    """Batches in an epoch."""
    return -(-rows // batch)


def batch_of(order: Order, step: int, steps: int) -> np.ndarray:
    """The rows of the global batch STEP of STEPS.

    Batches differ by one row at most: a rest of a few rows would make a step of almost pure noise, and a single
    row has no batch statistics.
    """
    rows = len(order)
    return order[step * rows // steps : (step + 1) * rows // steps]


def part_of(rows: np.ndarray, rank: int, world: int) -> np.ndarray:
    """The share of RANK in the ROWS of a batch: the shares of all, one behind the other, are the batch."""
    return rows[rank * len(rows) // world : (rank + 1) * len(rows) // world]


class Feistel:
    """A permutation that is worked out where it is looked at: a format-preserving cipher, for more rows than are held.

    An unbalanced Feistel network on the smallest power of two that holds the rows; what falls outside is enciphered
    again until it falls inside ("cycle walking", Black and Rogaway 2002).
    """

    def __init__(self, rows: int, key: int) -> None:
        self.rows = rows
        bits = max(2, (rows - 1).bit_length())
        self.right = np.uint64(bits // 2)
        self.masks = tuple(np.uint64((1 << n) - 1) for n in (bits - bits // 2, bits // 2))  # of the left, of the right
        places = np.arange(1, ROUNDS + 1, dtype=np.uint64)
        self.keys = _mixed(np.uint64(key) + places * GOLDEN)

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, places: slice) -> np.ndarray:
        found = self._once(np.arange(*places.indices(self.rows), dtype=np.uint64))
        while len(outside := np.flatnonzero(found >= self.rows)):
            found[outside] = self._once(found[outside])
        return np.asarray(found, np.int64)

    def _once(self, numbers: np.ndarray) -> np.ndarray:
        left, right = numbers >> self.right, numbers & self.masks[1]
        for key in self.keys.reshape(-1, 2):
            left = left ^ (_mixed(right + key[0]) & self.masks[0])
            right = right ^ (_mixed(left + key[1]) & self.masks[1])
        return (left << self.right) | right


class Blocks:
    """Blocks of neighbouring rows in random order, and the rows of each run of WINDOW blocks shuffled.

    One batch comes from 64 places of the disk and not from all of it.  Nothing is held but the order of the blocks:
    a window is worked out when a slice of it is asked for.
    """

    def __init__(self, seed: int, epoch: int, rows: int, block: int) -> None:
        self.key, self.rows, self.block = (seed, epoch), rows, block
        self.blocks = _shuffled(steps_of(rows, block), "blocks", seed, epoch)
        sizes = np.minimum((self.blocks + 1) * block, rows) - self.blocks * block  # the last block may be short
        windows = np.add.reduceat(sizes, np.arange(0, len(sizes), WINDOW))
        self.starts: list[int] = np.append(0, np.cumsum(windows)).tolist()
        self.last: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, places: slice) -> np.ndarray:
        begin, end, _ = places.indices(self.rows)
        number = bisect_right(self.starts, begin, hi=len(self.starts) - 1) - 1
        found, before = self._window(number), self.starts[number]
        while before + len(found) < end:  # it goes on in the next window
            number += 1
            found = np.concatenate([found, self._window(number)])
        return found[begin - before : end - before]

    def _window(self, number: int) -> np.ndarray:
        """The rows of a window, shuffled; the latest one is kept, for the next slice wants it too."""
        if self.last[0] != number:
            blocks = self.blocks[number * WINDOW : (number + 1) * WINDOW]
            rows = (blocks[:, None] * self.block + np.arange(self.block)).reshape(-1)
            rows = rows[rows < self.rows]
            self.last = number, rows[_shuffled(len(rows), "window", *self.key, number)]
        return self.last[1]


def _shuffled(count: int, *key: int | str) -> np.ndarray:
    return np.random.default_rng(stream(*key)).permutation(count)


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Each number of uint64 NUMBERS hashed: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * FIRST
    numbers = (numbers ^ (numbers >> np.uint64(27))) * SECOND
    return np.asarray(numbers ^ (numbers >> np.uint64(31)))
