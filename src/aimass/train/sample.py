"""Which rows an epoch holds when classes are to be seen more or less often than they occur: by exact quotas.

Only the order changes, neither the data nor the loop.  No row is drawn by lot: a class of 100 rows and a quota of 250
has each of its rows twice and half of them a third time, in the next epoch the other half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aimass.core.errors import InputError, pick
from aimass.train.order import stream

Sampling = str | Sequence[float]  # "none", "balanced", or the share of each class, in the order of the classes


def shares_of(sampling: str | Mapping[str, float], classes: Sequence[str]) -> Sampling:
    """SAMPLING as a plan keeps it; a mapping names every class.

    Raises InputError for an unknown word, a class that is not there or left out, a share that is no positive number,
    and where there are no classes.
    """
    if sampling == "none":
        return "none"
    if not classes:
        raise InputError("sampling by class needs classes, and the target is a value", key="sampling",
                         expected='sampling = "none"', todo="leave the setting out")  # fmt: skip
    if isinstance(sampling, str):
        return str(pick("sampling", sampling, {"none": "none", "balanced": "balanced"}))
    for name in sampling:
        pick("class", name, {known: known for known in classes})
    missing = [name for name in classes if name not in sampling]
    if missing or not all(0 < share < float("inf") for share in sampling.values()):
        wrong = f"gives no share to {', '.join(missing)}" if missing else f"has the shares {list(sampling.values())}"
        raise InputError(f"sampling {wrong}", expected="a number above 0 for every class", key="sampling",
                         todo=f"name each of {', '.join(classes)}, say 1 for an equal share")  # fmt: skip
    return [float(sampling[name]) for name in classes]


def quotas(shares: np.ndarray, rows: int) -> np.ndarray:
    """int64 [W], ROWS in all, each nearest to its part of SHARES [W]: what is left goes to the largest remainders."""
    wanted = shares / shares.sum() * rows
    given = np.floor(wanted).astype(np.int64)
    left = np.argsort(given - wanted, kind="stable")[: rows - given.sum()]
    given[left] += 1
    return np.asarray(given)


def rows_of_epoch(seed: int, epoch: int, target: np.ndarray, sampling: Sampling) -> np.ndarray:
    """int64 [N]: the rows of an EPOCH for the class indices TARGET [N], class after class.

    Each class has exactly its quota of N (a class without rows has none).  The counts of two rows of a class differ by
    one at most, in an epoch and over all epochs together.  The c-th copy of row r in an epoch is r + c * N: where it
    lies is the remainder by N, and each copy has chances of its own in augmentation.  Rows below class 0 (masked) are
    left out.  Raises InputError when TARGET is not one class a row.
    """
    if target.ndim != 1 or target.dtype.kind not in "iu" or not (target >= 0).any():
        raise InputError("sampling by class needs one class a row", key="sampling", expected='sampling = "none"',
                         todo="leave the setting out, or give whole numbers [N] as the target")  # fmt: skip
    rows, known = len(target), np.flatnonzero(target >= 0)
    width = int(target.max()) + 1 if isinstance(sampling, str) else len(sampling)
    counts = np.bincount(target[known], minlength=width)
    shares = (np.ones(width) if isinstance(sampling, str) else np.array(sampling)) * (counts > 0)
    by_class = np.split(known[np.argsort(target[known], kind="stable")], np.cumsum(counts)[:-1])
    parts = []
    for number, (mine, quota) in enumerate(zip(by_class, quotas(shares, rows), strict=True)):
        if quota:
            mine = mine[np.random.default_rng(stream("sample", seed, number)).permutation(len(mine))]
            turns = np.arange(quota)
            parts.append(mine[(epoch * quota + turns) % len(mine)] + turns // len(mine) * rows)
    return np.concatenate(parts)
