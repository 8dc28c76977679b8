"""The tensors of one split in the memory-mapped cache, as arrays: what trees and estimators read, and exports look at.

Gradient descent reads the same files through `source`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from aimass.core.artifact import Examples
from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.prepare.affine import Decoded

CHUNK = 4096


@dataclass(frozen=True)
class Split:
    """Tensors [N, ...] in the order of `signature.inputs`, and the target [N]: class index or standardised value."""

    names: tuple[str, ...]
    tensors: tuple[np.ndarray | Decoded, ...]
    target: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Copies of ROWS: tensors and target."""
        return [np.asarray(tensor[rows]) for tensor in self.tensors], np.take(self.target, rows)

    def named(self, rows: slice = slice(None)) -> dict[str, np.ndarray]:
        """Copies of a run of ROWS, by name."""
        return {name: np.array(tensor[rows]) for name, tensor in zip(self.names, self.tensors, strict=True)}


def open_split(examples: Examples, which: Literal["train", "valid", "test"]) -> Split:
    """The split WHICH of EXAMPLES, not read yet."""
    from aimass.prepare.cache import read_split

    signature, arrays = examples.signature, read_split(examples.folder, which)
    names = tuple(field.name for field in signature.inputs)
    if not arrays:  # nothing was written of a split without rows
        empty = tuple(np.empty((0, *field.shape), field.dtype) for field in signature.inputs)
        return Split(names, empty, np.empty(0, np.float32 if signature.task == "regression" else np.int64))
    return Split(names, tuple(arrays[name] for name in names), np.asarray(arrays["target"]))


def check(train: Split, signature: Signature) -> None:
    """Raises InputError when TRAIN holds nothing that could be learnt."""
    if len(train) < 2:
        raise InputError(
            f"there are {len(train)} rows to train on",
            expected="two at the very least, better hundreds",
            todo="collect more rows, or give the training split a larger share",
        )
    if not _varies(train.target):
        only = signature.classes[int(train.target[0])] if signature.classes else f"{float(train.target[0]):g}"
        raise InputError(
            f"every training row has the same {signature.target}: {only}",
            expected="at least two different answers",
            todo="look at the split in examples.json: sort order and time splits can leave one answer in training",
            key="target",
        )
    if not any(_varies(tensor) for tensor in train.tensors):
        raise InputError(
            "every feature is constant in the training rows",
            expected="a column that differs from row to row",
            todo="look at the columns in examples.json, and at the rows in the dataset",
        )


def _varies(array: np.ndarray | Decoded) -> bool:
    """Whether any row differs from the first; NaN counts as one value."""
    first = array[0]
    for begin in range(0, len(array), CHUNK):
        part = array[begin : begin + CHUNK]
        same = (part == first) | ((part != part) & (first != first))  # NaN differs from itself
        if not same.all():
            return True
    return False
