"""Which rows are learnt from, which stop the training, and which nobody looks at before the measurement."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aimass.core.errors import InputError, unknown
from aimass.core.part import Settings, knob

NAMES = {"train": 0, "training": 0, "valid": 1, "validation": 1, "val": 1, "dev": 1, "test": 2, "testing": 2}
SPLITS = ("train", "valid", "test")
NEED = {"time": "a column of times or numbers", "group": "a column", "column": "a column of train, valid, test"}

TODO = {"random": "larger shares, or more rows of each class: each is shared out by itself"}


class Split(Settings):
    """random: stratified by class; time: the last rows are the test; group: no group in two parts; column: as it says.

    Shares are of all rows.  With `column`, `valid` is the share of the training rows, where it names no valid ones.
    """

    by: Literal["random", "time", "group", "column"] = knob("random")
    column: str = knob("", help="what time, group and column look at")
    valid: float = knob(0.15, 0.01, 0.8)
    test: float = knob(0.2, 0.01, 0.8)


def assign(split: Split, rows: pa.Table, strata: np.ndarray | None, seed: int) -> np.ndarray:
    """int8 [N]: 0 train, 1 valid, 2 test for each of ROWS; STRATA holds classes, None for regression.

    Raises InputError when a part would be empty.
    """
    if split.valid + split.test >= 0.95:
        raise InputError(f"valid {split.valid:g} and test {split.test:g} leave too little to train on",
                         expected="a sum below 0.95", key="split")  # fmt: skip
    random = np.random.default_rng([seed, 0x5117])
    if split.by == "random":
        parts = _random(len(rows), strata, split.valid, split.test, random)
    else:
        if split.column not in rows.column_names:
            error = unknown(
                "column", split.column, rows.column_names, todo=f"split by {split.by} needs {NEED[split.by]}"
            )
            error.key = "split"
            raise error
        by = {"time": _time, "group": _group, "column": _column}[split.by]
        parts = by(split, rows[split.column], strata, random)
    for i, name in enumerate(SPLITS):
        if not (parts == i).any():
            raise InputError(f"the split leaves no {name} rows", expected="rows in each of train, valid and test",
                             todo=TODO.get(split.by, "change the shares, or split by something else"),
                             key="split")  # fmt: skip
    return parts


def _random(
    count: int, strata: np.ndarray | None, valid: float, test: float, random: np.random.Generator
) -> np.ndarray:
    """Shuffled; with STRATA each class is shared out by itself, so that every part has its share of each."""
    parts = np.zeros(count, np.int8)
    order = random.permutation(count)
    if strata is None:
        place = (np.arange(count) + 0.5) / count
    else:
        order = order[np.argsort(strata[order], kind="stable")]
        place = _places(strata[order])
    parts[order[place > 1 - test]] = 2
    parts[order[(place > 1 - test - valid) & (place <= 1 - test)]] = 1
    return parts


def _places(classes: np.ndarray) -> np.ndarray:
    """Place of each row within its class, in 0..1; CLASSES is sorted."""
    _, first, counts = np.unique(classes, return_index=True, return_counts=True)
    begin, size = np.repeat(first, counts), np.repeat(counts, counts)
    return (np.arange(len(classes)) - begin + 0.5) / size


def _time(split: Split, column: pa.ChunkedArray, strata: np.ndarray | None, random: np.random.Generator) -> np.ndarray:
    """Earlier rows train, later ones are judged by; rows of one moment stay together."""
    kind = column.type
    if not (pa.types.is_temporal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise InputError(f"split by time: {split.column} holds {kind}", expected=NEED["time"], key="split")
    missing = pc.sum(pc.is_null(column, nan_is_null=True)).as_py()
    if missing:
        raise InputError(f"{missing} rows have no {split.column} to split by", expected="a time in every row",
                         todo="filter them in a sql transform, or split otherwise", key="split")  # fmt: skip
    ranks = pc.rank(column, sort_keys="ascending", tiebreaker="min").to_numpy() - 1
    in_order = np.sort(ranks)
    parts = np.zeros(len(column), np.int8)
    parts[ranks >= _moment(in_order, 1 - split.test - split.valid)] = 1
    parts[ranks >= _moment(in_order, 1 - split.test)] = 2
    return parts


def _moment(in_order: np.ndarray, share: float) -> int:
    """The rank of the first moment at or after SHARE of the rows, whose ranks are IN_ORDER."""
    return int(in_order[min(len(in_order) - 1, int(share * len(in_order)))])


def _group(split: Split, column: pa.ChunkedArray, strata: np.ndarray | None, random: np.random.Generator) -> np.ndarray:
    """Whole groups, in random order, until each part is full; rows without a group count as one."""
    if pa.types.is_nested(column.type):
        raise InputError(f"split by group: {split.column} holds {column.type}", expected=NEED["group"], key="split")
    groups = np.asarray(column.combine_chunks().dictionary_encode(null_encoding="encode").indices)
    sizes = np.bincount(groups)
    order = random.permutation(len(sizes))
    ends = np.cumsum(sizes[order]) / len(groups)
    part_of = np.zeros(len(sizes), np.int8)
    middle = ends - sizes[order] / len(groups) / 2
    part_of[order[middle > 1 - split.test - split.valid]] = 1
    part_of[order[middle > 1 - split.test]] = 2
    parts: np.ndarray = part_of[groups]
    return parts


def _column(
    split: Split, column: pa.ChunkedArray, strata: np.ndarray | None, random: np.random.Generator
) -> np.ndarray:
    """As the column says; the valid rows are taken from the training rows where it names none."""
    names = [str(value).strip().lower() for value in column.to_pylist()]
    strange = sorted(set(names) - set(NAMES))
    if strange:
        raise InputError(f"{split.column} holds {strange[0]!r}", expected=f"one of {', '.join(NAMES)}", key="split")
    parts = np.array([NAMES[name] for name in names], np.int8)
    if not (parts == 1).any():
        train = np.flatnonzero(parts == 0)
        inner = _random(len(train), None if strata is None else strata[train], split.valid, 0.0, random)
        parts[train[inner == 1]] = 1
    return parts
