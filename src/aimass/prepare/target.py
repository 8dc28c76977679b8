"""The column to predict: its task, its classes, and what makes it unusable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aimass.core.errors import InputError
from aimass.core.signature import Field, Task
from aimass.prepare.arrays import numbers

FEWEST = 20  # rows
MISSING = 0.1  # share of rows without an answer that are left out; more is a question to the user
CLASSES = 1000
COUNTED = 20  # distinct whole numbers up to which they are taken for classes


@dataclass(frozen=True)
class Target:
    """The answers of all rows: class index int64 [N] and class names, or value float64 [N]."""

    name: str
    task: Task
    values: np.ndarray
    classes: tuple[str, ...] = ()

    @property
    def strata(self) -> np.ndarray | None:
        """Classes to share out evenly; None for regression."""
        return self.values if self.classes else None

    def outputs(self) -> tuple[Field, ...]:
        """What a caller gets back."""
        if self.task == "regression":
            return (Field("value", "float32"),)
        probabilities = Field("probabilities", "float32", (len(self.classes),))
        return (Field("label", "string", values=self.classes), probabilities)

    def head(self, training: np.ndarray) -> dict[str, Any]:
        """head.json: task, classes, and what a regression is standardised by."""
        values = self.values[training]
        mean, std = (0.0, 1.0) if self.classes else (float(values.mean()), float(values.std()) or 1.0)
        return {"task": self.task, "classes": list(self.classes), "mean": mean, "std": std}


def usable(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """bool [N]: the rows that have an answer.  Raises InputError when there are too few."""
    known = pc.is_valid(column)
    if pa.types.is_floating(column.type):
        known = pc.and_(known, pc.fill_null(pc.is_finite(column), False))
    mask: np.ndarray = known.to_numpy()
    missing = len(mask) - int(mask.sum())
    if missing > MISSING * len(mask):
        raise InputError(
            f"the target {name} is missing in {missing} of {len(mask)} rows ({missing / len(mask):.0%})",
            expected=f"an answer in at least {1 - MISSING:.0%} of the rows",
            todo=f"leave those rows out knowingly: WHERE {name} IS NOT NULL in a sql transform",
            key="target",
        )
    if mask.sum() < FEWEST:
        raise InputError(
            f"there are {int(mask.sum())} rows to learn from and to be judged by",
            expected=f"at least {FEWEST}, better thousands",
            todo="collect more rows",
            key="target",
        )
    return mask


def read(column: pa.ChunkedArray, name: str, task: str) -> Target:
    """The target in COLUMN, without missing values.  Raises InputError for one value only, or too many classes."""
    kind = column.type
    if pa.types.is_temporal(kind) or pa.types.is_binary(kind) or pa.types.is_nested(kind):
        raise InputError(f"the target {name} holds {kind}", expected="classes or numbers", key="target",
                         todo="derive a number or a class from it in a sql transform")  # fmt: skip
    values = pc.unique(column).to_pylist()
    if len(values) < 2:
        raise InputError(
            f"the target {name} is {_name(values[0])!r} in every row",
            expected="at least two different answers",
            todo="choose another target, or collect rows with another answer",
            key="target",
        )
    found = _task(column.type, len(values)) if task == "auto" else task
    if found == "regression":
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise InputError(f"the target {name} holds {column.type}, not numbers", expected="numbers for a regression",
                             todo='use task = "multiclass", or give its type in [clean.contract]',
                             key="task")  # fmt: skip
        return Target(name, "regression", numbers(column))
    if len(values) > CLASSES or 2 * len(values) > len(column):
        raise InputError(
            f"the target {name} has {len(values)} different values in {len(column)} rows",
            expected=f"at most {CLASSES} classes, each in several rows, or numbers for a regression",
            todo='use task = "regression" for numbers; else group the values in a sql transform',
            key="target",
        )
    if found == "binary" and len(values) != 2:
        raise InputError(f"the target {name} has {len(values)} different values", expected="two for a binary task",
                         todo='use task = "multiclass"', key="task")  # fmt: skip
    classes = tuple(_name(value) for value in sorted(values, key=lambda v: (isinstance(v, str), v)))
    index = {name: i for i, name in enumerate(classes)}
    rows = np.array([index[_name(value)] for value in column.to_pylist()], np.int64)
    return Target(name, "binary" if found == "binary" else "multiclass", rows, classes)


def check_training(target: Target, training: np.ndarray) -> None:
    """Raises InputError when the TRAINING rows (indices) have one class only: a split by time or column can do that."""
    seen = np.unique(target.values[training]) if target.classes else np.arange(2)
    if len(seen) < 2:
        raise InputError(
            f"the target {target.name} is {target.classes[seen[0]]!r} in every training row",
            expected="at least two classes to learn from",
            todo="split otherwise, or collect rows of an earlier time",
            key="split",
        )


def _task(kind: pa.DataType, distinct: int) -> Task:
    if distinct == 2:
        return "binary"
    if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and distinct > COUNTED):
        return "regression"
    return "multiclass"


def _name(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
