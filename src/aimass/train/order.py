"""The order of the training rows: a pure function of (seed, epoch, rows), so a resumed run needs no memory of it."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(*key: int | str) -> int:
    """A 63-bit seed for the stream of chance named by KEY, say (seed, epoch, step); unlike keys, unlike streams."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def order(seed: int, epoch: int, rows: int) -> np.ndarray:
    """Every index below ROWS once, shuffled."""
    return np.random.default_rng(stream("order", seed, epoch)).permutation(rows)


def steps_of(rows: int, batch: int) -> int:
    """Batches in an epoch."""
    return -(-rows // batch)


def batch_of(order: np.ndarray, step: int, steps: int) -> np.ndarray:
    """The rows of batch STEP of STEPS, sorted so that they are read from disk in one direction.

    Batches differ by one row at most: a rest of a few rows would make a step of almost pure noise, and a single
    row has no batch statistics.
    """
    rows = len(order)
    return np.sort(order[step * rows // steps : (step + 1) * rows // steps])
